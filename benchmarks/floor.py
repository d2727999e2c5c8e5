"""What grading the reference of lab-02 cannot do without: its builds, containers, waits and requests, and nothing else.

Written by hand after a log of what an attempt asks of the engine and of the agent. Each function does what one check
does, in the same order; nothing is judged but what would make a run worthless.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground
from benchmarks.raw import Rig, reply
from graders.containers.contents import LOOK_FOR

WEB, FRONT = "http://web:8080", "http://lab-front:8081"
PRIVATE = {".env": 200_000, ".git/objects/pack/pack-1.pack": 400_000, "secrets/database.txt": 800_000}
CLOSED = "/mde-closed.conf"
SOURCES = ("web.py", "worker.py", "tariff.py", "label.py")


class Changed:
    """Copies of a solution, made once: one with private files beside it, one whose sources get a new line each time."""

    def __init__(self, folder: Path) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="mde-floor-")
        self.planted, self._touched = (Path(self._place.name) / name for name in ("planted", "touched"))
        for copy in (self.planted, self._touched):
            shutil.copytree(folder, copy)
        for name, size in PRIVATE.items():
            (self.planted / name).parent.mkdir(parents=True, exist_ok=True)
            (self.planted / name).write_text(secrets.token_hex(size // 2), encoding="ascii")
        self._texts = {path: path.read_text() for path in self._touched.rglob("*.py") if path.name in SOURCES}

    def touched(self) -> Path:
        """The copy with a line that no build cache knows."""
        token = secrets.token_hex(8)
        for path, text in self._texts.items():
            path.write_text(f"{text}\n# {token}\n", encoding="utf-8")
        return self._touched

    def close(self) -> None:
        """Remove the copies."""
        self._place.cleanup()


def attempt(ground: Ground, changed: Changed) -> None:
    """One whole run: build, start, look, disturb, take down."""
    rig = Rig(ground)
    image = rig.build(ground.folder)
    starting = threading.Thread(target=rig.up, args=(image,))
    starting.start()
    rig.build(changed.planted)
    rig.images.append(rig.build(changed.touched()))
    starting.join()
    try:
        look(rig)
        stop_under_load(rig)
        replace_everything(rig)
        second_copy(rig)
        kill_worker(rig)
        database_goes(rig)
    finally:
        rig.down()


def take(rig: Rig, at: str = WEB) -> dict[str, Any]:
    """Hand a parcel in."""
    rig.agent.http("GET", f"{at}/readyz")
    parcel = {"recipient": f"Ada {secrets.token_hex(4)}", "weight_grams": 750}
    return dict(_until(lambda: rig.agent.http("POST", f"{at}/parcels", json=parcel), lambda got: got[0] == 201, 0.25))


def look(rig: Rig) -> None:
    """What the checks ask of a desk that nobody disturbs."""
    agent = rig.agent
    parcel = take(rig)
    agent.http("GET", f"{WEB}/parcels/{parcel['id']}")
    agent.http("GET", f"{WEB}/parcels/987654321")
    place = f"{WEB}/parcels/{take(rig)['id']}/attachment"
    agent.http("POST", place, data=secrets.token_bytes(5_000))
    agent.http("GET", place)
    for path in ("/", "/healthz", "/", f"/lost-{secrets.token_hex(6)}"):
        agent.http("GET", f"{WEB}{path}")
    for name in ("web", "worker"):
        rig.client.logs(rig.running[name])
    _job_done(rig, order(rig, take(rig)), 0.2)
    for name in ("web", "worker"):
        rig.client.inspect_container(rig.running[name])
        agent.ask("processes", service=rig.running[name])
    agent.ask("find", service=rig.running["web"], path="/", names=list(LOOK_FOR), depth=32, limit=500)
    for name in ("web", "worker"):
        rig.client.inspect_container(rig.running[name])


def order(rig: Rig, parcel: dict[str, Any]) -> int:
    """Order a label; the job's number."""
    _, body, _ = rig.agent.http("POST", f"{WEB}/jobs", json={"parcel_id": parcel["id"]})
    return int(json.loads(body)["id"])


def stop_under_load(rig: Rig) -> None:
    """A stop in the middle of a slow request."""
    report = rig.agent.start_http("GET", f"{WEB}/slow-report")
    time.sleep(0.5)
    rig.stop("web", "SIGTERM")
    rig.client.logs(rig.running["web"])
    assert reply(report.get(timeout=15))[0] == 200
    rig.client.start(rig.running["web"])
    rig.await_ready(*rig.services)


def replace_everything(rig: Rig) -> None:
    """Database first, then what the submission builds."""
    place = f"{WEB}/parcels/{take(rig)['id']}"
    scan = secrets.token_bytes(5_000)
    rig.agent.http("POST", f"{place}/attachment", data=scan)
    rig.kill("db", "web", "worker")
    rig.replace("db")
    rig.replace("web", "worker")
    _until(lambda: rig.agent.http("GET", place), lambda got: got[0] == 200, 0.2)
    assert rig.agent.http("GET", f"{place}/attachment")[1] == scan
    rig.await_ready(*rig.services)


def second_copy(rig: Rig) -> None:
    """A replica, both asked by address and through the proxy."""
    rig.client.start(rig.create("web", "web-2"))
    first, second = (f"http://{rig.address(name)}:8080" for name in ("web", "web-2"))
    _until(lambda: rig.agent.http("GET", f"{second}/healthz"), lambda got: got[0] == 200, 0.1, read=False)
    for here, there in ((first, second), (second, first)):
        number = take(rig, here)["id"]
        rig.agent.http("POST", f"{here}/parcels/{number}/attachment", data=secrets.token_bytes(2_000))
        rig.agent.http("GET", f"{there}/parcels/{number}")
        rig.agent.http("GET", f"{there}/parcels/{number}/attachment")
    asked: set[str] = set()
    wanted = {url.removeprefix("http://") for url in (first, second)}
    while not wanted <= asked:
        asked.add(rig.agent.http("GET", f"{FRONT}/healthz")[2].get("x-upstream", ""))
        if not wanted <= asked:
            time.sleep(0.05)
    rig.remove(rig.running.pop("web-2"))


def kill_worker(rig: Rig) -> None:
    """Two labels, a kill after the first, and both printed in the end."""
    parcel = take(rig)
    jobs = [order(rig, parcel) for _ in range(2)]
    _job_done(rig, jobs[0], 0.1)
    time.sleep(0.3)
    rig.kill("web", "worker")
    rig.replace("web", "worker")
    for job in jobs:
        _job_done(rig, job, 0.1)
    rig.await_ready(*rig.services)


def database_goes(rig: Rig) -> None:
    """Stopped, started again, and closed to everybody, with the readiness that follows it."""
    _readiness(rig, 200)
    rig.stop("db", "SIGINT")
    _readiness(rig, 503)
    rig.agent.http("GET", f"{WEB}/healthz")
    rig.client.start(rig.running["db"])
    _readiness(rig, 200)
    take(rig)
    files = {CLOSED: b"local all all trust\nhost all all all reject\n"}
    rig.services["db"] = replace(rig.services["db"], command=("-c", f"hba_file={CLOSED}"), files=files)
    rig.replace("db")
    _readiness(rig, 503)


def _readiness(rig: Rig, status: int) -> None:
    _until(lambda: rig.agent.http("GET", f"{WEB}/readyz"), lambda got: got[0] == status, 0.2, read=False)


def _job_done(rig: Rig, job: int, interval: float) -> None:
    _until(lambda: rig.agent.http("GET", f"{WEB}/jobs/{job}"), lambda got: b'"done"' in got[1], interval)


def _until(
    ask: Callable[[], tuple[int, bytes, dict[str, str]]],
    good: Callable[[tuple[int, bytes, dict[str, str]]], bool],
    interval: float,
    *,
    read: bool = True,
) -> dict[str, Any]:
    """Ask until the answer is good, as often as the check does; the answer's JSON."""
    for _ in range(round(30 / interval)):
        answer = ask()
        if good(answer):
            return dict(json.loads(answer[1])) if read else {}
        time.sleep(interval)
    raise TimeoutError("the reference never gave the answer that was waited for")
