"""A tar archive's entries, read from memory: regular files and folders, and nothing else; pure.

Formats: POSIX ustar and pax (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange
Format") and GNU's long names (https://www.gnu.org/software/tar/manual/html_node/Standard.html). Python's own reader
knows links, devices and sparse files as well, and has had faults with each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.images.serving.words import Refused, shown

BLOCK = 512
NAMES = 4096
"""Bytes of a long name or of a pax header."""
ENTRIES = 500
_EMPTY = bytes(BLOCK)
_AGAIN = "make it anew with tar -czf"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
}
_FILES, _FOLDER = (b"0", b"\0", b"7"), b"5"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder: its name as it stands, and its content; None for a folder."""

    name: str
    content: bytes | None


def entries(data: bytes) -> Iterator[Entry]:
    """Read an archive.

    Raises:
        Refused: It is none, is cut off, is too long, or has something else in it.
    """
    place, long_name, count = 0, "", 0
    while True:
        head = data[place : place + BLOCK]
        if len(head) < BLOCK:
            raise Refused(f"the archive is cut off; {_AGAIN}")
        if head == _EMPTY:
            break
        size = _size(head)
        place += BLOCK
        content = data[place : place + size]
        if len(content) < size:
            raise Refused(f"the archive is cut off; {_AGAIN}")
        place += -(-size // BLOCK) * BLOCK
        count += 1
        if count > ENTRIES:
            raise Refused(f"the archive has more than {ENTRIES} entries; leave out what the release does not need")
        kind = head[156:157]
        if kind in b"xgLK":
            long_name = _header(kind, content) or long_name
            continue
        yield _entry(kind, long_name or _name(head), content)
        long_name = ""
    if data[place:].strip(b"\0"):
        raise Refused(f"something follows the archive's end; {_AGAIN}")


def _entry(kind: bytes, name: str, content: bytes) -> Entry:
    if kind in _FILES:
        # An old form of a folder: a file whose name ends with a slash.
        return Entry(name, None if name.endswith("/") and not content else content)
    if kind == _FOLDER:
        return Entry(name, None)
    what = _KINDS.get(kind, f"something of kind {shown(kind.decode('latin-1'))}")
    raise Refused(f"{shown(name)} in the archive is {what}; put in regular files and folders alone")


def _size(head: bytes) -> int:
    found = _octal(head[148:156])
    plain = sum(head) - sum(head[148:156]) + 8 * 32
    if found != plain:
        raise Refused(f"this is no tar archive, or a damaged one; {_AGAIN}")
    return _octal(head[124:136])


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if digits.strip(b"01234567") or len(digits) > 11:  # noqa: PLR2004
        raise Refused(f"this is no tar archive, or a damaged one; {_AGAIN}")
    return int(digits or b"0", 8)


def _name(head: bytes) -> str:
    name = _text(head[:100].split(b"\0")[0])
    prefix = _text(head[345:500].split(b"\0")[0]) if head[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused(f"the name {shown(raw.decode('latin-1'))} in the archive is no UTF-8; rename it") from None


def _header(kind: bytes, content: bytes) -> str:
    """The name that a header gives to the entry after it; empty when it says nothing of it."""
    if len(content) > NAMES:
        raise Refused(f"a header of the archive has more than {NAMES} bytes; {_AGAIN}")
    if kind == b"L":
        return _text(content.split(b"\0")[0])
    if kind == b"K":
        raise Refused("the archive has a link in it; put in regular files and folders alone")
    records = dict(_records(content))
    if b"size" in records or any(name.startswith(b"GNU.sparse") for name in records):
        raise Refused("the archive has a sparse or very large file in it; put in plain files")
    if kind == b"g" and b"path" in records:
        raise Refused(f"the archive names all its files alike; {_AGAIN}")
    return _text(records.get(b"path", b""))


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """`LENGTH NAME=VALUE` and a line break, again and again; the length counts itself."""
    while content:
        digits = content.split(b" ", 1)[0]
        length = int(digits) if digits.isdigit() and len(digits) <= 4 else 0  # noqa: PLR2004
        record = content[len(digits) + 1 : length - 1]
        name, equals, value = record.partition(b"=")
        if not equals or content[length - 1 : length] != b"\n":
            raise Refused(f"a header of the archive is damaged; {_AGAIN}")
        yield name, value
        content = content[length:]
