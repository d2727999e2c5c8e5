"""A log that is added to by us alone, and read page by page."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT = 5_000
"""Entries kept, the first ones: half a kilobyte each. What comes later is counted."""
PAGE = 1_000


@dataclass
class Journal:
    """Entries in the order of their arrival.

    Attributes:
        kept: How many are kept.
    """

    kept: int = KEPT
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, facts: Mapping[str, Any]) -> None:
        """Write something down under the next number."""
        with self._lock:
            if self._seen < self.kept:
                self._entries.append({"n": self._seen, **facts})
            self._seen += 1

    def page(self, after: int = -1) -> dict[str, Any]:
        """Up to 1000 entries above a number, whether there are more, and how many were not kept."""
        with self._lock:
            rest = self._entries[max(0, after + 1) :]
            dropped = self._seen - len(self._entries)
        return {"entries": rest[:PAGE], "more": len(rest) > PAGE, "dropped": dropped, "now": now()}


def now() -> float:
    """Seconds of the machine's monotonic clock, which all services of a stack share."""
    return round(time.monotonic(), 4)
