"""Keeps what an apply still has to make waiting, so that something else surely happens while it is under way."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

LONGEST = 90.0
"""Seconds after which a hold ends by itself; Terraform's provider waits longer than that for an answer."""

MOST = 10
"""Calls that wait at once, as many as Terraform makes side by side; others pass, or they would take every thread."""

STATES = frozenset({"dynamodb", "s3"})
"""Services that keep states and locks, which are never held: who waits for a lock must hear that it is taken."""


@dataclass
class Holds:
    """Whether calls wait, and those that do."""

    longest: float = LONGEST
    _until: float = 0.0
    _waiting: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._waiting

    def begin(self) -> None:
        """Hold what comes from now on, for at most 90 seconds."""
        with self._changed:
            self._until = time.monotonic() + self.longest

    def end(self) -> None:
        """Let all go on."""
        with self._changed:
            self._until = 0.0
            self._changed.notify_all()

    def wait(self, service: str, *, writes: bool) -> None:
        """Come back when the call may be carried out: at once, unless it changes something while there is a hold."""
        if not writes or service in STATES:
            return
        with self._changed:
            if self._waiting >= MOST:
                return
            self._waiting += 1
            while (left := self._until - time.monotonic()) > 0:
                self._changed.wait(left)
            self._waiting -= 1
