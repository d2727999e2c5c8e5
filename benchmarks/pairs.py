"""Interleaved pairs: floor and ours by turns, so that what slows the machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """Medians in seconds, their ratio, and the goal that it is held against.

    Attributes:
        name: What was measured.
        floor: Median of the floor, seconds.
        ours: Median of ours, seconds.
        goal: The most that `ours / floor` may be; for a speed-up, the least that `floor / ours` must be.
        speedup: Whether the floor is the slow one.
        pairs: How many pairs were measured.
    """

    name: str
    floor: float
    ours: float
    goal: float
    speedup: bool
    pairs: int

    @property
    def value(self) -> float:
        """The ratio that the goal speaks of."""
        return self.floor / self.ours if self.speedup else self.ours / self.floor

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.value >= self.goal if self.speedup else self.value <= self.goal

    def line(self) -> str:
        """One line for a person."""
        sign = ">=" if self.speedup else "<="
        mark = "met" if self.met else "NOT MET"
        return (
            f"{self.name:<42} floor {self.floor * 1000:9.2f} ms   ours {self.ours * 1000:9.2f} ms   "
            f"ratio {self.value:6.2f} (goal {sign} {self.goal:g}, {mark}; {self.pairs} pairs)"
        )


def timed(action: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(  # noqa: PLR0913
    name: str,
    floor: Callable[[], object],
    ours: Callable[[], object],
    *,
    pairs: int,
    goal: float,
    speedup: bool = False,
) -> Ratio:
    """Run floor and ours by turns, after one unmeasured turn of each, and compare their medians."""
    floor()
    ours()
    floors: list[float] = []
    mine: list[float] = []
    for turn in range(pairs):
        for action, times in ((floor, floors), (ours, mine)) if turn % 2 else ((ours, mine), (floor, floors)):
            times.append(timed(action))
    return Ratio(name, statistics.median(floors), statistics.median(mine), goal, speedup, pairs)
