"""`mde-grade list`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mde_grader.cli.options import labs_option
from mde_grader.cli.shelf import summaries
from mde_grader.cli.tables import table
from mde_grader.cli.terminal import note, say, width
from mde_grader.places import cache_folder


@click.command("list")
@labs_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(*, labs: Path | None, as_json: bool) -> None:
    """List the labs."""
    found = summaries(labs, cache_folder())
    if as_json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        rows = [
            (lab["id"], lab["title"], lab["level"], f"{lab['points']} points, {lab['minutes']} min") for lab in found
        ]
        say("\n".join(table(rows, width())))
    else:
        note("there are no labs; name a folder of labs with --labs DIR")
