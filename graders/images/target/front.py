"""The fronts: a port for each tenant, from which requests go to what is live."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graders.images.target.exchange import Message, TooLargeError, answer_to, request_from
from graders.images.target.http1 import HEAD, Head, MalformedError, has_body, written
from graders.images.target.slots import Run, Slots

SECONDS = 10.0
"""For a release's whole answer."""
IDLE = 30.0
"""For a client's next request, and the whole of it."""
HEALTH_SECONDS = 3.0
CONNECTIONS = 128
"""Of one peer, over all fronts; another one is closed at once, so that a release cannot keep the grader out."""
Result = TypeVar("Result")
_PROBLEMS = (OSError, MalformedError, TimeoutError)


@dataclass
class Counts:
    """What a front has answered.

    Attributes:
        requests: In all.
        unanswered: For want of an answer of the live slot.
        by_release: Release to status to number.
    """

    requests: int = 0
    unanswered: int = 0
    by_release: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def facts(self) -> dict[str, object]:
        """All of it."""
        counts = {name: dict(found) for name, found in list(self.by_release.items())}
        return {"requests": self.requests, "unanswered": self.unanswered, "by_release": counts}


@dataclass
class Line:
    """A tenant as its front knows it."""

    slots: Slots
    counts: Counts = field(default_factory=Counts)

    async def answer(self, message: Message) -> bytes:
        """Have the live slot answer."""
        self.counts.requests += 1
        run = self.slots.entered()
        if run is None:
            self.counts.unanswered += 1
            return failure(502, "nothing runs in the live slot; start a release and switch to it", message)
        try:
            async with asyncio.timeout(SECONDS):
                said = await answer_to(run.port, message)
        except _PROBLEMS as error:
            self.counts.unanswered += 1
            return failure(502, f"{run.release.name} in {run.slot} does not answer ({_why(error)})", message)
        finally:
            run.leave()
        self.counts.by_release[run.release.name][said.head.first[0]] += 1
        return _marked(run, said, message)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"not within {SECONDS:g} s"
    return str(error) if isinstance(error, MalformedError) else "no connection"


def _marked(run: Run, said: Message, asked: Message) -> bytes:
    ours = [("X-Release", run.release.name), ("X-Version", run.release.version), ("X-Slot", run.slot)]
    status, reason = said.head.first
    fields = [*said.head.passed(), *ours, *_ends(asked)]
    if has_body(asked.head.first[0], said.head.status):
        return written(f"HTTP/1.1 {status} {reason}", fields, said.body)
    lengths = [("Content-Length", str(said.head.length))] if said.head.length is not None else []
    return written(f"HTTP/1.1 {status} {reason}", [*fields, *lengths], None)


def _ends(asked: Message) -> list[tuple[str, str]]:
    return [("Connection", "close")] if asked.head.closes else []


def failure(status: int, why: str, asked: Message | None) -> bytes:
    """An answer of the front's own; the connection ends after it when there was no request."""
    ends = [("Connection", "close")] if asked is None else _ends(asked)
    fields = [("Content-Type", "text/plain; charset=utf-8"), *ends]
    body = None if asked is not None and asked.head.first[0] == "HEAD" else f"front: {why}\n".encode()
    return written(f"HTTP/1.1 {status} Front", fields, body)


class Fronts:
    """All ports, which are taken at once so that no release can sit on one; one loop in a thread of its own.

    Args:
        first: The first port.
        number: How many there are.
    """

    def __init__(self, first: int, number: int) -> None:
        self._ports = range(first, first + number)
        self._lines: dict[int, Line] = {}
        self._loop = asyncio.new_event_loop()
        self._held: Counter[str] = Counter()

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: A port is taken.
        """
        threading.Thread(target=self._loop.run_forever, name="fronts", daemon=True).start()
        self._wait(self._listen())

    def stop(self) -> None:
        """End the loop, and with it every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _listen(self) -> None:
        for port in self._ports:
            await asyncio.start_server(self._caller(port), "0.0.0.0", port, limit=HEAD, backlog=256)  # noqa: S104

    def _caller(self, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
        async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = str((writer.get_extra_info("peername") or ("",))[0])
            self._held[peer] += 1
            try:
                if self._held[peer] <= CONNECTIONS:
                    with contextlib.suppress(*_PROBLEMS):
                        await self._serve(port, reader, writer)
            finally:
                self._held[peer] -= 1
                writer.close()

        return called

    async def _serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    message = await request_from(reader, writer)
            except MalformedError as error:
                writer.write(failure(413 if isinstance(error, TooLargeError) else 400, str(error), None))
                return
            if message is None:
                return
            line = self._lines.get(port)
            writer.write(await line.answer(message) if line else failure(502, "this front is nobody's", message))
            async with asyncio.timeout(IDLE):
                await writer.drain()
            if message.head.closes:
                return

    def open(self, port: int, slots: Slots) -> Line:
        """Let a port lead to a tenant."""
        self._lines[port] = line = Line(slots)
        return line

    def close(self, port: int) -> None:
        """Let it lead nowhere."""
        self._lines.pop(port, None)

    def ask(self, port: int, path: str) -> Message:
        """Ask a release something, past the front.

        Raises:
            OSError: It does not listen, or breaks off.
            MalformedError: It answers with something else.
            TimeoutError: Not in time.
        """
        host = ("Host", f"127.0.0.1:{port}")
        return self._wait(_within(answer_to(port, Message(Head(("GET", path), 1, (host,)), b""))))

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS * 2)


async def _within(work: Coroutine[Any, Any, Message]) -> Message:
    async with asyncio.timeout(HEALTH_SECONDS):
        return await work
