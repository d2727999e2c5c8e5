"""`mde-grade images`: a group of four."""

from __future__ import annotations

import click

from mde_grader.cli.lazy import Entry, LazyGroup

COMMANDS = {
    "build": Entry("mde_grader.cli.images_build", "Make the images that are missing or out of date."),
    "list": Entry("mde_grader.cli.images_list", "List our images on the engine."),
    "save": Entry("mde_grader.cli.images_save", "Write our images to one archive, for a room without a network."),
    "load": Entry("mde_grader.cli.images_load", "Load an archive that `save` wrote."),
}


@click.group("images", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """Build, list, save or load the images that grading needs."""
