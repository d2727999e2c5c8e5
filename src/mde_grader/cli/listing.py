"""`mde-grade list`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mde_grader.cli.options import labs_option
from mde_grader.cli.terminal import note, say, width
from mde_grader.labs import LabFolder, find_labs

GAP = "  "


@click.command("list")
@labs_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(*, labs: Path | None, as_json: bool) -> None:
    """List the labs."""
    found = find_labs(labs)
    if as_json:
        say(json.dumps([_plain(folder) for folder in found], indent=2, ensure_ascii=False))
    elif found:
        say("\n".join(table([_row(folder) for folder in found], width())))
    else:
        note("there are no labs; name a folder of labs with --labs DIR")


def _row(folder: LabFolder) -> tuple[str, str, str, str]:
    lab = folder.lab
    return lab.id, lab.title, lab.level, f"{lab.points} points, {lab.minutes} min"


def _plain(folder: LabFolder) -> dict[str, object]:
    lab = folder.lab
    fields = ("id", "title", "category", "level", "track", "minutes", "pass_mark", "points", "summary")
    return {name: getattr(lab, name) for name in fields}


def table(rows: list[tuple[str, ...]], columns: int) -> list[str]:
    """Rows in aligned columns; the second column gives way where the screen is narrow.

    Args:
        rows: Equally long, at least two cells each.
        columns: Width of the screen.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    room = columns - sum(widths) + widths[1] - len(GAP) * (len(widths) - 1)
    widths[1] = min(widths[1], max(room, 12))
    return [GAP.join(_fit(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]


def _fit(text: str, size: int) -> str:
    return text.ljust(size) if len(text) <= size else text[: size - 1] + "…"
