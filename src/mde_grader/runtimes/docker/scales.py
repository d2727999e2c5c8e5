"""Weighs what the steps of a build write, for the builder has no cap on all files together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import Engine, RefusalError
from mde_grader.runtimes.docker.names import CACHE_LABEL

PAUSE = 0.2
"""Seconds between two looks. An idle disk takes a gigabyte a second, so this and the 0.3 s that an end takes decide how
far over its limit a step gets."""


class Scales:
    """Looks at a build's steps while a block runs, and ends the build when one has written too much.

    Args:
        engine: The engine.
        steps: Short ids of the containers that the build named so far. A program of the candidate's can add to them,
            so a container counts only when it carries the lab's label, and none is ever taken out.
        lab: Value of that label.
        limit: Bytes that one step may add.
        end: Ends the build; called once, from another thread.
    """

    def __init__(
        self, engine: Engine, steps: Callable[[], Iterable[str]], lab: str, limit: int, end: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._steps = steps
        self._lab = lab
        self._limit = limit
        self._end = end
        self._done = threading.Event()
        self._gone: set[str] = set()
        self.tripped = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="mde-scales", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(PAUSE):
            if any(self._weight(step) > self._limit for step in self._steps() if step not in self._gone):
                self.tripped = not self._done.is_set()
                self._end()
                return

    def _weight(self, step: str) -> int:
        """Bytes that a step's container has written; 0 for what is none, or is gone."""
        try:
            about = self._engine.ask("GET", f"/containers/{step}/json", params={"size": 1})
        except RefusalError:
            self._gone.add(step)
            return 0
        except EngineError:
            return 0
        labels = about["Config"].get("Labels") or {}
        return int(about.get("SizeRw") or 0) if labels.get(CACHE_LABEL) == self._lab else 0
