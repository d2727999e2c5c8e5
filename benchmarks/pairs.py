"""Interleaved pairs: floor and ours by turns, so that what slows the machine slows both."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

TRIES = 3
"""How often a turn is made that the engine spoils, the first included."""


class Result(Protocol):
    """What a benchmark found."""

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        ...

    def line(self) -> str:
        """One line for a person."""
        ...


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


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A measured value and the most that it may be.

    Attributes:
        name: What was measured.
        ours: The value, in `unit`.
        goal: The most that it may be; None where it is only told.
        unit: `s` or `MB`.
        runs: How often it was measured.
        floor: What the same costs without us, in `unit`; None where there is no such thing.
    """

    name: str
    ours: float
    goal: float | None
    unit: str
    runs: int
    floor: float | None = None

    @property
    def met(self) -> bool:
        """Whether the goal is met; a value without one is never missed."""
        return self.goal is None or self.ours <= self.goal

    def line(self) -> str:
        """One line for a person."""
        floor, ratio = "", ""
        if self.floor is not None:
            floor, ratio = f"floor {self._shown(self.floor)}   ", f"   ratio {self.ours / self.floor:6.2f}"
        goal = "told only" if self.goal is None else f"goal <= {self.goal:g} {self.unit}, {self._mark()}"
        return f"{self.name:<42} {floor}ours {self._shown(self.ours)}{ratio}   ({goal}; {self.runs} runs)"

    def _shown(self, value: float) -> str:
        digits = 3 if self.unit == "s" else 1
        return f"{value:9.{digits}f} {self.unit}"

    def _mark(self) -> str:
        return "met" if self.met else "NOT MET"


class SpoiledError(Exception):
    """The engine got stuck, so that this turn measures nothing."""


def timed(action: Callable[[], object]) -> float:
    """Seconds that a call takes; one that was spoiled is made again.

    Raises:
        SpoiledError: It was spoiled each time.
    """
    for left in reversed(range(TRIES)):
        started = time.perf_counter()
        try:
            action()
        except SpoiledError as error:
            if not left:
                raise
            print(f"a turn was spoiled and is made again: {error}", file=sys.stderr)
        else:
            return time.perf_counter() - started
    raise AssertionError("unreachable")


def by_turns(floor: Callable[[], object], ours: Callable[[], object], pairs: int) -> tuple[float, float]:
    """Median seconds of floor and ours, run by turns after one unmeasured turn of each, ours first: it fills caches.

    Raises:
        ValueError: `pairs` is less than one.
    """
    if pairs < 1:
        raise ValueError("at least one pair must be measured")
    timed(ours)
    timed(floor)
    floors: list[float] = []
    mine: list[float] = []
    for turn in range(pairs):
        for action, times in ((floor, floors), (ours, mine)) if turn % 2 else ((ours, mine), (floor, floors)):
            times.append(timed(action))
    return statistics.median(floors), statistics.median(mine)


def measure(  # noqa: PLR0913
    name: str,
    floor: Callable[[], object],
    ours: Callable[[], object],
    *,
    pairs: int,
    goal: float,
    speedup: bool = False,
) -> Ratio:
    """Run floor and ours by turns, and compare their medians."""
    return Ratio(name, *by_turns(floor, ours, pairs), goal, speedup, pairs)
