"""What happens when containers stop, die, are replaced or multiplied.

The database's absence comes last: a desk that never gets over it would fail what follows, too.
"""

import secrets
import time
from collections.abc import Callable, Sequence

from graders.containers.answers import fields, number
from mde_grader.checking import CheckFailedError, eventually, expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack

WEB = "http://web:8080"
FRONT = "http://lab-front:8081"

REPORT_SECONDS = 1.4
"""The slow report's own second and a half, with a little room for clocks."""

CLOSED = "/mde-closed.conf"
"""Rules of a database that takes connections and lets nobody in, as one does that is starting or recovering."""

PATIENCE = 15
"""Seconds that an answer may take while the database is away: its name is gone, too, and resolvers try for 10."""

Take = Callable[..., dict[str, object]]


@requirement("graceful-stop", disturbs=True)
def test_stop_under_load(stack: Stack, probe: Probe) -> None:
    """A stop in the middle of a slow request still answers it, and is done within 5 seconds."""
    report = probe.start("GET", f"{WEB}/slow-report", seconds=12)
    time.sleep(0.5)
    expect(
        not report.done(),
        expected="GET /slow-report takes its 1.5 seconds, so that a stop can come in between",
        seen="it was answered, or refused, within half a second",
        look="time curl -i localhost:8080/slow-report",
    )
    stopped = stack["web"].stop(seconds=5)
    look = "curl localhost:8080/slow-report & sleep 0.5; time docker compose stop -t 5 web; wait"
    expect(
        not stopped.killed,
        expected="the stop signal ends the container within 5 seconds",
        seen="it was still running then and had to be killed",
        look=look,
        said=stack["web"].logs()[-1500:],
    )
    try:
        answer = report.result()
        seen = f"status {answer.status} after {answer.seconds:.1f} s: {answer.text[:200]}"
        whole = fields(answer).get("complete") is True and answer.seconds >= REPORT_SECONDS
    except CheckFailedError as problem:
        whole, seen = False, problem.evidence.seen
    expect(
        whole,
        expected="the report that was under way is answered in full before the container ends",
        seen=f"{seen}; the container ended {stopped.seconds:.1f} s after the signal",
        look=look,
    )


@requirement("data-survives", disturbs=True)
def test_everything_is_replaced(probe: Probe, take: Take, restart: Callable[..., None]) -> None:
    """A parcel and its scan are still there after every container, the database's too, was replaced."""
    parcel, scan = take(), secrets.token_bytes(5_000)
    place = f"{WEB}/parcels/{parcel['id']}"
    probe.post(f"{place}/attachment", data=scan)
    restart("db")
    look = "docker compose up -d --force-recreate; docker compose exec web ls -l /; docker volume ls"
    for attempt in eventually(seconds=15, interval=0.2):
        with attempt:
            kept = probe.get(place, seconds=5)
            expect(
                fields(kept) == parcel,
                expected="the parcel is there after the database and the desk were replaced",
                seen=f"status {kept.status}: {kept.text[:200]}",
                look=look,
            )
    back = probe.get(f"{place}/attachment")
    expect(
        back.status == 200 and back.body == scan,
        expected="its scan is there too, byte for byte",
        seen=f"status {back.status} with {len(back.body)} bytes",
        look=look,
    )


@requirement("replicas", disturbs=True)
def test_second_copy(stack: Stack, probe: Probe, take: Take) -> None:
    """With a second copy behind the lab's proxy both answer, and each sees what the other took in."""
    first, second = stack["web"], stack.replica("web")
    try:
        copies = {copy.address: f"http://{copy.address}:8080" for copy in (first, second)}
        expect(
            all(copies),
            expected="a copy of the desk keeps running beside another one",
            seen="one of the two ended at once",
            look="docker compose up -d --scale web=2 (take the host port out first); docker compose ps -a",
            said=second.logs()[-1500:],
        )
        for attempt in eventually(seconds=20, interval=0.1):
            with attempt:
                assert probe.get(f"{copies[second.address]}/healthz", seconds=5).status == 200
        for writer, reader in ((first, second), (second, first)):
            _write_here_read_there(probe, take, copies[writer.address], copies[reader.address])
        _both_are_asked(probe, set(copies))
    finally:
        stack.remove(second)


def _write_here_read_there(probe: Probe, take: Take, here: str, there: str) -> None:
    parcel, scan = take(here), secrets.token_bytes(2_000)
    probe.post(f"{here}/parcels/{parcel['id']}/attachment", data=scan)
    seen = probe.get(f"{there}/parcels/{parcel['id']}")
    back = probe.get(f"{there}/parcels/{parcel['id']}/attachment")
    expect(
        fields(seen) == parcel and back.body == scan,
        expected="a parcel and its scan that one copy took in are seen by the other at once",
        seen=f"status {seen.status} for the parcel, {back.status} with {len(back.body)} bytes for the scan",
        look="docker compose up -d --scale web=2 (take the host port out first), then ask each copy",
    )


def _both_are_asked(probe: Probe, addresses: set[str]) -> None:
    asked: set[str] = set()
    for attempt in eventually(seconds=8, interval=0.05):
        with attempt:
            answer = probe.get(f"{FRONT}/healthz", seconds=5)
            asked.add((answer.headers.get("x-upstream") or "").rpartition(":")[0])
            expect(
                addresses <= asked,
                expected="the proxy, which shares requests out by name, gets answers from both copies",
                seen=f"answers from {len(asked & addresses)} of {len(addresses)}",
                look="docker compose logs web",
            )


@requirement("jobs-survive", disturbs=True)
def test_worker_is_killed(probe: Probe, take: Take, restart: Callable[..., None]) -> None:
    """A label whose worker was killed half-way is printed by the next one within 15 seconds."""
    parcel = take()
    jobs = [number(probe.post(f"{WEB}/jobs", json={"parcel_id": parcel["id"]})) for _ in range(2)]
    _await_done(probe, jobs[:1], seconds=10)
    time.sleep(0.3)
    restart()
    _await_done(probe, jobs, seconds=15)


def _await_done(probe: Probe, jobs: Sequence[int | None], *, seconds: float) -> None:
    for attempt in eventually(seconds=seconds, interval=0.1):
        with attempt:
            answers = [probe.get(f"{WEB}/jobs/{job}", seconds=5) for job in jobs]
            states = [str(fields(answer).get("state", f"status {answer.status}")) for answer in answers]
            expect(
                set(states) == {"done"},
                expected=f"“done” for every label that was ordered, within {seconds:.0f} seconds",
                seen=", ".join(states),
                look="order a label; docker compose kill worker; docker compose up -d; curl localhost:8080/jobs/1",
            )


@requirement("readiness", disturbs=True)
def test_database_goes_and_comes_back(stack: Stack, probe: Probe, take: Take) -> None:
    """/readyz says 503 while the database is away or lets nobody in, and 200 when it is back; /healthz stays at 200."""
    _await_ready(probe, 200, "the database runs", seconds=15)
    stack["db"].stop()
    _await_ready(probe, 503, "the database is stopped", seconds=30)
    alive = probe.get(f"{WEB}/healthz", seconds=PATIENCE)
    expect(
        alive.status == 200,
        expected="200 from /healthz while the database is away: the desk itself is alive",
        seen=f"status {alive.status}",
        look="docker compose stop db; curl -i localhost:8080/healthz",
    )
    stack["db"].start()
    _await_ready(probe, 200, "the database is back", seconds=30)
    take()
    files = {**stack["db"].spec.files, CLOSED: b"local all all trust\nhost all all all reject\n"}
    stack["db"].recreate(command=("-c", f"hba_file={CLOSED}"), files=files)
    stack.wait_ready("db")
    _await_ready(probe, 503, "the database is reached and lets nobody in", seconds=15)


def _await_ready(probe: Probe, status: int, when: str, *, seconds: float) -> None:
    for attempt in eventually(seconds=seconds, interval=0.2):
        with attempt:
            answer = probe.get(f"{WEB}/readyz", seconds=PATIENCE)
            expect(
                answer.status == status,
                expected=f"{status} from /readyz within {seconds:.0f} seconds when {when}",
                seen=f"status {answer.status}",
                look="docker compose stop db; curl -i localhost:8080/readyz; docker compose start db",
                said=answer.text[:500],
            )
