"""`mde-grade show LAB`."""

from __future__ import annotations

from pathlib import Path

import click

from mde_grader.cli.markdown import plain
from mde_grader.cli.options import candidate_option, lab_argument, labs_option
from mde_grader.cli.terminal import say, width
from mde_grader.errors import LabInvalidError
from mde_grader.labs import LabFolder, load_lab
from mde_grader.model import Requirement

READABLE = 92
"""Columns beyond which lines of prose get hard to read."""


@click.command("show")
@lab_argument
@candidate_option
@labs_option
@click.option("--raw", is_flag=True, help="The brief as it was written, in Markdown.")
def command(*, lab: str, candidate: str | None, labs: Path | None, raw: bool) -> None:
    """Show a lab's brief and what its requirements are worth.

    Of a lab with parameters each candidate gets a variant of their own; without --candidate it is the practice variant.
    """
    folder = load_lab(lab, labs).given_to(candidate)
    try:
        brief = folder.brief()
    except OSError as error:
        raise LabInvalidError(f"{folder.root / 'README.md'} cannot be read: {error.strerror}") from error
    say(brief if raw else f"{plain(brief, min(width(), READABLE))}\n{rubric(folder)}")


def rubric(folder: LabFolder) -> str:
    """The requirements with their points and their ids (for `--only`), one a line, and what it takes to pass."""
    lab = folder.lab
    whose = f" --candidate {folder.candidate}" if folder.variant and folder.candidate else ""
    longest = max(len(row.id) for row in lab.requirements)
    lines = [f"  {row.points:>3}  {row.id:<{longest}}  {row.title}{_terms(row)}" for row in lab.requirements]
    total = f"{lab.points} points, {lab.pass_mark} % to pass, about {lab.minutes} minutes."
    return "\n".join(
        [
            "Points",
            "------",
            *lines,
            "",
            *dialect_lines(folder),
            total,
            *variant_lines(folder),
            "",
            f"Start: mde-grade init {lab.id}{whose}",
            f"Grade: mde-grade {lab.id} PATH{whose}",
        ]
    )


def dialect_lines(folder: LabFolder) -> list[str]:
    """What a submission may be written in, and how one of them is asked for; none for a lab without dialects."""
    dialects = folder.lab.dialects
    if not dialects:
        return []
    longest = max(len(dialect.id) for dialect in dialects)
    lines = [f"  {dialect.id:<{longest}}  {dialect.title}: {', '.join(dialect.files)}" for dialect in dialects]
    return ["Dialects, of which you hand in one (--dialect NAME of the grader asks for it):", *lines, ""]


def variant_lines(folder: LabFolder) -> list[str]:
    """One line that names the variant; none for a lab without parameters."""
    if folder.variant is None:
        return []
    identity = folder.variant.identity
    if identity.practice:
        return [f"This is the practice variant, {identity.id}; --candidate NAME gives a candidate's own."]
    return [f"This is variant {identity.id}, for {folder.candidate}."]


def _terms(row: Requirement) -> str:
    terms = ["must pass"] if row.gate else []
    terms += [f"needs {', '.join(row.needs)}"] if row.needs else []
    return f" ({'; '.join(terms)})" if terms else ""
