"""Read requests, answer them from threads, and end at the end of the input or at the deadline."""

from __future__ import annotations

import importlib
import json
import os
import queue
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from . import spawner
from .limits import Deadline, OpError

VERSION = 1
MAX_WORKERS = 64
OVERDUE_SECONDS = 0.4
"""How long after its own time an operation is answered for; below the client's second of grace."""
MAX_ANSWER = 7 * 1024 * 1024
"""Longest answer that is sent, bytes; the client gives the whole session up for one of more than 8 MiB."""
_LOOK_SECONDS = 0.2
_WARM = ("net", "files")
_OPS = {
    "http": "net",
    "tcp": "net",
    "dns": "net",
    "wait": "net",
    "load": "load",
    "stat": "files",
    "read": "files",
    "list": "files.entries_of",
    "digest": "files",
    "find": "walk",
    "search": "walk",
    "sockets": "sockets.list_all",
    "processes": "processes.list_all",
    "environ": "processes",
    "mounts": "mounts.list_all",
    "run": "runner",
    "volume-kind": "held.kind",
    "volume-make": "held.make",
    "volume-read": "held.read",
    "volume-remove": "held.remove",
    "volume-write": "held.write",
}
"""Operation -> the module (and function, when its name differs) that does it; imported when first asked for."""


class Agent:
    """One conversation on a pair of file descriptors."""

    def __init__(self, source: int, sink: int, seconds: float) -> None:
        self._source = source
        self._sink = sink
        self._ends = Deadline(0)
        self._ends.seconds = seconds
        self._detached = False
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._idle = 0
        self._workers = 0
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._running: dict[object, Deadline] = {}

    def run(self) -> None:
        """Serve until the end of the input (unless detached) or the deadline."""
        threading.Thread(target=self._watch, daemon=True).start()
        poll = select.poll()
        poll.register(self._source, select.POLLIN | select.POLLHUP)
        rest = b""
        while self._ends.remaining() > 0 and poll.poll(self._ends.remaining() * 1000):
            data = os.read(self._source, 1 << 16)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._hand_over(line)
        if self._detached:
            threading.Event().wait(self._ends.remaining())

    def _hand_over(self, line: bytes) -> None:
        with self._lock:
            start = self._idle <= self._requests.qsize() and self._workers < MAX_WORKERS
            self._workers += start
        self._requests.put(line)
        if start:
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            line = self._requests.get()
            with self._lock:
                self._idle -= 1
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        answer: dict[str, Any] = {"id": None}
        watched = False
        try:
            request = json.loads(line)
            answer["id"] = request.get("id")
            if "seconds" in request:
                self._running[answer["id"]] = Deadline(request["seconds"])
                watched = True
            answer["ok"] = self._dispatch(request)
        except OpError as error:
            answer["error"] = {"kind": error.kind, "message": error.message}
        except Exception as error:  # noqa: BLE001 - whatever happens to one request, the next is answered
            answer["error"] = {"kind": "bad-request", "message": f"{type(error).__name__}: {error}"}
        if not watched or self._running.pop(answer["id"], None) is not None:
            self._write(_line(answer))

    def _watch(self) -> None:
        """Answer for operations that hang in the kernel: a service can stall whoever reads its /proc for long."""
        while self._ends.remaining() > 0:
            time.sleep(_LOOK_SECONDS)
            for number, deadline in list(self._running.items()):
                late = deadline.spent() > deadline.seconds + OVERDUE_SECONDS
                if late and self._running.pop(number, None) is not None:
                    error = {"kind": "timeout", "message": f"not done within {deadline.seconds:g} s"}
                    self._write(json.dumps({"id": number, "error": error}).encode() + b"\n")

    def _dispatch(self, request: dict[str, Any]) -> dict[str, Any]:
        op = request.get("op")
        if op == "hello":
            return {"version": VERSION, "pid": os.getpid()}
        if op == "detach":
            self._detached = True
            return {}
        if op not in _OPS:
            raise OpError("bad-request", f"no such operation: {op!r}")
        return operation(op)(request)

    def _write(self, data: bytes) -> None:
        with self._writing:
            while data:
                data = data[os.write(self._sink, data) :]


def _line(answer: dict[str, Any]) -> bytes:
    """One line of answer; a service's long names must not cost more than the question that met them."""
    line = json.dumps(answer).encode() + b"\n"
    if len(line) <= MAX_ANSWER:
        return line
    error = {"kind": "too-large", "message": f"what was found takes more than {MAX_ANSWER} bytes to tell"}
    return json.dumps({"id": answer["id"], "error": error}).encode() + b"\n"


def operation(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The function that does an operation."""
    module, _, function = _OPS[name].partition(".")
    return getattr(importlib.import_module(f".{module}", __package__), function or name)  # type: ignore[no-any-return]


def _warm() -> None:
    for name in _WARM:
        importlib.import_module(f".{name}", __package__)


def main() -> None:
    """Run the agent on standard input and output."""
    os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"  # glibc's resolver has no deadline of its own
    spawner.start()
    threading.Thread(target=_warm, daemon=True).start()
    try:
        Agent(0, 1, float(os.environ.get("MDE_DEADLINE_SECONDS", "3600"))).run()
    finally:
        os._exit(0)  # threads may be in the middle of something; nobody waits for them any more
