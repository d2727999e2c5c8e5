"""Folders for staged copies: removed when their attempt ends, and by the next start when its grader died."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from mde_grader.runs import state_home

_OWNER = "owner"


@contextlib.contextmanager
def work_folder(name: str, owner: str) -> Iterator[Path]:
    """Make a private folder for one attempt and remove it at the end.

    Args:
        name: Unique name of the attempt.
        owner: `janitor.this_process()` of the grader.
    """
    folder = state_home() / "work" / name
    folder.mkdir(mode=0o700, parents=True)
    (folder / _OWNER).write_text(owner, encoding="utf-8")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_work_folders(lives: Callable[[str], bool]) -> int:
    """Remove the folders of dead graders.

    Args:
        lives: Tells from an owner's name whether that process still runs.

    Returns:
        How many were removed.
    """
    home = state_home() / "work"
    removed = 0
    for folder in home.iterdir() if home.is_dir() else ():
        with contextlib.suppress(OSError):
            if not lives((folder / _OWNER).read_text(encoding="utf-8")):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
