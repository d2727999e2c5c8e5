"""Run folders: where an attempt's scorecard, evidence and log are kept, and how they are found again.

A run folder holds `scorecard.json`, `scorecard.html`, `evidence/` and `log.txt`. Its name starts with the time, so that
names sort by age: `20261123-062403-lab-02-3fa9`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

from mde_grader.errors import MdeGradeError, UsageError

KEPT = 50
"""Newest runs that stay; older ones are removed when a new one starts."""
CARD = "scorecard.json"
LATEST = "last"
_NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9._-]{1,64}-[0-9a-f]{4}")
_UNFINISHED_SECONDS = 86_400.0  # a run without a scorecard may still be going on


def state_home() -> Path:
    """The folder of everything that outlives a command: `$XDG_STATE_HOME/mde-grade` or `~/.local/state/mde-grade`."""
    given = os.environ.get("XDG_STATE_HOME", "")
    if given and Path(given).is_absolute():  # the XDG specification: a relative one is to be ignored
        return Path(given) / "mde-grade"
    home = os.environ.get("HOME", "")
    return Path(home or Path("~").expanduser()) / ".local" / "state" / "mde-grade"


def runs_home() -> Path:
    """The folder of the runs."""
    return state_home() / "runs"


def new_run(lab_id: str, parent: Path | None = None) -> Path:
    """Make the folder of a new run, readable by its owner alone.

    Args:
        lab_id: Becomes part of the name.
        parent: Folder to make it in; ours when None, which is then cleared of all but the newest runs.

    Raises:
        MdeGradeError: The folder cannot be made.
    """
    home = parent or runs_home()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder = home / f"{stamp}-{lab_id}-{secrets.token_hex(2)}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        (folder / "evidence").mkdir()
    except OSError as error:
        told = f"cannot make the run folder {folder}: {error.strerror}"
        raise MdeGradeError(told, hint="free some space there, or name another place with XDG_STATE_HOME") from error
    if parent is None:
        forget_old(home)
    return folder


def forget_old(home: Path, *, keep: int = KEPT) -> int:
    """Remove all runs but the newest; those that may still be going on stay.

    Args:
        home: Folder of runs; what is not named like a run is left alone.
        keep: How many stay.

    Returns:
        How many were removed.
    """
    old = _runs(home)[:-keep] if keep else _runs(home)
    gone = [folder for folder in old if (folder / CARD).exists() or _age(folder) > _UNFINISHED_SECONDS]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def find_run(name: str, home: Path | None = None) -> Path:
    """The folder of a finished run.

    Args:
        name: `last`, a run's name or a beginning of it that only one has, or the path of a run folder or scorecard.
        home: Folder of the runs; ours when None.

    Raises:
        UsageError: There is none, or more than one.
    """
    path = Path(name)
    if path.name == CARD and path.is_file():
        return path.parent
    if (path / CARD).is_file():
        return path
    runs = [folder for folder in _runs(home or runs_home()) if (folder / CARD).is_file()]
    if not runs:
        raise UsageError("there are no runs yet", hint="grade something first: `mde-grade LAB [PATH]`")
    return runs[-1] if name == LATEST else _only(name, runs)


def run_names(home: Path | None = None) -> list[str]:
    """Names of the finished runs, the newest first."""
    return [folder.name for folder in reversed(_runs(home or runs_home())) if (folder / CARD).is_file()]


def _only(name: str, runs: list[Path]) -> Path:
    fits = [folder for folder in runs if folder.name.startswith(name)] if name else []
    exact = [folder for folder in fits if folder.name == name]
    if len(exact or fits) == 1:
        return (exact or fits)[0]
    newest = ", ".join(folder.name for folder in reversed((fits or runs)[-3:]))
    what = f"{len(fits)} runs begin with" if fits else "there is no run"
    raise UsageError(f"{what} `{name}`", hint=f"the newest are {newest}; `last` is the last one")


def _runs(home: Path) -> list[Path]:
    """Oldest first; within one second the order is that of their making."""
    try:
        folders = [folder for folder in home.iterdir() if _NAME.fullmatch(folder.name) and folder.is_dir()]
    except OSError:
        return []
    return sorted(folders, key=lambda folder: (folder.name[:15], _made(folder)))


def _made(folder: Path) -> int:
    """When the folder last changed, nanoseconds; tells apart runs that began within one second."""
    with contextlib.suppress(OSError):
        return folder.stat().st_ctime_ns
    return 0


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all: a neighbour is written, synced and renamed. Missing folders are made.

    Raises:
        OSError: It cannot be written; nothing is left behind then.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with neighbour.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    return path


def _sync(folder: Path) -> None:
    """Make the rename itself survive a loss of power, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
