"""How a command ends: a return value, an error of ours or of click's, or a crash, each to an exit code and a line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

import click

from mde_grader.cli.app import app
from mde_grader.cli.terminal import complain
from mde_grader.errors import MdeGradeError

USAGE = 2
OURS = 3
INTERRUPTED = 130
COMPLETION = "_MDE_GRADE_COMPLETE"
"""Set by the shell's completion script; click then answers it and exits by itself."""


def guarded(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run the command line and turn every way in which it can end into an exit code.

    Args:
        arguments: Without the program's name.
        debug: Show the traceback of an unexpected error instead of writing it to a file.
    """
    try:
        return _run(arguments)
    except MdeGradeError as error:
        complain(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        return _misused(error)
    except Exception as error:  # the last stop before the screen
        if debug:
            raise
        return _crashed(error)


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app.main(args=list(arguments), prog_name="mde-grade", standalone_mode=False)
    except SystemExit:
        if COMPLETION in os.environ:
            raise
        return 0  # click met a reader that went away (`| head`); its own exit code would mean "not passed" here
    _flush()
    return code if isinstance(code, int) else 0


def _flush() -> None:
    """Send what is left; a reader that went away (`| head`) is not an error of ours."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _misused(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return USAGE
    path = context.command_path if context else "mde-grade"
    complain(error.format_message().rstrip("."), f"see `{path} --help`")
    return USAGE


def _crashed(error: Exception) -> int:
    from mde_grader.cli.crashes import keep_crash  # noqa: PLC0415 - a good run needs none of it

    where = None
    with contextlib.suppress(OSError):
        where = keep_crash(error)
    kind = type(error).__name__
    told = (
        f"the details are in {where}" if where else "the details could not be written; try again with MDE_GRADE_DEBUG=1"
    )
    complain(f"something of ours went wrong ({kind}); {told}", "nothing was scored; please report it with that file")
    return OURS
