"""The table of commands."""

from __future__ import annotations

import click

from mde_grader import __version__
from mde_grader.cli.lazy import Entry, LazyGroup

COMMANDS = {
    "grade": Entry("mde_grader.cli.grade", "Grade a submission; `mde-grade LAB [PATH]` is short for it."),
    "list": Entry("mde_grader.cli.listing", "List the labs."),
    "show": Entry("mde_grader.cli.show", "Show a lab's brief and what its requirements are worth."),
    "init": Entry("mde_grader.cli.init", "Start on a lab: copy its starter files."),
    "report": Entry("mde_grader.cli.report", "Render an earlier run's scorecard again, without containers."),
    "doctor": Entry("mde_grader.cli.doctor", "Measure whether this machine can grade, and how well it isolates."),
    "images": Entry("mde_grader.cli.images", "Build, list, save or load the images that grading needs."),
    "clean": Entry("mde_grader.cli.clean", "Remove what dead or kept runs left on the engine."),
    "lab": Entry("mde_grader.cli.lab", "For lab authors: prove a lab or lint it."),
    "completion": Entry("mde_grader.cli.completion", "Print the shell's completion script."),
}
"""Everything that can be called; the module holds the command as `command`."""

EPILOG = """\b
Exit codes: 0 passed, 1 graded and not passed, 2 usage, 3 incomplete or
our fault, 4 the lab is invalid, 130 interrupted."""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    default="grade",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.version_option(__version__, "-V", "--version", prog_name="mde-grade", message="%(prog)s %(version)s")
def app() -> None:
    """Grade hands-on DevOps labs: `mde-grade lab-02 [PATH]`.

    The submission is built and started in containers and watched from outside; the scorecard says what works, what
    does not, and what to mend first.
    """
