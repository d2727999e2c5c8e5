"""A commit as the stream that `git fast-import` reads (its manual page, "Input Format"); pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from graders.images.serving.words import Refused, shown, text_of

SHA = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|\.lock(?:/|$)|\.(?:/|$)))[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}(?<!/)")
_PERSON = re.compile(r"[^<>\x00-\x1f]{1,200}")
MOST = 200
"""Bytes of a part of a path."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit to be made.

    Attributes:
        branch: Branch that points at it then.
        parent: SHA that it stands on; empty for the first of a history.
        message: What it says.
        author: `Name <email>`.
        committer: As `author`.
        date: `1790000000 +0100`.
        files: Path to content; None removes it.
        executable: Paths of programs.
    """

    branch: str
    parent: str
    message: str
    author: str
    committer: str
    date: str
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()


def branch_of(fields: Mapping[str, Any], default: str | None = None) -> str:
    """The branch or tag that a request names.

    Raises:
        Refused: git would not take the name.
    """
    name = text_of(fields, "branch" if "branch" in fields or default else "name", default)
    if not _BRANCH.fullmatch(name):
        raise Refused(f"{shown(name)} is no name of a branch or tag; see git check-ref-format")
    return name


def person_of(value: object) -> str:
    """`Name <email>` of a `{"name", "email"}`.

    Raises:
        Refused: It is none.
    """
    known = value if isinstance(value, dict) else {}
    name, email = known.get("name"), known.get("email")
    if not (isinstance(name, str) and isinstance(email, str) and _PERSON.fullmatch(name) and _PERSON.fullmatch(email)):
        raise Refused('an author is {"name", "email"}, without angle brackets; send both')
    return f"{name} <{email}>"


def date_of(text: str) -> str:
    """ISO 8601 as seconds and offset.

    >>> date_of("1970-01-01T01:00:05+01:00")
    '5 +0100'

    Raises:
        Refused: It is none, or has no offset.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{shown(text)} is no date; send one as 2026-11-25T10:04:00+01:00") from None
    if when.tzinfo is None:
        raise Refused(f"{shown(text)} has no offset from UTC; add one, such as +01:00")
    return f"{int(when.timestamp())} {when:%z}"


def commit_of(fields: Mapping[str, Any], tip: str) -> Commit:
    """The commit that a request asks for.

    Args:
        fields: The request's JSON object.
        tip: Where the branch points now; empty when there is no such branch.

    Raises:
        Refused: Something of it is missing or wrong.
    """
    parent = fields.get("parent", tip) or ""
    if not isinstance(parent, str) or (parent and not SHA.fullmatch(parent)):
        raise Refused("a parent is a full SHA or null; send one of the two")
    files = fields.get("files", {})
    if not isinstance(files, dict):
        raise Refused("files is no object; send path to content")
    author = person_of(fields.get("author"))
    return Commit(
        branch=branch_of(fields, "main"),
        parent=parent,
        message=text_of(fields, "message"),
        author=author,
        committer=person_of(fields["committer"]) if "committer" in fields else author,
        date=date_of(text_of(fields, "date")),
        files={_path(path): _content(path, content) for path, content in files.items()},
        executable=frozenset(path for path, content in files.items() if _is_program(content)),
    )


def _path(path: str) -> str:
    parts = path.split("/")
    wrong = any(part in {"", ".", ".."} or part.lower() == ".git" or len(part.encode()) > MOST for part in parts)
    if wrong or "\0" in path:
        raise Refused(f"{shown(path)} is no path in a repository; send one without empty parts, '..' and '.git'")
    return path


def _is_program(value: object) -> bool:
    return isinstance(value, dict) and value.get("executable") is True


def _content(path: str, value: object) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"]).encode()
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except binascii.Error:
            raise Refused(f"the content of {shown(path)} is no base64; send it anew") from None
    raise Refused(f'the content of {shown(path)} is neither null nor {{"text"}} nor {{"base64"}}; send one of them')


def stream(commit: Commit) -> Iterator[bytes]:
    """What `git fast-import` reads to make a commit and say its SHA."""
    yield f"reset refs/heads/{commit.branch}\n\n".encode()
    yield f"commit refs/heads/{commit.branch}\nmark :1\n".encode()
    yield f"author {commit.author} {commit.date}\ncommitter {commit.committer} {commit.date}\n".encode()
    yield _data(commit.message.encode())
    if commit.parent:
        yield f"from {commit.parent}\n".encode()
    for path, content in commit.files.items():
        if content is None:
            yield b"D " + quoted(path) + b"\n"
        else:
            mode = b"100755" if path in commit.executable else b"100644"
            yield b"M " + mode + b" inline " + quoted(path) + b"\n" + _data(content)
    yield b"\nget-mark :1\ndone\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def quoted(path: str) -> bytes:
    r"""A path in quotes, all but plain letters as octal numbers.

    >>> quoted('a "b"/c')
    b'"a\\040\\042b\\042/c"'
    """
    plain = (chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or byte in b"._-/") else f"\\{byte:03o}"
             for byte in path.encode())  # fmt: skip
    return f'"{"".join(plain)}"'.encode()
