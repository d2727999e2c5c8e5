"""Caps, deadlines and the one error of the agent."""

from __future__ import annotations

import time

MAX_BYTES = 4 * 1024 * 1024
"""Most bytes of payload in one answer, so that a line stays under the client's 8 MiB."""
MAX_SECONDS = 600.0
"""Most seconds that one operation may ask for."""


class OpError(Exception):
    """An operation could not be done; `kind` is one of `SessionError`'s kinds."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Deadline:
    """A point on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = min(max(float(seconds), 0.0), MAX_SECONDS)
        self.started = time.monotonic()

    def spent(self) -> float:
        """Seconds since the start, to the microsecond."""
        return round(time.monotonic() - self.started, 6)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.seconds - (time.monotonic() - self.started))

    def left(self) -> float:
        """Seconds left.

        Raises:
            OpError: `timeout`, when there are none.
        """
        left = self.remaining()
        if left <= 0:
            raise OpError("timeout", f"not done within {self.seconds:g} s")
        return left


def byte_cap(limit: float) -> int:
    """A caller's byte limit, held within `MAX_BYTES`."""
    return max(0, min(int(limit), MAX_BYTES))
