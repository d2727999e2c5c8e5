"""Where labs and graders are: the checkout we run from, the installed wheel's data, or a folder that is named."""

from __future__ import annotations

import os
from pathlib import Path

from mde_grader.errors import UsageError

HOME_VARIABLE = "MDE_GRADE_HOME"
"""Environment variable that names another folder with `labs/` and `graders/` in it."""

PACKAGE = Path(__file__).resolve().parent
"""Folder of the installed package."""


def data_root() -> Path:
    """Folder that holds `labs/` and `graders/`.

    Raises:
        UsageError: `MDE_GRADE_HOME` names a folder without them, or none is found.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return _checked(Path(named).expanduser().resolve(), named)
    for place in (PACKAGE / "_data", PACKAGE.parents[1]):
        if _holds_data(place):
            return place
    raise UsageError("this installation has no labs", hint=f"set {HOME_VARIABLE} to a checkout of mde-grade")


def cache_folder() -> Path:
    """Folder for what may be deleted at any time; not created here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mde-grade"


def _checked(place: Path, named: str) -> Path:
    if not _holds_data(place):
        raise UsageError(
            f"{HOME_VARIABLE} is {named!r}, which has no labs/ and graders/", hint="point it at a checkout, or unset it"
        )
    return place


def _holds_data(place: Path) -> bool:
    return (place / "labs").is_dir() and (place / "graders").is_dir()
