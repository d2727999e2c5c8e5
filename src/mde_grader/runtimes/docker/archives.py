"""One file out of a container through the engine, with a cap: no program of the container has a say in it."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from typing import Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError, hang_up
from mde_grader.runtimes.docker.logs import LateError, pieces

SECONDS = 20.0
SLACK = 65_536
"""Bytes of tar around a file's content that are accepted: headers and padding."""


class _Capped:
    """A readable over a stream of pieces that ends with ValueError after `limit` bytes."""

    def __init__(self, stream: Iterator[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit
        self._buffer = b""

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        while len(self._buffer) < size:
            piece = next(self._stream, b"")
            if not piece:
                break
            self._left -= len(piece)
            if self._left < 0:
                raise ValueError("larger than the limit")
            self._buffer += piece
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def read_file(engine: Engine, container: str, path: str, *, limit: int) -> bytes:
    """Copy one regular file out.

    Raises:
        FileNotFoundError: There is none.
        ValueError: Not a regular file, or larger than `limit` bytes.
        EngineError: The engine did not answer.
    """
    try:
        response = engine.open("GET", f"/containers/{container}/archive", params={"path": path})
    except RefusalError as refusal:
        if refusal.status == NOT_FOUND:
            raise FileNotFoundError(path) from refusal
        raise ValueError(f"{path} cannot be read: {refusal.message}") from refusal
    try:
        stream = pieces(response, until=time.monotonic() + SECONDS)
        return _first(_Capped(stream, limit + SLACK), path, limit)
    except LateError as error:
        raise EngineError(f"the engine did not hand out {path} in time") from error
    finally:
        hang_up(response)


def _first(source: Any, path: str, limit: int) -> bytes:  # noqa: ANN401 - tarfile wants only `read`
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            member = archive.next()
            if member is None or not member.isreg():
                raise ValueError(f"{path} is not a regular file")
            if member.size > limit:
                raise ValueError(f"{path} has {member.size} bytes, more than the {limit} that are read")
            content = archive.extractfile(member)
            return content.read(limit) if content is not None else b""
    except tarfile.TarError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
