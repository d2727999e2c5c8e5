"""What the screen can do, and the two ways to write to it: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

import click

WIDEST = 120
"""Text is never set wider than this many columns, however wide the screen is."""
NARROWEST = 40


def say(text: str) -> None:
    """Write a result to stdout; a reader that went away does not stop the command, whose exit code still counts."""
    try:
        click.echo(_encodable(text, sys.stdout), nl=not text.endswith("\n"))
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open until the end


def note(text: str) -> None:
    """Write a line about the work to stderr."""
    try:
        click.echo(_encodable(text, sys.stderr), err=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def complain(message: str, hint: str = "") -> None:
    """Write what went wrong, and the next step, to stderr: one line each, whatever a stranger named his files."""
    from mde_grader.clean import clean_line  # noqa: PLC0415 - its patterns cost time that a good run need not spend

    note(f"mde-grade: {clean_line(message)}")
    if hint:
        note(f"  {arrow(sys.stderr)} {clean_line(hint)}")


def arrow(stream: TextIO) -> str:
    """The mark in front of a next step."""
    return "→" if speaks_unicode(stream) else "->"


def speaks_unicode(stream: TextIO) -> bool:
    """Whether ticks and arrows arrive on the stream as they are."""
    try:
        "✔✘→█".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def wants_colour(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Colour only on a terminal that can show it, and never against NO_COLOR."""
    env = os.environ if environment is None else environment
    return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM", "") != "dumb"


def width(stream: TextIO | None = None) -> int:
    """Columns to write in: the terminal's, 80 where there is none."""
    target = sys.stdout if stream is None else stream
    asked = os.environ.get("COLUMNS", "")
    columns = int(asked) if asked.isdecimal() else _measured(target)
    return max(NARROWEST, min(columns or 80, WIDEST))


def _measured(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
