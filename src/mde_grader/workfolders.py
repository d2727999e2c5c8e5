"""Folders for staged copies: removed when their attempt ends, and by the next start when its grader died."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from mde_grader.runs import state_home

_OWNER = ".owner"
"""Suffix of the file beside a folder that names its owner: there before the folder is, and after it has gone, so that a
grader that dies in between leaves nothing that nobody owns."""


@contextlib.contextmanager
def work_folder(name: str, owner: str) -> Iterator[Path]:
    """Make a private folder for one attempt and remove it at the end.

    Args:
        name: Unique name of the attempt.
        owner: `janitor.this_process()` of the grader.
    """
    home = state_home() / "work"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, marker = home / name, home / f"{name}{_OWNER}"
    with marker.open("x", encoding="utf-8") as stream:
        stream.write(owner)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder, marker)


def sweep_work_folders(lives: Callable[[str], bool]) -> int:
    """Remove the folders of dead graders.

    Args:
        lives: Tells from an owner's name whether that process still runs.

    Returns:
        How many were removed.
    """
    home = state_home() / "work"
    removed = 0
    for marker in home.glob(f"*{_OWNER}"):
        with contextlib.suppress(OSError):
            if not lives(marker.read_text(encoding="utf-8")):
                _remove(marker.with_suffix(""), marker)
                removed += 1
    return removed


def _remove(folder: Path, marker: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        marker.unlink(missing_ok=True)
