"""The life of two environments from one configuration, with all that can overlap overlapping.

Most of a run of Terraform is waiting, so the second environment is planned, bad values are tried and the lock is tested
while the first one comes up; one is destroyed while the other is broken and mended. Each step is a future: whoever asks
for its result gets it, or the failure that kept it from being.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from graders.cloud.inventory import Difference, Facts, Inventory, difference
from graders.terraform.commands import QUICK_SECONDS, Ran, Terraform
from graders.terraform.failures import complaints, refused
from graders.terraform.plans import Plan
from mde_grader.checking import CheckFailedError

StandT = TypeVar("StandT")
ResultT = TypeVar("ResultT")
Faults = Mapping[str, Sequence[str]]
"""What is wrong, by what it is about."""

STEPS = frozenset({"locked", "shown", "refused", "stable", "beside", "drift", "left"})
"""Names of the futures that can be left out; what an environment is like when it is up comes always."""

LOOK_AGAIN = 0.3
"""Seconds between two looks at whether the first apply has begun."""


class NotBegunError(Exception):
    """A step was asked for that the campaign was told to leave out."""


class World(Protocol[StandT]):
    """What a lab knows of its cloud and the campaign does not."""

    def prepare(self) -> None:
        """Put into the cloud what is there before anybody applies anything."""
        ...

    def inventory(self) -> Inventory:
        """Everything in the cloud, by a key of its own."""
        ...

    def writing(self, terraform: Terraform) -> bool:
        """Whether that environment's apply has begun to make things."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Meanwhile no apply can end that still has something to make."""
        ...

    def stand(self, terraform: Terraform) -> StandT:
        """What an environment is like now."""
        ...

    def faults(self, stand: StandT) -> Faults:
        """What is wrong with it."""
        ...

    def smash(self, stand: StandT) -> Sequence[tuple[str, str]]:
        """Break things by hand; what each is about, as in the faults, and what was done."""
        ...

    def claimed(self, stand: StandT, key: str, facts: Facts) -> bool:
        """Whether something of the inventory is in the environment's state, or came by itself with what is."""
        ...

    def fill(self, stand: StandT) -> None:
        """Put into an environment what a day's work leaves in it."""
        ...


@dataclass(frozen=True, slots=True)
class Locked:
    """How a plan ended while an apply was under way; `overlapped` when the apply outlived it."""

    ran: Ran
    overlapped: bool


@dataclass(frozen=True, slots=True)
class Beside(Generic[StandT]):
    """The second environment, and what of the first its coming changed or took away."""

    second: StandT
    touched: Difference


@dataclass(frozen=True, slots=True)
class Drift:
    """What was broken by hand, whether the next plan saw anything, and what its apply left broken."""

    told: tuple[tuple[str, str], ...]
    seen: bool
    left: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that cannot be right, and the message that it was refused with; empty when it was taken."""

    variable: str
    value: str
    message: str
    said: str


class Campaign(Generic[StandT]):
    """Runs it all in the background, from its start on.

    Args:
        world: The lab's cloud.
        first: The environment that is watched, and destroyed at the end.
        second: The one that comes beside it, and is broken by hand and mended.
        bad: Rounds of values that must be refused, variable to value.
        steps: Names of the futures that somebody will ask for; the others are not begun. All when None.
        copy: Puts the configuration into the folder of an environment.
    """

    def __init__(  # noqa: PLR0913 - everything after `second` is by name
        self,
        world: World[StandT],
        first: Terraform,
        second: Terraform,
        *,
        bad: Sequence[Mapping[str, str]],
        copy: Callable[[Terraform], None],
        steps: Collection[str] | None = None,
    ) -> None:
        self._world, self._one, self._two = world, first, second
        self._bad, self._copy, self._steps = bad, copy, STEPS if steps is None else steps
        self._before: Inventory = {}
        self._after: Inventory = {}
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="campaign")
        self._planned = self._soon(self._plan_first)
        self.first = self._soon(self._make_first)
        self.locked = self._soon(self._try_lock, "locked")
        self.shown = self._soon(self._show, "shown")
        self._ready = self._soon(self._plan_second, "beside")
        self.refused = self._soon(self._refuse, "refused")
        self.faults = self._soon(lambda: self._world.faults(self.first.result()))
        self.stable = self._soon(self._plan_again, "stable")
        self.beside = self._soon(self._make_second, "beside")
        self.drift = self._soon(self._break_and_mend, "drift")
        self.left = self._soon(self._destroy, "left")

    def close(self) -> None:
        """Begin nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def made(self) -> frozenset[str]:
        """Keys of what came into the cloud while the first environment was made."""
        return frozenset(self._after) - frozenset(self._before)

    def strangers(self, stand: StandT) -> list[str]:
        """Keys of what came with the first environment, and is neither in its state nor made by the cloud itself."""
        return sorted(key for key in self.made if not self._world.claimed(stand, key, self._after[key]))

    def new_faults(self, stand: StandT) -> dict[str, tuple[str, ...]]:
        """What is wrong with the second environment where nothing is with the first."""
        first = self.faults.result()
        return {about: tuple(found) for about, found in self._world.faults(stand).items() if found and not first[about]}

    def _soon(self, step: Callable[[], ResultT], name: str = "") -> Future[ResultT]:
        if not name or name in self._steps:
            return self._pool.submit(step)
        idle: Future[ResultT] = Future()
        idle.set_exception(NotBegunError(f"nobody wanted {name}"))
        return idle

    def _plan_first(self) -> None:
        self._world.prepare()
        self._before = self._world.inventory()
        self._copy(self._one)
        self._one.init()
        self._one.plan("first.tfplan")

    def _make_first(self) -> StandT:
        self._planned.result()
        self._one.apply("first.tfplan")
        self._after = self._world.inventory()
        return self._world.stand(self._one)

    def _try_lock(self) -> Locked:
        self._planned.result()
        while not self.first.done() and not self._world.writing(self._one):
            time.sleep(LOOK_AGAIN)
        with self._world.held():
            ran = self._one.run("plan", "-input=false", "-no-color", "-lock-timeout=0s", seconds=QUICK_SECONDS)
            return Locked(ran, overlapped=not self.first.done())

    def _show(self) -> tuple[Plan, str]:
        self._planned.result()
        return self._one.show("first.tfplan")

    def _plan_second(self) -> None:
        self._planned.result()
        self._copy(self._two)
        self._two.init()
        self._two.plan("second.tfplan")

    def _refuse(self) -> list[Refusal]:
        self._planned.result()
        return [refusal for values in self._bad for refusal in self._try_values(values)]

    def _try_values(self, values: Mapping[str, str]) -> list[Refusal]:
        """All values of a round at once; a variable that no message names is tried alone, for one may hide another."""
        told, said = self._plan_with(values)
        return [
            Refusal(variable, value, message, said)
            if (message := refused(told, variable, alone=False))
            else self._try_alone(variable, value)
            for variable, value in values.items()
        ]

    def _try_alone(self, variable: str, value: str) -> Refusal:
        told, said = self._plan_with({variable: value})
        return Refusal(variable, value, refused(told, variable, alone=True), said)

    def _plan_with(self, values: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
        ran = self._one.given(**values).run(
            "plan", "-input=false", "-json", "-lock=false", "-refresh=false", seconds=QUICK_SECONDS
        )
        told = complaints(ran.out) if ran.exit_code == 1 else []
        return told, "\n".join(f"{one.get('summary', '')}: {one.get('detail', '')}" for one in told) or ran.end

    def _plan_again(self) -> tuple[bool, str]:
        self.first.result()
        wait([self.locked])  # else the two plans could lock each other out
        return self._one.changes("again.tfplan")

    def _make_second(self) -> Beside[StandT]:
        self.first.result()
        self._ready.result()
        self._two.apply("second.tfplan")
        now = self._world.inventory()
        mine = {key: self._after[key] for key in self.made}
        differing = difference(mine, {key: facts for key, facts in now.items() if key in mine})
        return Beside(self._world.stand(self._two), differing)

    def _break_and_mend(self) -> Drift:
        run, stand = self._two, self._second_or_none()
        if stand is None:
            wait([self.stable])
            run, stand = self._one, self.first.result()
        before = self._world.faults(stand)
        told = tuple(self._world.smash(stand))
        seen, _ = run.changes("drift.tfplan")
        if seen:
            run.apply("drift.tfplan")
        after = self._world.faults(self._world.stand(run))
        new = {about: tuple(one for one in found if one not in before[about]) for about, found in after.items()}
        return Drift(told, seen, {about: found for about, found in new.items() if found and not before[about]})

    def _second_or_none(self) -> StandT | None:
        try:
            return self.beside.result().second
        except (CheckFailedError, NotBegunError):
            return None

    def _destroy(self) -> tuple[str, ...]:
        stand = self.first.result()
        wait([self.stable])
        wait([self.beside])
        if self._second_or_none() is None:
            wait([self.drift])
        self._world.fill(stand)
        self._one.destroy()
        now = self._world.inventory()
        return tuple(sorted(key for key in self.made if key in now))
