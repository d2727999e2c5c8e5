"""`mde-grade grade LAB [PATH]`, or without the word: `mde-grade LAB [PATH]`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from mde_grader.attempts import AttemptRequest, AttemptResult, grade
from mde_grader.cli.actions import report_to_actions
from mde_grader.cli.journal import Journal
from mde_grader.cli.lazy import IMPLIED
from mde_grader.cli.options import RequirementName, lab_argument, labs_option, loudness_options
from mde_grader.cli.outputs import chosen_formats, deliver, keep, writable
from mde_grader.cli.progress import watcher
from mde_grader.cli.terminal import note
from mde_grader.errors import UsageError
from mde_grader.labs import LabFolder, find_labs, load_lab
from mde_grader.model import Verdict
from mde_grader.solutions import solution_at

EXIT_CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCOMPLETE: 3}


@click.command("grade")
@lab_argument
@click.argument("path", type=click.Path(path_type=Path), default=Path(), required=False)
@click.option(
    "--only",
    type=RequirementName(),
    multiple=True,
    metavar="REQ",
    help="Grade only this requirement, and what it needs; can be given again.",
)
@click.option("--keep", "keep_stack", is_flag=True, help="Leave the stack up and say how to look inside.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each format there as scorecard.<ext>.",
)
@click.option(
    "--format",
    "formats",
    callback=chosen_formats,
    metavar="LIST",
    help="console,json,junit,markdown,html: one or more, with commas. One machine format without --output goes to "
    "stdout. [default: console]",
)
@click.option(
    "--candidate",
    metavar="NAME",
    help="Whose variant of the lab is graded, and the name on the scorecard. [default: the practice variant, and the "
    "folder's name]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Time for the whole attempt. [default: the lab's own]",
)
@labs_option
@loudness_options
@click.pass_context
def command(  # noqa: PLR0913 - one argument an option
    context: click.Context,
    *,
    lab: str,
    path: Path,
    only: tuple[str, ...],
    keep_stack: bool,
    output: Path | None,
    formats: tuple[str, ...],
    candidate: str | None,
    timeout: float | None,
    labs: Path | None,
    quiet: bool,
    verbose: int,
) -> int:
    """Grade the submission in PATH (the current folder when none is named) against LAB.

    The scorecard goes to stdout, the progress to stderr. Every run is kept: `mde-grade report last --format html`.
    """
    folder = _lab(context, lab, labs)
    request = AttemptRequest(
        lab=folder,
        path=_submission(path),
        candidate=candidate,
        only=only,
        keep=keep_stack,
        timeout=timeout,
    )
    if output:
        writable(output)
    result = _graded(request, quiet=quiet, verbose=verbose)
    deliver(result.card, formats=formats, folder=result.folder, output=output)
    report_to_actions(result.card, submission=request.path)
    _tell_the_rest(result)
    return EXIT_CODES[result.card.verdict]


def _graded(request: AttemptRequest, *, quiet: bool, verbose: int) -> AttemptResult:
    hidden = {row.id for row in request.lab.lab.requirements if row.hidden}
    with (
        Journal(loud=verbose > 1) as journal,
        watcher(quiet=quiet, verbose=verbose, hidden=hidden) as watch,
    ):
        result = grade(request, journal.listening(watch))
        journal.keep(result.folder)
    keep(result.card, result.folder)
    return result


def _tell_the_rest(result: AttemptResult) -> None:
    if result.kept:
        note(result.kept)
        note("when you have seen enough: mde-grade clean --kept")
    if result.card.verdict is Verdict.INCOMPLETE:
        note(f"mde-grade: the attempt could not be finished, which is no fault of the submission; log: {result.folder}")


def _lab(context: click.Context, name: str, labs: Path | None) -> LabFolder:
    """Load the lab; a word that was no command and is no lab may have been meant as a command."""
    try:
        return load_lab(name, labs)
    except UsageError as error:
        group = context.parent.command if context.parent else None
        commands = getattr(group, "table", ())
        known = [*commands, *(folder.root.name for folder in find_labs(labs))]
        near = get_close_matches(name, known, n=1, cutoff=0.7)
        if context.meta.get(IMPLIED) is None or not near or near[0] not in commands:
            raise
        message = f"there is no command and no lab “{name}”"
        raise UsageError(message, hint=f"did you mean `mde-grade {near[0]}`?") from error


def _submission(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"there is nothing at {path}", hint="name the folder of the submission: `mde-grade LAB PATH`")
    found = solution_at(path)
    if found is None:
        return path
    root, solution = found
    known = any(folder.root == root for folder in find_labs())
    lab = root.name if known else root
    what = f"one of {root.name}'s own solutions" if solution else f"the folder of {root.name}'s own solutions"
    raise UsageError(
        f"{'this folder' if path == Path() else path} is {what}, kept as a template, and no submission",
        hint=f"`mde-grade lab verify {lab}{f' --only {solution}' if solution else ''}` fills it in and grades it",
    )
