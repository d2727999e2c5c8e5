"""What happens when containers stop, die, are replaced or multiplied.

The database's absence comes last: a desk that never gets over it would fail what follows, too.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from graders.containers.answers import fields, number
from mde_grader.checking import CheckFailedError, eventually, expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack

FRONT = "http://lab-front:8081"

REPORT_SECONDS = 1.4
"""The slow report's own second and a half, with a little room for clocks."""

CLOSED = "/mde-closed.conf"
"""Rules of a database that takes connections and lets nobody in, as one does that is starting or recovering."""

PATIENCE = 15
"""Seconds that an answer may take while the database is away: its name is gone, too, and resolvers try for 10."""

Take = Callable[..., dict[str, object]]
Words = Mapping[str, str]


@requirement("graceful-stop", disturbs=True)
def test_stop_under_load(stack: Stack, probe: Probe, desk: str, words: Words) -> None:
    """A stop in the middle of a slow request still answers it, and is done within 5 seconds."""
    web, path = words["web"], f"/{words['report']}"
    report = probe.start("GET", f"{desk}{path}", seconds=12)
    time.sleep(0.5)
    expect(
        not report.done(),
        expected=f"GET {path} takes its 1.5 seconds, so that a stop can come in between",
        seen="it was answered, or refused, within half a second",
        look=f"time curl -i localhost:{words['port']}{path}",
    )
    stopped = stack[web].stop(seconds=5)
    look = f"curl localhost:{words['port']}{path} & sleep 0.5; time docker compose stop -t 5 {web}; wait"
    expect(
        not stopped.killed,
        expected="the stop signal ends the container within 5 seconds",
        seen="it was still running then and had to be killed",
        look=look,
        said=stack[web].logs()[-1500:],
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
def test_everything_is_replaced(
    probe: Probe, take: Take, restart: Callable[..., None], desk: str, words: Words
) -> None:
    """What was taken in, and its scan, are still there after every container, the database's too, was replaced."""
    item, scan = take(), secrets.token_bytes(5_000)
    place = f"{desk}/{words['items']}/{item['id']}"
    probe.post(f"{place}/{words['scan']}", data=scan)
    restart(words["db"])
    look = f"docker compose up -d --force-recreate; docker compose exec {words['web']} ls -l /; docker volume ls"
    for attempt in eventually(seconds=15, interval=0.2):
        with attempt:
            kept = probe.get(place, seconds=5)
            expect(
                fields(kept) == item,
                expected=f"the {words['item']} is there after the database and the desk were replaced",
                seen=f"status {kept.status}: {kept.text[:200]}",
                look=look,
            )
    back = probe.get(f"{place}/{words['scan']}")
    expect(
        back.status == 200 and back.body == scan,
        expected=f"its {words['scan']} is there too, byte for byte",
        seen=f"status {back.status} with {len(back.body)} bytes",
        look=look,
    )


@requirement("replicas", disturbs=True)
def test_second_copy(stack: Stack, probe: Probe, take: Take, words: Words) -> None:
    """With a second copy behind the lab's proxy both answer, and each sees what the other took in."""
    web = words["web"]
    first, second = stack[web], stack.replica(web)
    try:
        copies = {copy.address: f"http://{copy.address}:{words['port']}" for copy in (first, second)}
        expect(
            all(copies),
            expected="a copy of the desk keeps running beside another one",
            seen="one of the two ended at once",
            look=f"docker compose up -d --scale {web}=2 (take the host port out first); docker compose ps -a",
            said=second.logs()[-1500:],
        )
        for attempt in eventually(seconds=20, interval=0.1):
            with attempt:
                assert probe.get(f"{copies[second.address]}/healthz", seconds=5).status == 200
        for writer, reader in ((first, second), (second, first)):
            _write_here_read_there(probe, take, (copies[writer.address], copies[reader.address]), words)
        _both_are_asked(probe, set(copies), web)
    finally:
        stack.remove(second)


def _write_here_read_there(probe: Probe, take: Take, at: tuple[str, str], words: Words) -> None:
    here, there = at
    item, scan = take(here), secrets.token_bytes(2_000)
    place = f"{words['items']}/{item['id']}"
    probe.post(f"{here}/{place}/{words['scan']}", data=scan)
    seen = probe.get(f"{there}/{place}")
    back = probe.get(f"{there}/{place}/{words['scan']}")
    expect(
        fields(seen) == item and back.body == scan,
        expected=f"a {words['item']} and its {words['scan']} that one copy took in are seen by the other at once",
        seen=f"status {seen.status} for the {words['item']}, "
        f"{back.status} with {len(back.body)} bytes for the {words['scan']}",
        look=f"docker compose up -d --scale {words['web']}=2 (take the host port out first), then ask each copy",
    )


def _both_are_asked(probe: Probe, addresses: set[str], web: str) -> None:
    asked: set[str] = set()
    for attempt in eventually(seconds=8, interval=0.05):
        with attempt:
            answer = probe.get(f"{FRONT}/healthz", seconds=5)
            asked.add((answer.headers.get("x-upstream") or "").rpartition(":")[0])
            expect(
                addresses <= asked,
                expected="the proxy, which shares requests out by name, gets answers from both copies",
                seen=f"answers from {len(asked & addresses)} of {len(addresses)}",
                look=f"docker compose logs {web}",
            )


@requirement("jobs-survive", disturbs=True)
def test_worker_is_killed(probe: Probe, take: Take, restart: Callable[..., None], desk: str, words: Words) -> None:
    """What a worker was killed over half-way is printed by the next one within 15 seconds."""
    order, orders = {f"{words['item']}_id": take()["id"]}, f"{desk}/{words['jobs']}"
    jobs = [f"{orders}/{number(probe.post(orders, json=order))}" for _ in range(2)]
    _await_done(probe, jobs[:1], words, seconds=10)
    time.sleep(0.3)
    restart()
    _await_done(probe, jobs, words, seconds=15)


def _await_done(probe: Probe, jobs: Sequence[str], words: Words, *, seconds: float) -> None:
    for attempt in eventually(seconds=seconds, interval=0.1):
        with attempt:
            answers = [probe.get(job, seconds=5) for job in jobs]
            states = [str(fields(answer).get("state", f"status {answer.status}")) for answer in answers]
            expect(
                set(states) == {words["done"]},
                expected=f"“{words['done']}” for every {words['label']} that was ordered, within {seconds:.0f} seconds",
                seen=", ".join(states),
                look=f"order a {words['label']}; docker compose kill worker; docker compose up -d; "
                f"curl localhost:{words['port']}/{words['jobs']}/1",
            )


@requirement("readiness", disturbs=True)
def test_database_goes_and_comes_back(stack: Stack, probe: Probe, take: Take, desk: str, words: Words) -> None:
    """/readyz says 503 while the database is away or lets nobody in, and 200 when it is back; /healthz stays at 200."""
    db, readyz = words["db"], f"{desk}/readyz"
    look = f"docker compose stop {db}; curl -i localhost:{words['port']}"
    _await_ready(probe, readyz, 200, "the database runs", look=look, seconds=15)
    stack[db].stop()
    _await_ready(probe, readyz, 503, "the database is stopped", look=look, seconds=30)
    alive = probe.get(f"{desk}/healthz", seconds=PATIENCE)
    expect(
        alive.status == 200,
        expected="200 from /healthz while the database is away: the desk itself is alive",
        seen=f"status {alive.status}",
        look=f"{look}/healthz",
    )
    stack[db].start()
    _await_ready(probe, readyz, 200, "the database is back", look=look, seconds=30)
    take()
    files = {**stack[db].spec.files, CLOSED: b"local all all trust\nhost all all all reject\n"}
    stack[db].recreate(command=("-c", f"hba_file={CLOSED}"), files=files)
    stack.wait_ready(db)
    _await_ready(probe, readyz, 503, "the database is reached and lets nobody in", look=look, seconds=15)


def _await_ready(  # noqa: PLR0913 - what is waited for, and what is said when it does not come
    probe: Probe, url: str, status: int, when: str, *, look: str, seconds: float
) -> None:
    for attempt in eventually(seconds=seconds, interval=0.2):
        with attempt:
            answer = probe.get(url, seconds=PATIENCE)
            expect(
                answer.status == status,
                expected=f"{status} from /readyz within {seconds:.0f} seconds when {when}",
                seen=f"status {answer.status}",
                look=f"{look}/readyz; docker compose start ...",
                said=answer.text[:500],
            )
