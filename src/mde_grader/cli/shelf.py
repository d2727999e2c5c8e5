"""What `list` shows of the labs, remembered between calls: reading it anew takes longer than all the rest of `list`.

A lab is read again when its lab.yaml's time or size, or the grader's version, has changed. What is remembered is for
showing only; grading always reads the lab itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mde_grader import __version__
from mde_grader.places import data_root

FIELDS = ("id", "title", "category", "level", "track", "minutes", "pass_mark", "points", "summary")
NAME = "labs.json"

Memory = dict[str, dict[str, Any]]


def summaries(extra: Path | None, home: Path) -> list[dict[str, Any]]:
    """What there is to show of every lab, by id.

    Args:
        extra: A folder of labs, or one lab's, besides the grader's own.
        home: Where to remember.

    Raises:
        LabInvalidError: A lab cannot be read.
    """
    before = _remembered(home / NAME)
    now: Memory = {str(root): _summary(root, before.get(str(root), {})) for root in lab_roots(extra)}
    if any(before.get(key) != entry for key, entry in now.items()):
        _remember(home / NAME, {**before, **now})
    return [entry["lab"] for entry in now.values()]


def lab_roots(extra: Path | None) -> list[Path]:
    """Folders of the labs in the order of their ids; `extra`'s come first where an id is there twice."""
    found: dict[str, Path] = {}
    for parent in filter(None, (extra, data_root() / "labs")):
        for path in [parent, *sorted(parent.iterdir())] if parent.is_dir() else []:
            if (path / "lab.yaml").is_file():
                found.setdefault(path.resolve().name, path.resolve())
    return [found[name] for name in sorted(found)]


def _summary(root: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    status = (root / "lab.yaml").stat()
    stamp = [__version__, status.st_mtime_ns, status.st_size]
    if known.get("stamp") == stamp and set(FIELDS) <= set(known.get("lab", ())):
        return dict(known)
    from mde_grader.labs import LabFolder  # noqa: PLC0415 - what this module is there to avoid

    lab = LabFolder(root).declared
    return {"stamp": stamp, "lab": {name: getattr(lab, name) for name in FIELDS}}


def _remembered(path: Path) -> Memory:
    """What was remembered; a file that is missing or broken is as good as empty."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    entries = data.items() if isinstance(data, dict) else ()
    return {key: entry for key, entry in entries if isinstance(entry, dict) and isinstance(entry.get("lab"), dict)}


def _remember(path: Path, memory: Memory) -> None:
    from mde_grader.runs import write_atomically  # noqa: PLC0415 - only when something has changed

    alive = {key: entry for key, entry in memory.items() if Path(key, "lab.yaml").is_file()}
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(alive))
