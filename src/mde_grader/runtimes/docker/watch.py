"""Two watchers: one thread that hears when containers end, and one a stack that weighs writable layers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import Engine, RefusalError, hang_up
from mde_grader.runtimes.docker.names import ATTEMPT_LABEL

MIB = 1 << 20
OVERLAP_SECONDS = 2
"""The event stream starts this far back, so that nothing is missed while it is opened."""

OOM_GRACE = 0.3
"""The engine may tell of the kill a moment after the end; measured 0 to 40 ms."""


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended: its exit code, and when by the monotonic clock."""

    exit_code: int
    at: float


class Watch:
    """The engine's event stream, shared by all stacks of a runtime."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._oomed = threading.Condition(self._lock)
        self._ends: dict[str, Future[End]] = {}
        self._oom: set[str] = set()
        self._response: requests.Response | None = None
        self._closed = False

    def expect(self, container: str) -> Future[End]:
        """Follow a container from now on; to be called before each of its starts. The future holds its end."""
        future: Future[End] = Future()
        with self._lock:
            if self._response is None and not self._closed:
                self._open()
            self._ends[container] = future
            self._oom.discard(container)
        return future

    def forget(self, container: str) -> None:
        """Stop following."""
        with self._lock:
            self._ends.pop(container, None)
            self._oom.discard(container)

    def out_of_memory(self, container: str, *, seconds: float = OOM_GRACE) -> bool:
        """Whether the engine told that the kernel killed something of it for its memory; waits for late news."""
        with self._lock:
            return self._oomed.wait_for(lambda: container in self._oom, timeout=seconds)

    def close(self) -> None:
        """End the stream; safe to call twice."""
        with self._lock:
            self._closed = True
            response, self._response = self._response, None
        if response is not None:
            hang_up(response)

    def _open(self) -> None:
        filters = {"type": ["container"], "event": ["die", "oom"], "label": [ATTEMPT_LABEL]}
        since = int(time.time()) - OVERLAP_SECONDS
        try:
            self._response = self._engine.open(
                "GET", "/events", params={"filters": json.dumps(filters), "since": since}, timeout=None
            )
        except RefusalError as refusal:
            raise EngineError(f"the engine does not tell its events: {refusal.message}") from refusal
        threading.Thread(target=self._listen, args=(self._response,), name="mde-events", daemon=True).start()

    def _listen(self, response: requests.Response) -> None:
        with suppress(HTTPError, OSError, ValueError, AttributeError):
            for line in _lines(response):
                self._event(json.loads(line))
        with self._lock:
            lost = self._response is response
            if lost:
                self._response = None
            waiting = list(self._ends.values()) if lost else []
        for future in waiting:
            with suppress(InvalidStateError):
                future.set_exception(EngineError("the engine stopped telling its events"))

    def _event(self, event: dict[str, object]) -> None:
        actor = event.get("Actor")
        if not isinstance(actor, dict):
            return
        container = str(actor.get("ID", ""))
        with self._lock:
            if event.get("Action") == "oom":
                self._oom.add(container)
                self._oomed.notify_all()
                return
            future = self._ends.get(container)
        if future is not None:
            code = str((actor.get("Attributes") or {}).get("exitCode", ""))
            with suppress(InvalidStateError):
                future.set_result(End(int(code) if code.lstrip("-").isdigit() else -1, time.monotonic()))


def _lines(response: requests.Response) -> Iterator[bytes]:
    rest = b""
    for piece in response.raw.stream(65_536):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line.strip())


class LayerWatch:
    """Weighs the writable layers of a stack's services, one at a time, and tells which is too heavy.

    Args:
        engine: The engine.
        heavy: Called once with the id of a container that wrote more than it may.
        pause: Seconds between two looks. An idle disk takes a gigabyte a second, and a kill takes another 0.3 s.
    """

    def __init__(self, engine: Engine, heavy: Callable[[str], None], *, pause: float = 0.2) -> None:
        self._engine = engine
        self._heavy = heavy
        self._pause = pause
        self._limits: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, container: str, layer_mb: int) -> None:
        """Weigh this one from now on."""
        with self._lock:
            self._limits[container] = layer_mb * MIB
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mde-layers", daemon=True)
                self._thread.start()

    def remove(self, container: str) -> None:
        """Leave this one alone."""
        with self._lock:
            self._limits.pop(container, None)

    def close(self) -> None:
        """End; a look that is under way is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            with self._lock:
                todo = list(self._limits.items())
            for container, limit in todo:
                if self._stop.is_set():
                    return
                self._look(container, limit)

    def _look(self, container: str, limit: int) -> None:
        try:
            about = self._engine.ask("GET", f"/containers/{container}/json", params={"size": 1})
        except (RefusalError, EngineError):
            return
        if int(about.get("SizeRw") or 0) > limit:
            self.remove(container)
            self._heavy(container)
