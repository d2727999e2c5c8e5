"""One readable log of jobs that run side by side: what a step printed stays together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 3.0
"""Seconds after which what a step has printed is shown although the step goes on: a run may be killed any time."""


@dataclass
class _Block:
    since: float
    lines: list[str] = field(default_factory=list)
    shown: bool = False


class Log:
    """Gathers lines by job and step, and writes them in blocks.

    Args:
        write: Given whole lines.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._last: tuple[str, str] | None = None
        self._results: dict[str, str] = {}

    @property
    def results(self) -> dict[str, str]:
        """How each job ended, in the order of their ends."""
        return dict(self._results)

    def line(self, job: str, step: str, text: str, now: float) -> None:
        """Take what a step printed."""
        self._blocks.setdefault((job, step), _Block(now)).lines.extend(text.splitlines() or [""])

    def end(self, job: str, step: str, result: str, *, quiet: bool = False) -> None:
        """A step has ended; a quiet one is not worth a heading when it printed nothing."""
        block = self._blocks.pop((job, step), _Block(0.0))
        if quiet and not block.lines:
            return
        self._show((job, step), block, f"{step}: {result}")
        self._last = None

    def finish(self, job: str, result: str) -> None:
        """A job has ended."""
        for key in [key for key in self._blocks if key[0] == job]:
            self._show(key, self._blocks.pop(key), key[1])
        self._results[job] = result
        self._last = None
        self._write(f"== {job}: {result}")

    def tick(self, now: float) -> None:
        """Show what has waited for long."""
        for key, block in self._blocks.items():
            if block.lines and now - block.since >= PATIENCE:
                self._show(key, block, f"{key[1]} (goes on)" if not block.shown else f"{key[1]} (went on)")
                block.lines.clear()
                block.since, block.shown = now, True

    def close(self) -> None:
        """Show all that is left, and how the jobs ended."""
        for key in list(self._blocks):
            self._show(key, self._blocks.pop(key), key[1])
        for job, result in self._results.items():
            self._write(f"{result:<9} {job}")

    def _show(self, key: tuple[str, str], block: _Block, heading: str) -> None:
        if self._last != key:
            self._write(f"-- {key[0]} | {heading}")
        self._last = key
        for line in block.lines:
            self._write(f"     {line}")
