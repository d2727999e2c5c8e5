"""The lock that pipelines share: in the order of their coming, and for so long only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from graders.images.serving.words import Refused

PATIENCE = 300.0
STEP = 0.25
"""Seconds that a pipeline waits for the lock, and between two looks whether it is still there."""


@dataclass
class Lease:
    """Who has the lock.

    Attributes:
        clock: Seconds that go on.
    """

    clock: Callable[[], float] = time.monotonic
    _holder: str = ""
    _until: float = 0.0
    _queue: list[tuple[object, str]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, holder: str, seconds: float, here: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait for the lock and hold it; its holder holds it longer.

        Args:
            holder: Who.
            seconds: How long.
            here: Whether the one who waits still does.
            patience: Most seconds to wait.

        Raises:
            Refused: Not in time.
        """
        ticket, deadline = object(), self.clock() + patience
        with self._changed:
            self._queue.append((ticket, holder))
            try:
                while not self._free_for(ticket, holder):
                    if not here() or self.clock() >= deadline:
                        raise Refused(f"{self._holder} still holds the lock; unlock it there, or wait for its lease")
                    self._changed.wait(STEP)
                self._holder, self._until = holder, self.clock() + seconds
            finally:
                self._queue = [each for each in self._queue if each[0] is not ticket]
                self._changed.notify_all()

    def _free_for(self, ticket: object, holder: str) -> bool:
        if self._over():
            return self._queue[0][0] is ticket
        return self._holder == holder

    def _over(self) -> bool:
        return not self._holder or self.clock() >= self._until

    def give(self, holder: str) -> None:
        """Give the lock back; nothing to do when nobody has it.

        Raises:
            Refused: Somebody else has it.
        """
        with self._changed:
            if not self._over() and self._holder != holder:
                raise Refused(
                    f"{self._holder} holds the lock, not {holder}; its lease may have run out, ask for longer"
                )
            self._holder = ""
            self._changed.notify_all()

    def state(self) -> dict[str, object]:
        """Who has it, for how many seconds more, and who waits."""
        with self._changed:
            over = self._over()
            left = 0.0 if over else round(self._until - self.clock(), 1)
            return {
                "holder": "" if over else self._holder,
                "seconds": left,
                "waiting": [holder for _, holder in self._queue],
            }
