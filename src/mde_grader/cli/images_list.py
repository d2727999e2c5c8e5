"""`mde-grade images list`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from mde_grader.cli.engine import image_client
from mde_grader.cli.tables import table
from mde_grader.cli.terminal import note, say, width
from mde_grader.runtimes.images import PREFIX, Image, inventory

MB = 1_000_000


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(*, as_json: bool) -> None:
    """List our images on the engine, with where their base came from."""
    found = [image for images in inventory(image_client()).values() for image in images]
    if as_json:
        say(json.dumps([asdict(image) for image in found], indent=2))
    elif found:
        say("\n".join(table([_row(image) for image in found], width())))
    else:
        note("there are none yet; run `mde-grade images build`")


def _row(image: Image) -> tuple[str, ...]:
    made = datetime.fromtimestamp(image.created, UTC)
    return image.tag.removeprefix(PREFIX), image.how, f"{image.size / MB:.0f} MB", f"{made:%Y-%m-%d}"
