"""What is said to whoever asked for something that cannot be done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names of files, releases and lock holders."""


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """Something cannot be done.

    Args:
        message: One line: what is wrong; what to do.
        status: HTTP status that says the same.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def named(text: str, what: str) -> str:
    """A name as it is.

    Raises:
        Refused: It is none.
    """
    if not NAME.fullmatch(text):
        raise Refused(f"{shown(text)} is no name of a {what}; use letters, digits, '.', '_' and '-', 128 at the most")
    return text


def shown(text: str, most: int = 80) -> str:
    """Somebody else's text, to be shown in a line of ours."""
    return repr(text if len(text) <= most else f"{text[:most]}...")


def plain(data: bytes, most: int) -> str:
    """The end of what a program said, on one line, without what could steer a terminal."""
    text = data[-most:].decode("utf-8", "replace")
    lines = ("".join(letter if letter.isprintable() else " " for letter in line).strip() for line in text.splitlines())
    return " | ".join(line for line in lines if line)


def text_of(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text of a JSON object.

    Raises:
        Refused: It is not there and has no default, or is no text.
    """
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise Refused(f"{name!r} is missing or no text; send it as a text")
    return value
