"""How long each of a lab's solutions took the last time, so that the longest can go first the next time.

A long one that begins last keeps one processor busy while the others have nothing to do. Only the order depends on what
is remembered, so a file that is missing or broken costs time and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mde_grader.places import cache_folder
from mde_grader.runs import write_atomically


def longest_first(lab: str, names: Iterable[str]) -> list[str]:
    """Names of solutions, those that nobody knows anything of before all others, in the order given."""
    known = _read(_file(lab))
    return sorted(names, key=lambda name: -known.get(name, float("inf")))


def remember(lab: str, seconds: Mapping[str, float]) -> None:
    """Note the wall time of solutions; what is known of others is kept."""
    path = _file(lab)
    with suppress(OSError):
        write_atomically(path, json.dumps({**_read(path), **seconds}, sort_keys=True))


def _file(lab: str) -> Path:
    return cache_folder() / "durations" / f"{lab}.json"


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
