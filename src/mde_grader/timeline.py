"""Keeps the times of an attempt's steps and tells a listener about them; safe to use from several threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from mde_grader.model import Outcome, Phase, Progress, ProgressKind

Listener = Callable[[Progress], None]


class Timeline:
    """Phases of one attempt, in the order they began; they may overlap.

    Args:
        listener: Told when a phase begins and ends, and each outcome. Called under a lock: it need not be
            thread-safe.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._phases: list[tuple[float, Phase]] = []
        self.started = time.monotonic()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a block as a phase."""
        began = time.monotonic()
        self._tell(Progress(ProgressKind.PHASE_STARTED, name))
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            with self._lock:
                self._phases.append((began, Phase(name, round(began - self.started, 3), round(seconds, 3))))
            self._tell(Progress(ProgressKind.PHASE_ENDED, name, seconds))

    def note(self, text: str) -> None:
        """Tell the listener something that is neither a phase nor an outcome."""
        self._tell(Progress(ProgressKind.NOTE, text))

    def outcome(self, outcome: Outcome) -> None:
        """Tell the listener that a check has ended."""
        self._tell(Progress(ProgressKind.CHECK_ENDED, outcome.title, outcome.seconds, outcome))

    def _tell(self, progress: Progress) -> None:
        with self._lock:
            self._listener(progress)

    @property
    def seconds(self) -> float:
        """Seconds since the attempt began."""
        return round(time.monotonic() - self.started, 3)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that have ended, by the time they began."""
        with self._lock:
            return tuple(phase for _, phase in sorted(self._phases, key=lambda entry: entry[0]))
