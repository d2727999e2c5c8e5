"""The command line: one module a command, and the one place where an error becomes a line and an exit code.

Nothing here or in `app` imports what a command needs; a command's module is loaded when the command is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mde_grader.cli.ending import guarded
from mde_grader.cli.signals import stop_politely

DEBUG_VARIABLE = "MDE_GRADE_DEBUG"
"""Set to anything but `0`: an unexpected error shows its traceback on the screen."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; `sys.argv`'s when None.

    Returns:
        The exit code: 0 passed or done, 1 graded and not passed, 2 usage, 3 incomplete or our fault, 4 the lab is
        invalid, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"} or "-vv" in arguments
    with stop_politely():
        return guarded(arguments, debug=debug)
