"""The record of every call, which only the grader can read and nobody can change."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

READS_KEPT = 20_000
WRITES_KEPT = 20_000
"""Entries kept of each kind, the first ones: 400 bytes each, and a flood of reads cannot push out a single write."""

PAGE = 2000
"""Most entries of one answer, so that it stays far below the probe's cap."""


@dataclass
class Audit:
    """Entries in the order of their arrival; beyond the cap they are only counted."""

    reads_kept: int = READS_KEPT
    writes_kept: int = WRITES_KEPT
    _entries: list[dict[str, object]] = field(default_factory=list)
    _seen: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, facts: Mapping[str, object], *, writes: bool) -> None:
        """Write one call down.

        Args:
            facts: What is known of it; JSON values.
            writes: Whether it may have changed anything.
        """
        with self._lock:
            number = sum(self._seen.values())
            self._seen[writes] += 1
            if self._seen[writes] <= (self.writes_kept if writes else self.reads_kept):
                seconds = round(time.monotonic() - self._began, 3)
                self._entries.append({"n": number, "time": seconds, "writes": writes, **facts})

    def page(self, after: int = -1) -> dict[str, object]:
        """Return up to 2000 entries whose number is above `after`, and how many calls there were in all.

        `more` tells whether to ask again, after the last entry's number; `dropped` how many calls of each kind came
        beyond the cap.
        """
        with self._lock:
            rest = [entry for entry in self._entries if _number(entry) > after]
            reads, writes = self._seen[False], self._seen[True]
        return {
            "calls": rest[:PAGE],
            "more": len(rest) > PAGE,
            "reads": reads,
            "writes": writes,
            "dropped": {"reads": max(0, reads - self.reads_kept), "writes": max(0, writes - self.writes_kept)},
        }

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._seen = {True: 0, False: 0}


def _number(entry: Mapping[str, object]) -> int:
    number = entry["n"]
    return number if isinstance(number, int) else -1
