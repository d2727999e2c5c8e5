"""What a command prints, from the engine's stream, with a cap on bytes kept, on bytes read, and on time."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass, field

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.logs import HEADER, LateError
from mde_grader.runtimes.docker.transcripts import HeadTail

PIECE = 65_536
FLOOD = 64 << 20
"""Bytes after which a command is taken for one that does not stop printing; they are read in half a second."""

_ERRORS = 2
"""The engine's number of standard error."""


class FloodError(Exception):
    """More was printed than anybody reads."""


@dataclass(slots=True)
class Outputs:
    """Standard output and error of one container, told apart by the engine's frames.

    Attributes:
        out: Standard output.
        err: Standard error.
    """

    out: HeadTail
    err: HeadTail
    _rest: bytearray = field(default_factory=bytearray)
    _left: int = 0
    _at: int = 0

    @property
    def cut(self) -> bool:
        """Whether something of either was left out."""
        return any(kept.total > kept.limit for kept in (self.out, self.err))

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream; a frame may come in pieces."""
        self._rest += data
        at = 0
        while at < len(self._rest):
            if not self._left:
                if len(self._rest) - at < HEADER:
                    break
                self._at, self._left = struct.unpack_from(">BxxxL", self._rest, at)
                at += HEADER
            piece = self._rest[at : at + self._left]
            (self.err if self._at == _ERRORS else self.out).add(bytes(piece))
            at += len(piece)
            self._left -= len(piece)
        del self._rest[:at]

    def record(self, sock: socket.socket, *, until: float) -> None:
        """Read until the stream ends.

        Raises:
            LateError: The monotonic clock passed `until`.
            FloodError: There is no end to it.
            EngineError: The connection broke.
        """
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise LateError
            try:
                sock.settimeout(left)
                data = sock.recv(PIECE)
            except TimeoutError as error:
                raise LateError from error
            except OSError as error:
                raise EngineError(f"the connection to the container engine broke: {error}") from error
            if not data:
                return
            self.feed(data)
            if self.out.total + self.err.total > FLOOD:
                raise FloodError
