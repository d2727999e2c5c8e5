"""`mde-grade init LAB [DIR]`."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import click

from mde_grader.cli.options import candidate_option, lab_argument, labs_option
from mde_grader.cli.show import variant_lines
from mde_grader.cli.terminal import note, say
from mde_grader.errors import LabInvalidError, UsageError
from mde_grader.labs import load_lab


@click.command("init")
@lab_argument
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@candidate_option
@labs_option
def command(lab: str, folder: Path | None, candidate: str | None, labs: Path | None) -> None:
    """Start on a lab: copy its starter files to DIR (./LAB when none is named).

    Nothing is ever overwritten: DIR must be new or empty. Of a lab with parameters each candidate gets a variant of
    their own; without --candidate it is the practice variant.
    """
    found = load_lab(lab, labs).given_to(candidate)
    if not found.starter.is_dir():
        raise LabInvalidError(f"{found.root} has no starter/")
    target = folder or Path(found.lab.id)
    write_whole(target, lambda place: found.lay_out(found.starter, place))
    say(str(target))
    for line in variant_lines(found):
        note(line)
    whose = f" --candidate {found.candidate}" if found.variant and found.candidate else ""
    note(f"read the brief with `mde-grade show {lab}{whose}`; grade with `mde-grade {lab} {target}{whose}`")


def write_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Write a folder whole or not at all, at a place that is new or an empty folder.

    Args:
        target: The place.
        write: Makes the folder that it is given, and everything in it.

    Raises:
        UsageError: Something is there already, or it cannot be written.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - `resolve` would follow a link that `target` is
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is there already", hint="name another folder: `mde-grade init LAB DIR`")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty, and nothing is overwritten", hint="name another folder")
    neighbour = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(neighbour)
        neighbour.rename(target)  # over an empty folder too
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        raise UsageError(f"cannot write {target}: {reason}", hint="name another folder") from error
    finally:
        shutil.rmtree(neighbour, ignore_errors=True)
