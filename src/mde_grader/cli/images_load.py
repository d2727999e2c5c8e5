"""`mde-grade images load FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from mde_grader.cli.engine import image_client
from mde_grader.cli.terminal import say
from mde_grader.runtimes.images import load


@click.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(*, file: Path) -> None:
    """Load the images of FILE, which `mde-grade images save` wrote."""
    for tag in load(file, image_client()):
        say(tag)
