"""`mde-grade lab lint [LAB]`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from mde_grader.cli.options import LabName, labs_option
from mde_grader.cli.terminal import say
from mde_grader.errors import LabInvalidError
from mde_grader.labs import find_labs, load_lab
from mde_grader.linting import lint


@click.command("lint")
@click.argument("lab", type=LabName(), required=False)
@labs_option
def command(lab: str | None, labs: Path | None) -> int:
    """Check the files of LAB (of all labs when none is named) against their schemas and each other."""
    folders = [load_lab(lab, labs)] if lab else find_labs(labs)
    found = 0
    with tempfile.TemporaryDirectory(prefix="mde-grade-lint-") as place:
        for folder in folders:
            problems = lint(folder, log=Path(place) / f"{folder.root.name}.log")
            for problem in problems:
                say(f"{folder.root.name}: {problem.where}: {problem.message}")
            found += len(problems)
            if not problems:
                say(f"{folder.root.name}: in order")
    return LabInvalidError.exit_code if found else 0
