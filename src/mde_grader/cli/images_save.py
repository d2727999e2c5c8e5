"""`mde-grade images save FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from mde_grader.cli.engine import image_client
from mde_grader.cli.options import LabName, labs_option
from mde_grader.cli.terminal import note, say
from mde_grader.labs import load_lab
from mde_grader.runtimes.images import all_names, require, required_for, save

MB = 1_000_000


@click.command("save")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--lab", type=LabName(), help="Only what this lab needs.")
@labs_option
def command(*, file: Path, lab: str | None, labs: Path | None) -> None:
    """Write our images to FILE; it is compressed when its name ends in .gz."""
    client = image_client()
    names = required_for(load_lab(lab, labs).environment()) if lab else all_names()
    images = list(require(names, client).values())
    note(f"writing {len(images)} images")
    size = save(file, images, client)
    say(f"{file}  {size / MB:.0f} MB")
