"""Whether a build can be stopped, and whether it is held to its file size."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import requests

from mde_grader.doctor.bench import SECONDS, Bench
from mde_grader.doctor.findings import Finding
from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import RefusalError, hang_up
from mde_grader.runtimes.docker.logs import pieces

GONE_SECONDS = 2.0
"""A cancelled build's container was gone after 0.3 s where we measured."""
FILE_MB = 1
GROWN_MB = 48
"""Small enough to be harmless where the cap does not bind."""
POLL = 0.02
_RUNNING = re.compile(r"Running in ([0-9a-f]{12,64})")


def cancelled(bench: Bench) -> Finding:
    """Start a build that sleeps, hang up, and see how long its container stays."""
    answer = _build(bench, f"RUN : {bench.name}; exec sleep 60", tag="")
    container = ""
    try:
        container = next((found[1] for text in _texts(answer) if (found := _RUNNING.search(text))), "")
        began = time.monotonic()
    finally:
        hang_up(answer)
    seconds = _gone_after(bench, container, began) if container else None
    held = seconds is not None and seconds <= GONE_SECONDS
    seen = f"gone {seconds:.1f} s after hanging up" if seconds is not None else "it went on"
    if not container:
        seen = "the build did not start a step"
    hint = "this engine goes on building for candidates who are gone; use Docker Engine"
    return Finding("cancel", "a build can be stopped", held, f"gone within {GONE_SECONDS:.0f} s", seen, hint)


def _gone_after(bench: Bench, container: str, began: float) -> float | None:
    """Seconds until the container no longer runs; None, and it is removed, when it stays."""
    while time.monotonic() - began < SECONDS:
        try:
            state = bench.engine.ask("GET", f"/containers/{container}/json")["State"]
        except RefusalError:
            return time.monotonic() - began
        if not state.get("Running"):
            break
        time.sleep(POLL)
    seconds = time.monotonic() - began
    bench.engine.quietly("DELETE", f"/containers/{container}", params={"force": 1, "v": 1})
    return seconds if seconds < SECONDS else None


def file_size(bench: Bench) -> Finding:
    """Let a build step make a file that is too large."""
    tag = f"mde-grade/{bench.name}:file"
    script = f"open('/grown','wb').truncate({GROWN_MB} << 20)"
    answer = _build(bench, f'RUN ["python3", "-I", "-S", "-c", "{script}"]', tag=tag)
    try:
        said = "".join(_texts(answer))
    finally:
        answer.close()
        bench.engine.quietly("DELETE", f"/images/{tag}", params={"force": 1})
    held = "Successfully built" not in said and "non-zero code" in said
    seen = f"cap {FILE_MB} MB: a file of {GROWN_MB} MB was {'refused' if held else 'made'}"
    return Finding(
        "build-file", "a build's files are capped", held, "refused", seen, "the builder must obey `ulimit fsize`"
    )


def _build(bench: Bench, dockerfile: str, *, tag: str) -> requests.Response:
    size = FILE_MB << 20
    parameters = {
        "networkmode": "none",
        "rm": 1,
        "forcerm": 1,
        "nocache": 1,
        "memory": 128 << 20,
        "memswap": 128 << 20,
        "labels": json.dumps(bench.labels),
        "ulimits": json.dumps([{"Name": "fsize", "Soft": size, "Hard": size}]),
    }
    if tag:
        parameters["t"] = tag
    headers = {"Content-Type": "application/x-tar"}
    try:
        return bench.engine.open("POST", "/build", params=parameters, data=bench.context(dockerfile), headers=headers)
    except RefusalError as refusal:
        raise EngineError(f"the engine does not build: {refusal.message}") from refusal


def _texts(answer: requests.Response) -> Iterator[str]:
    """What the build says, piece by piece, its errors too."""
    buffer = b""
    for piece in pieces(answer, until=time.monotonic() + SECONDS):
        *lines, buffer = (buffer + piece).split(b"\n")
        for line in filter(None, lines):
            said = json.loads(line)
            yield str(said.get("stream") or said.get("error") or "")
