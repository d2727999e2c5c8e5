"""The body of a request, read within a cap, however it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from graders.images.serving.words import Refused

PIECE = 65_536
LINE = 1024
"""Bytes of a chunk's head; a sender that writes extensions there is not served."""
DISCARDED = 16 << 20
"""Most bytes that are read and thrown away so that a sender hears the answer; beyond them the connection ends."""
JSON_LIMIT = 8 << 20
"""Most bytes of a JSON body: a release archive of 4 MiB in base64, and room."""


class Body:
    """What follows a request's head, by `Content-Length` or in chunks (RFC 9112, sections 6 and 7).

    Args:
        stream: Where it is read from.
        headers: The request's; names in lower case are looked up.

    Raises:
        Refused: Its length cannot be told.
    """

    def __init__(self, stream: BinaryIO, headers: Mapping[str, str]) -> None:
        self._stream = stream
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if coding is not None and (length is not None or coding.strip().lower() != "chunked"):
            raise Refused("a body has a Content-Length or is chunked; send one of the two")
        if length is not None and not (length.isascii() and length.isdigit() and len(length) <= 12):  # noqa: PLR2004
            raise Refused("Content-Length is no number of bytes; send the body's length")
        self.told = coding is not None or length is not None
        self._whole = False
        self._pieces = self._marked(self._chunks() if coding is not None else self._counted(int(length or 0)))

    def _marked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield from pieces
        self._whole = True

    def _counted(self, length: int) -> Iterator[bytes]:
        while length > 0:
            piece = self._stream.read(min(length, PIECE))
            if not piece:
                raise Refused("the body ended before its Content-Length; send it whole")
            length -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            head = self._stream.readline(LINE).split(b";")[0].strip()
            if not head or len(head) > 8 or head.strip(b"0123456789abcdefABCDEF"):  # noqa: PLR2004
                raise Refused("a chunk has no size; send the body with a Content-Length instead")
            size = int(head, 16)
            yield from self._counted(size)
            if size == 0:
                while self._stream.readline(LINE).strip():
                    pass
                return
            self._stream.readline(LINE)

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            Refused: It is larger than the limit (bytes), or cut off.
        """
        found = bytearray()
        for piece in self._pieces:
            found += piece
            if len(found) > limit:
                raise Refused(f"the body is larger than {limit} bytes; send less", 413)
        return bytes(found)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            Refused: It is none, or too large.
        """
        try:
            value = json.loads(self.read(JSON_LIMIT) or b"{}")
        except (ValueError, RecursionError):
            raise Refused("the body is no JSON; send an object") from None
        if not isinstance(value, dict):
            raise Refused("the body is no JSON object; send one")
        return value

    def discard(self) -> bool:
        """Read what is left and forget it; false when that was too much, or cut off."""
        left = DISCARDED
        try:
            for piece in self._pieces:
                left -= len(piece)
                if left < 0:
                    return False
        except Refused:
            return False
        return self._whole
