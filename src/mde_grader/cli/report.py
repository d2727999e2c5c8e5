"""`mde-grade report RUN --format F`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mde_grader.cli.options import RunName
from mde_grader.cli.outputs import CONSOLE, chosen_formats, keep, on_screen, writable
from mde_grader.cli.terminal import note, say
from mde_grader.codec.scorecards import scorecard_from
from mde_grader.errors import UsageError
from mde_grader.model import Scorecard
from mde_grader.reporters import FORMATS
from mde_grader.runs import CARD, LATEST, find_run


@click.command("report")
@click.argument("run", type=RunName(), default=LATEST)
@click.option("--format", "formats", callback=chosen_formats, metavar="LIST", help="As in `grade`. [default: console]")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each format there as scorecard.<ext>, instead of to stdout.",
)
def command(run: str, formats: tuple[str, ...], output: Path | None) -> None:
    """Render the scorecard of an earlier RUN again, without containers.

    RUN is `last`, a run's name or the beginning of it, or the path of a run folder or a scorecard.json.
    """
    folder = find_run(run)
    card = read_card(folder / CARD)
    wanted = formats or (CONSOLE,)
    if output:
        for path in keep(card, writable(output), wanted):
            note(f"written: {path}")
        return
    if len(wanted) > 1:
        raise UsageError("several formats need a folder", hint="add --output DIR")
    say(on_screen(card) if wanted[0] == CONSOLE else FORMATS[wanted[0]].render(card))


def read_card(path: Path) -> Scorecard:
    """Read a scorecard.

    Raises:
        UsageError: It cannot be read, or is no scorecard.
    """
    try:
        return scorecard_from(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a scorecard: {error}", hint="grade again to get a new one") from error
