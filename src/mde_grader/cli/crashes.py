"""Keeps the traceback of an error that nobody expected, where a maintainer can ask for it."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from mde_grader import __version__
from mde_grader.runs import state_home, write_atomically

KEPT = 20
"""How many crash files stay."""


def keep_crash(error: BaseException) -> Path:
    """Write the traceback to a new file and return its path.

    Raises:
        OSError: Neither the state folder nor the temporary one can be written.
    """
    text = _described(error)
    name = f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.txt"
    try:
        folder = state_home() / "crashes"
        path = folder / name
        write_atomically(path, text)
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="mde-grade-")) / name
        write_atomically(path, text)
        return path
    _forget_old(folder)
    return path


def _described(error: BaseException) -> str:
    head = f"mde-grade {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    command = f"{' '.join(sys.argv)}\n\n"
    return head + command + "".join(traceback.format_exception(error))


def _forget_old(folder: Path) -> None:
    for path in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
        path.unlink(missing_ok=True)
