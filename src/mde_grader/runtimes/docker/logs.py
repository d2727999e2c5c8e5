"""Reading what containers print, with a cap on bytes and on time."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import Engine, RefusalError, hang_up, raw_socket
from mde_grader.runtimes.docker.transcripts import HeadTail

PIECE = 65_536
HEADER = 8
SECONDS = 20.0
"""A full log (2 MB) is read in 30 ms; this bounds an engine that stalls."""

READ_LIMIT = 16 << 20
"""Bytes of log that are read at the most; the log driver keeps 2 MB."""


class LateError(Exception):
    """A stream's deadline passed."""


def pieces(response: requests.Response, *, until: float) -> Iterator[bytes]:
    """An answer's bytes as they come.

    Raises:
        LateError: The monotonic clock passed `until`.
        EngineError: The connection broke.
    """
    try:
        sock = raw_socket(response)
    except AttributeError:  # an empty answer has let go of its connection
        return
    stream = response.raw.stream(PIECE)
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise LateError
        try:
            sock.settimeout(left)
            piece = next(stream, None)
        except (ReadTimeoutError, TimeoutError) as error:
            raise LateError from error
        except (HTTPError, OSError, ValueError) as error:
            raise EngineError(f"the connection to the container engine broke: {error}") from error
        if piece is None:
            return
        if piece:
            yield piece


def demultiplexed(response: requests.Response, *, until: float) -> Iterator[bytes]:
    """The payloads of docker's multiplexed stream, standard output and error as they come."""
    buffer = bytearray()
    for piece in pieces(response, until=until):
        buffer += piece
        while len(buffer) >= HEADER:
            (size,) = struct.unpack_from(">4xL", buffer)
            if len(buffer) < HEADER + size:
                break
            yield bytes(buffer[HEADER : HEADER + size])
            del buffer[: HEADER + size]


def read_log(engine: Engine, container: str, *, limit: int) -> str:
    """A container's output, head and tail within `limit` bytes; empty when the container is gone."""
    kept = HeadTail(limit)
    try:
        response = engine.open("GET", f"/containers/{container}/logs", params={"stdout": 1, "stderr": 1})
    except RefusalError:
        return ""
    try:
        for piece in demultiplexed(response, until=time.monotonic() + SECONDS):
            kept.add(piece)
            if kept.total > READ_LIMIT:
                break
    except LateError:
        pass
    finally:
        hang_up(response)
    return kept.text()
