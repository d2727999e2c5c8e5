"""Heads of HTTP/1 messages (RFC 9112), read strictly and written anew; pure.

Whatever a candidate's release or a client sends, nothing of it reaches the other side but what was understood here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEAD = 32_768
"""Most bytes of a head."""
FIELDS = 100
_REQUEST = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,8000}) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([ -~\t\x80-\xff]{0,200}))?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([ -~\t\x80-\xff]*?)[ \t]*")
_HOPS = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
    | {"content-length", "proxy-authenticate", "proxy-authorization"}
)
OURS = frozenset({"x-release", "x-version", "x-slot"})
_EMPTY = frozenset({204, 304})


class MalformedError(ValueError):
    """What came is no HTTP/1 message that can be passed on."""


@dataclass(frozen=True, slots=True)
class Head:
    """A message's start.

    Attributes:
        first: Method and target, or status and reason.
        minor: 1 for HTTP/1.1.
        fields: Names as they came, and values.
    """

    first: tuple[str, str]
    minor: int
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> list[str]:
        """The values of a header, named in lower case."""
        return [value for known, value in self.fields if known.lower() == name]

    @property
    def status(self) -> int:
        """An answer's status."""
        return int(self.first[0])

    @property
    def closes(self) -> bool:
        """Whether the connection ends after it."""
        words = {word.strip().lower() for value in self.get("connection") for word in value.split(",")}
        return "close" in words or (self.minor == 0 and "keep-alive" not in words)

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks.

        Raises:
            MalformedError: It is coded in another way, or its length is given as well.
        """
        coding = self.get("transfer-encoding")
        if not coding:
            return False
        if [value.lower() for value in coding] != ["chunked"] or self.get("content-length"):
            raise MalformedError("the body's length cannot be told")
        return True

    @property
    def length(self) -> int | None:
        """Bytes of the body by `Content-Length`; None when it is not there.

        Raises:
            MalformedError: It is no number, or there are several.
        """
        found = set(self.get("content-length"))
        if not found:
            return None
        text = found.pop()
        if found or not (text.isascii() and text.isdigit() and len(text) <= 12):  # noqa: PLR2004
            raise MalformedError("Content-Length is no number")
        return int(text)

    def passed(self) -> list[tuple[str, str]]:
        """The headers that are for the other side: those of one connection alone, and ours, are left out."""
        named = {word.strip().lower() for value in self.get("connection") for word in value.split(",")}
        return [(name, value) for name, value in self.fields if name.lower() not in _HOPS | OURS | named]


def request_head(raw: bytes) -> Head:
    """Read a request's head, without the empty line after it.

    Raises:
        MalformedError: It is none.
    """
    first, fields = _read(raw)
    found = _REQUEST.fullmatch(first)
    if not found:
        raise MalformedError("the first line is no request")
    return Head((found[1].decode(), found[2].decode()), int(found[3]), fields)


def answer_head(raw: bytes) -> Head:
    """Read an answer's head, without the empty line after it.

    Raises:
        MalformedError: It is none.
    """
    first, fields = _read(raw)
    found = _STATUS.fullmatch(first)
    if not found:
        raise MalformedError("the first line is no status")
    return Head((found[2].decode(), (found[3] or b"").decode("latin-1")), int(found[1]), fields)


def _read(raw: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    if len(raw) > HEAD:
        raise MalformedError("the head is too long")
    first, *lines = raw.split(b"\r\n")
    if len(lines) > FIELDS:
        raise MalformedError("the head has too many fields")
    return first, tuple(_field(line) for line in lines)


def _field(line: bytes) -> tuple[str, str]:
    found = _FIELD.fullmatch(line)
    if not found:
        raise MalformedError("a header is none")
    return found[1].decode(), found[2].decode("latin-1")


def has_body(method: str, status: int) -> bool:
    """Whether an answer has a body."""
    return method != "HEAD" and status not in _EMPTY and status >= 200  # noqa: PLR2004


def written(first: str, fields: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
    """A message with its length; `body` None for one that has none by its nature."""
    length = [] if body is None else [("Content-Length", str(len(body)))]
    lines = [first, *(f"{name}: {value}" for name, value in (*fields, *length))]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")


def chunk_size(line: bytes) -> int:
    """The size in a chunk's first line.

    Raises:
        MalformedError: There is none.
    """
    digits = line.split(b";")[0].strip()
    if not digits or len(digits) > 8 or digits.strip(b"0123456789abcdefABCDEF"):  # noqa: PLR2004
        raise MalformedError("a chunk has no size")
    return int(digits, 16)
