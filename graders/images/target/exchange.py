"""One HTTP/1 message after the other over a connection, each within caps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.images.target.http1 import (
    HEAD,
    Head,
    MalformedError,
    answer_head,
    chunk_size,
    has_body,
    request_head,
    written,
)

ASKED = 1 << 20
ANSWERED = 4 << 20
"""Most bytes of a request's and of an answer's body."""
INTERIM = 3
"""Most answers of kind 1xx before the one that counts."""
_END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooLargeError(MalformedError):
    """A body beyond its cap."""


@dataclass(frozen=True, slots=True)
class Message:
    """A head and the whole body."""

    head: Head
    body: bytes


async def request_from(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Message | None:
    """The next request of a client; None when it has no more.

    Raises:
        MalformedError: It is none.
    """
    raw = await _head(reader)
    if raw is None:
        return None
    head = request_head(raw)
    if "100-continue" in head.get("expect"):
        writer.write(CONTINUE)
    body = await _body(reader, head, ASKED) if head.chunked or head.length else b""
    return Message(head, body)


async def answer_to(port: int, message: Message) -> Message:
    """Ask a release, over a connection of its own.

    Raises:
        OSError: It does not listen, or breaks off.
        MalformedError: It answers with something else.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=HEAD)
    try:
        method, target = message.head.first
        fields = [*message.head.passed(), ("Connection", "close")]
        writer.write(written(f"{method} {target} HTTP/1.1", fields, message.body if _says(message) else None))
        await writer.drain()
        return await _answer(reader, method)
    finally:
        writer.transport.abort()


def _says(message: Message) -> bool:
    return bool(message.body) or message.head.first[0] not in {"GET", "HEAD", "DELETE", "OPTIONS"}


async def _final_head(reader: asyncio.StreamReader) -> Head:
    for _ in range(INTERIM + 1):
        raw = await _head(reader)
        if raw is None:
            raise MalformedError("there is no answer")
        head = answer_head(raw)
        if head.status >= 200:  # noqa: PLR2004
            return head
    raise MalformedError("there are interim answers without end")


async def _answer(reader: asyncio.StreamReader, method: str) -> Message:
    head = await _final_head(reader)
    if not has_body(method, head.status):
        return Message(head, b"")
    if head.chunked or head.length is not None:
        return Message(head, await _body(reader, head, ANSWERED))
    body = await _all(reader)
    return Message(head, body)


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return (await reader.readuntil(_END))[: -len(_END)]
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise MalformedError("the head is cut off") from None
        return None
    except asyncio.LimitOverrunError:
        raise MalformedError("the head is too long") from None


async def _body(reader: asyncio.StreamReader, head: Head, limit: int) -> bytes:
    try:
        if not head.chunked:
            length = head.length or 0
            if length > limit:
                raise TooLargeError("the body is too large")
            return await reader.readexactly(length)
        return await _chunks(reader, limit)
    except asyncio.IncompleteReadError:
        raise MalformedError("the body is cut off") from None
    except asyncio.LimitOverrunError:
        raise MalformedError("a chunk's head is too long") from None


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    found = bytearray()
    while size := chunk_size(await reader.readuntil(b"\r\n")):
        if len(found) + size > limit:
            raise TooLargeError("the body is too large")
        found += await reader.readexactly(size)
        await reader.readexactly(2)
    for _ in range(20):
        if await reader.readuntil(b"\r\n") == b"\r\n":
            return bytes(found)
    raise MalformedError("the body has too long a trailer")


async def _all(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while more := await reader.read(65_536):
        found += more
        if len(found) > ANSWERED:
            raise TooLargeError("the body is too large")
    return bytes(found)
