"""`mde-grade show LAB`."""

from __future__ import annotations

from pathlib import Path

import click

from mde_grader.cli.markdown import plain
from mde_grader.cli.options import lab_argument, labs_option
from mde_grader.cli.terminal import say, width
from mde_grader.errors import LabInvalidError
from mde_grader.labs import load_lab
from mde_grader.model import Lab, Requirement

READABLE = 92
"""Columns beyond which lines of prose get hard to read."""


@click.command("show")
@lab_argument
@labs_option
@click.option("--raw", is_flag=True, help="The brief as it was written, in Markdown.")
def command(*, lab: str, labs: Path | None, raw: bool) -> None:
    """Show a lab's brief and what its requirements are worth."""
    folder = load_lab(lab, labs)
    try:
        brief = folder.brief()
    except OSError as error:
        raise LabInvalidError(f"{folder.root / 'README.md'} cannot be read: {error.strerror}") from error
    say(brief if raw else f"{plain(brief, min(width(), READABLE))}\n{rubric(folder.lab)}")


def rubric(lab: Lab) -> str:
    """The requirements with their points and their ids (for `--only`), one a line, and what it takes to pass."""
    longest = max(len(row.id) for row in lab.requirements)
    lines = [f"  {row.points:>3}  {row.id:<{longest}}  {row.title}{_terms(row)}" for row in lab.requirements]
    total = f"{lab.points} points, {lab.pass_mark} % to pass, about {lab.minutes} minutes."
    return "\n".join(
        [
            "Points",
            "------",
            *lines,
            "",
            total,
            "",
            f"Start: mde-grade init {lab.id}",
            f"Grade: mde-grade {lab.id} PATH",
        ]
    )


def _terms(row: Requirement) -> str:
    terms = ["must pass"] if row.gate else []
    terms += [f"needs {', '.join(row.needs)}"] if row.needs else []
    return f" ({'; '.join(terms)})" if terms else ""
