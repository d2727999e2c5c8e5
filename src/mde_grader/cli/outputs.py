"""Where a scorecard goes: to stdout, to files, and always into the run folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mde_grader.cli.actions import fenced
from mde_grader.cli.terminal import note, say, speaks_unicode, wants_colour, width
from mde_grader.errors import MdeGradeError, UsageError
from mde_grader.model import Scorecard
from mde_grader.reporters import FORMATS
from mde_grader.runs import write_atomically

CONSOLE = "console"
ALWAYS = ("json", "html")
"""Formats that every run folder gets."""
STEM = "scorecard"


def chosen_formats(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Read `--format`: names with commas between, each once.

    Raises:
        click.BadParameter: A name is unknown.
    """
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise click.BadParameter(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(names))


def writable(folder: Path) -> Path:
    """Make the output folder before the work begins, so that an hour's grading is not lost to a typo.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = write_atomically(folder / ".mde-grade-probe", "")
        probe.unlink()
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}", hint="name another --output") from error
    return folder


def keep(card: Scorecard, folder: Path, formats: Sequence[str] = ALWAYS) -> list[Path]:
    """Write the formats into a folder as `scorecard.<extension>`.

    Args:
        card: What to write.
        folder: Where.
        formats: Names from the table of formats.

    Raises:
        MdeGradeError: A file cannot be written; none is ever written in part.
    """
    return [_write(folder / f"{STEM}{FORMATS[name].extension}", FORMATS[name].render(card)) for name in formats]


def _write(path: Path, text: str) -> Path:
    try:
        return write_atomically(path, text)
    except OSError as error:
        raise MdeGradeError(f"cannot write {path}: {error.strerror}", hint="free some space there") from error


def deliver(card: Scorecard, *, formats: Sequence[str], folder: Path, output: Path | None) -> None:
    """Show the scorecard and write its files.

    One machine format without an output folder goes to stdout alone; the console's text goes to stdout whenever it
    is asked for; everything else goes to files.

    Args:
        card: What to show.
        formats: What was asked for; the console's when empty.
        folder: The run folder.
        output: Folder for the formats asked for; the run folder when None.
    """
    if len(formats) == 1 and formats[0] != CONSOLE and output is None:
        say(FORMATS[formats[0]].render(card))
        return
    wanted = formats or (CONSOLE, *(ALWAYS if output else ()))
    files = (
        keep(card, output, wanted) if output else keep(card, folder, [n for n in wanted if n not in (*ALWAYS, CONSOLE)])
    )
    if CONSOLE in wanted:
        page = (output if output and "html" in wanted else folder) / f"{STEM}.html"
        say(fenced(on_screen(card, page if page.exists() else None)))
    else:
        for path in files or [folder]:
            note(f"written: {path}")


def on_screen(card: Scorecard, page: Path | None = None) -> str:
    """The scorecard as this terminal can show it.

    Args:
        card: What to show.
        page: The HTML page to point to.
    """
    return FORMATS[CONSOLE].render(
        card,
        width=width(),
        color=wants_colour(sys.stdout),
        unicode=speaks_unicode(sys.stdout),
        html=str(page) if page else "",
    )
