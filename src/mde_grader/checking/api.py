"""The words that checks are written in. Knows nothing of engines, labs or scorecards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import NoReturn, TypeVar

import pytest

from mde_grader.model import Evidence

Check = TypeVar("Check", bound=Callable[..., object])

MARK = "requirement"
"""Name of the pytest mark that ties a check to its requirement."""


def requirement(name: str, *, disturbs: bool = False) -> Callable[[Check], Check]:
    """Tie a check to a requirement of its lab.

    Args:
        name: Id of the requirement in lab.yaml.
        disturbs: The check stops, kills or replaces services. Such checks run after the others, and the stack is
            brought back to running and ready after each of them, so that they cannot take points from one another.
    """

    def tie(check: Check) -> Check:
        marked: Check = getattr(pytest.mark, MARK)(name, disturbs=disturbs)(check)
        return marked

    return tie


class CheckFailedError(AssertionError):
    """A check saw something else than a right solution shows."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(f"expected {evidence.expected}; seen {evidence.seen}")
        self.evidence = evidence


def fail(*, expected: str, seen: str, look: str = "", said: str = "") -> NoReturn:
    """End the check as failed.

    Args:
        expected: What a right solution shows, for the candidate.
        seen: What this one showed.
        look: A command with which the candidate can see it for themselves.
        said: What a program printed, when that helps; it may hold anything, and is cleaned before it is shown.
    """
    raise CheckFailedError(Evidence(expected=expected, seen=seen, look=look, said=said))


def expect(condition: object, *, expected: str, seen: str, look: str = "", said: str = "") -> None:
    """Go on when `condition` is true, else end the check as `fail` does."""
    if not condition:
        fail(expected=expected, seen=seen, look=look, said=said)


class _Try:
    """One try of a block: swallows an assertion error while there is time left."""

    def __init__(self, *, last: bool) -> None:
        self._last = last
        self.passed = False

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.passed = kind is None
        return isinstance(error, AssertionError) and not self._last


def eventually(*, seconds: float, interval: float = 0.1) -> Iterator[_Try]:
    """Try a block again until it no longer fails, for at most `seconds`.

    A `with` block cannot run twice, so the block stands in a loop:

        for attempt in eventually(seconds=20):
            with attempt:
                assert probe.get(url).status == 200

    Args:
        seconds: How long to go on; the last try's failure is the check's.
        interval: Pause between two tries; the first try is at once.
    """
    deadline = time.monotonic() + seconds
    while True:
        attempt = _Try(last=time.monotonic() + interval >= deadline)
        yield attempt
        if attempt.passed:
            return
        time.sleep(interval)
