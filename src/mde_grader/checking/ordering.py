"""In which order the checks of a lab run; pure.

What needs only files runs while images are still being built, what disturbs the stack runs last, and a requirement's
checks come after those of the requirements that it needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mde_grader.model import Trust

STACK_FIXTURES = frozenset({"stack", "probe", "host", "hosts", "workspace"})
IMAGE_FIXTURES = frozenset({"images", "rebuild"})
OUTSIDE_FIXTURES = frozenset({"probe", "host", "hosts", "workspace"})


@dataclass(frozen=True, slots=True)
class Planned:
    """A collected check: its requirement, the fixtures it asks for, and whether it disturbs the stack."""

    requirement: str
    fixtures: frozenset[str]
    disturbs: bool = False

    @property
    def stage(self) -> int:
        """0 files, 1 images, 2 stack, 3 disturbs the stack."""
        if self.disturbs:
            return 3
        if self.fixtures & STACK_FIXTURES:
            return 2
        return 1 if self.fixtures & IMAGE_FIXTURES else 0

    @property
    def trust(self) -> Trust:
        """Outside when its facts come over the network or the inspector, else the engine's."""
        return Trust.OUTSIDE if self.fixtures & OUTSIDE_FIXTURES else Trust.ENGINE


def order(checks: Sequence[Planned], needs: Mapping[str, Collection[str]]) -> list[int]:
    """Return the indices of `checks` in the order they should run.

    Args:
        checks: As they were collected.
        needs: Direct needs by requirement; the lab's loader has made sure that there is no cycle.
    """
    waiting = {
        index: {
            other for other, planned in enumerate(checks) if planned.requirement in needs.get(check.requirement, ())
        }
        for index, check in enumerate(checks)
    }
    free = [(check.stage, index) for index, check in enumerate(checks) if not waiting[index]]
    heapq.heapify(free)
    done: list[int] = []
    while free:
        _, index = heapq.heappop(free)
        done.append(index)
        for other, left in waiting.items():
            if index in left:
                left.discard(index)
                if not left:
                    heapq.heappush(free, (checks[other].stage, other))
    return done
