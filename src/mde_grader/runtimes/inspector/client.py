"""The kept-open session over the stream that the engine attaches to the side container."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any, Final, Protocol

from mde_grader.runtimes.inspector.session import SessionError

MAX_LINE: Final = 8 * 1024 * 1024
"""Longest answer that is accepted, bytes."""
MAX_DIAGNOSTICS: Final = 16 * 1024
"""How much of the agent's standard error is kept, bytes."""
GRACE_SECONDS: Final = 1.0
_SEND_SECONDS = 30
_HEADER_SIZE = 8
_STDOUT, _STDERR = 1, 2


class Stream(Protocol):
    """What is needed of a connected socket."""

    def recv(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Send everything."""
        ...

    def shutdown(self, how: int, /) -> None:
        """End the conversation."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FrameReader:
    """Take Docker's multiplexed stream apart: an 8-byte header (stream, 3 zeros, length) before each piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The pieces that `data` completes or continues, as (stream, payload).

        Raises:
            SessionError: `protocol`, when it is not such a stream.
        """
        self._buffer += data
        while self._buffer:
            if not self._left and not self._next_frame():
                return
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: self._left]
            self._left -= len(piece)
            if piece:
                yield self._stream, piece

    def _next_frame(self) -> bool:
        if len(self._buffer) < _HEADER_SIZE:
            return False
        stream, zeros, length = struct.unpack_from(">B3sI", self._buffer)
        if stream > _STDERR or zeros != b"\0\0\0":
            raise SessionError("protocol", "the engine's stream makes no sense")
        del self._buffer[:_HEADER_SIZE]
        self._stream, self._left = stream, length
        return True


class LineReader:
    """Cut a stream into lines, none longer than `cap` bytes."""

    def __init__(self, cap: int = MAX_LINE) -> None:
        self._cap = cap
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that `data` completes, without their ends.

        Raises:
            SessionError: `protocol`, when a line is longer than the cap.
        """
        *lines, rest = data.split(b"\n")
        for line in lines:
            yield b"".join((*self._parts, line))
            self._parts, self._size = [], 0
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > self._cap:
            raise SessionError("protocol", f"an answer is longer than {self._cap} bytes")


class AttachedSession:
    """A `Session` over an attached stream; a thread reads, and any thread may ask.

    Args:
        sock: A connected socket that yields the engine's multiplexed stream, or the file-like object that the Docker
            SDK's `attach_socket` returns.
    """

    def __init__(self, sock: Any) -> None:  # noqa: ANN401 - a socket, an SSL socket or the SDK's wrapper of either
        self._owner = sock  # the SDK's wrapper closes the socket when it is collected
        self._sock: Stream = getattr(sock, "_sock", sock)
        self._pending: dict[int, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._next_id = 0
        self._gone = ""
        self._diagnostics = bytearray()
        _bound_sending(self._sock)
        self._reader = threading.Thread(target=self._read, name="mde-session", daemon=True)
        self._reader.start()

    @property
    def diagnostics(self) -> str:
        """What the agent wrote to its standard error, the first 16 KiB."""
        return self._diagnostics.decode(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether the stream still stands."""
        return not self._gone

    def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """See `Session.call`. No answer in time is `gone`: the side container is ours, and it should have answered."""
        future = self.submit(op, seconds=seconds, **arguments)
        try:
            return future.result(seconds + GRACE_SECONDS)
        except FutureTimeoutError:
            future.cancel()
            raise SessionError("gone", f"the side container did not answer `{op}` within {seconds:g} s") from None

    def submit(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> Future[dict[str, Any]]:  # noqa: ANN401
        """See `Session.submit`."""
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            self._next_id += 1
            number = self._next_id
            if self._gone:
                future.set_exception(SessionError("gone", self._gone))
                return future
            self._pending[number] = future
        self._send(json.dumps({"id": number, "op": op, "seconds": seconds, **arguments}).encode() + b"\n")
        return future

    def close(self) -> None:
        """End the session; the side container ends with it. Safe to call twice."""
        self._fail("the session was closed")
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if self._reader is not threading.current_thread():
            self._reader.join(GRACE_SECONDS)
        for each in {id(self._sock): self._sock, id(self._owner): self._owner}.values():
            each.close()

    def _send(self, data: bytes) -> None:
        try:
            with self._sending:
                self._sock.sendall(data)
        except OSError as error:
            self._fail(f"the side container cannot be reached ({error})")

    def _read(self) -> None:
        frames, lines = FrameReader(), LineReader()
        reason = "the side container ended"
        try:
            while data := self._sock.recv(1 << 16):
                for stream, piece in frames.feed(data):
                    if stream == _STDOUT:
                        for line in lines.feed(piece):
                            self._settle(line)
                    elif stream == _STDERR:
                        self._diagnostics += piece[: MAX_DIAGNOSTICS - len(self._diagnostics)]
        except OSError as error:
            reason = f"the connection to the engine broke ({error})"
        except (SessionError, ValueError, TypeError, LookupError) as error:
            reason = f"the side container's answer makes no sense ({error})"
        last = self.diagnostics.strip().splitlines()[-1:]
        self._fail(": ".join([reason, *last]))

    def _settle(self, line: bytes) -> None:
        answer = json.loads(line)
        number, error = answer["id"], None
        if "ok" not in answer:
            error = SessionError(str(answer["error"]["kind"]), str(answer["error"]["message"]))
        with self._lock:
            future = self._pending.pop(number, None)
        if future is None:
            return  # asked for, and given up since
        with suppress(InvalidStateError):  # cancelled in this moment
            if error is None:
                future.set_result(answer["ok"])
            else:
                future.set_exception(error)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._gone = self._gone or reason
            pending, self._pending = self._pending, {}
        for future in pending.values():
            if not future.done():
                with suppress(InvalidStateError):
                    future.set_exception(SessionError("gone", self._gone))


def _bound_sending(sock: Stream) -> None:
    """An agent that no longer reads must not hold the grader for ever."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_SECONDS, 0))
        sock.settimeout(None)
