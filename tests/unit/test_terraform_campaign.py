"""The campaign: what it runs, what it hands out, and what a failure on the way keeps from being."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from graders.cloud.inventory import Facts, Inventory
from graders.terraform.campaign import Campaign, NotBegunError
from graders.terraform.commands import Terraform
from mde_grader.checking import CheckFailedError
from mde_grader.runtimes.commands import Ran

PLAN = json.dumps({"configuration": {}, "resource_changes": []})
LOCKED = Ran(1, err="Error: Error acquiring the state lock\n")
ENVIRONMENTS = {"first": {"cidr": "a"}, "second": {"cidr": "b"}}

Stand = tuple[str, frozenset[str]]


@dataclass
class World:
    """A cloud of names: each environment is one thing, and has its faults."""

    things: dict[str, Facts] = field(default_factory=lambda: {"vpc/default": {}})
    broken: set[str] = field(default_factory=set)
    given: dict[str, list[str]] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        self.steps.append("prepare")

    def inventory(self) -> Inventory:
        return dict(self.things)

    def writing(self, terraform: Terraform) -> bool:
        return terraform.folder == "first"

    @contextmanager
    def held(self) -> Iterator[None]:
        self.steps.append("held")
        yield
        self.steps.append("let go")

    def stand(self, terraform: Terraform) -> Stand:
        return terraform.folder, frozenset(self.broken)

    def faults(self, stand: Stand) -> Mapping[str, Sequence[str]]:
        return {"network": sorted(stand[1]), "tags": self.given.get(stand[0], [])}

    def smash(self, stand: Stand) -> Sequence[tuple[str, str]]:
        self.steps.append(f"smash {stand[0]}")
        self.broken.add("cut off")
        return [("network", "it was cut off")]

    def claimed(self, stand: Stand, key: str, facts: Facts) -> bool:
        return not facts and key == f"vpc/{stand[0]}"

    def fill(self, stand: Stand) -> None:
        self.steps.append(f"fill {stand[0]}")


@dataclass
class Workspace:
    """Carries commands out on the world: apply makes, destroy removes, and a plan sees what is broken."""

    world: World
    ends: dict[str, Ran] = field(default_factory=dict)
    mends: bool = True
    ran: list[str] = field(default_factory=list)
    locked: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        limit: int = 0,
    ) -> Ran:
        del seconds, limit
        words = " ".join(command[1:])
        self.ran.append(f"{folder}: {words}")
        told = next((end for start, end in self.ends.items() if f"{folder} {words}".startswith(start)), None)
        return told or self._carry_out(folder, words, environment or {})

    def _carry_out(self, folder: str, words: str, environment: Mapping[str, str]) -> Ran:
        if "-lock-timeout" in words:
            self.world.steps.append("plan beside")
            self.locked.set()
            return LOCKED
        if words.startswith("apply"):
            return self._apply(folder, words)
        if words.startswith("destroy"):
            self.world.things.pop(f"vpc/{folder}")
        if "-json" in words:
            return self._show_or_refuse(words, environment)
        return Ran(2 if "drift" in words else 0)

    def _apply(self, folder: str, words: str) -> Ran:
        if folder == "first" and "first" in words:
            assert self.locked.wait(5)
        if "drift" not in words:
            self.world.things[f"vpc/{folder}"] = {}
        elif self.mends:
            self.world.broken.clear()
        return Ran(0)

    @staticmethod
    def _show_or_refuse(words: str, environment: Mapping[str, str]) -> Ran:
        if words.startswith("show"):
            return Ran(0, out=PLAN)
        value = environment["TF_VAR_cidr"]
        code = {"code": 'variable "cidr" {'}
        told = {"severity": "error", "summary": "Invalid value", "detail": "cidr is wrong", "snippet": code}
        return Ran(1, out=json.dumps({"diagnostic": told})) if value == "refused" else Ran(0)


@contextmanager
def campaign(
    workspace: Workspace, *, bad: Sequence[Mapping[str, str]] = (), steps: Sequence[str] | None = None
) -> Iterator[Campaign[Stand]]:
    runs = {name: Terraform(workspace, name, given) for name, given in ENVIRONMENTS.items()}
    copy: Callable[[Terraform], None] = lambda run: workspace.world.steps.append(f"copy {run.folder}")  # noqa: E731
    running: Campaign[Stand] = Campaign(workspace.world, runs["first"], runs["second"], bad=bad, copy=copy, steps=steps)
    yield running
    running.close()


def test_all_goes_well() -> None:
    workspace = Workspace(World())
    with campaign(workspace) as running:
        assert running.left.result(10) == ()
        assert running.first.result(10)[0] == "first"
        assert running.locked.result(10).ran is LOCKED
        assert running.shown.result(10)[1] == PLAN
        assert running.stable.result(10) == (False, "")
        beside = running.beside.result(10)
        assert (beside.second[0], bool(beside.touched)) == ("second", False)
        drift = running.drift.result(10)
        assert (drift.seen, drift.left, drift.told) == (True, {}, (("network", "it was cut off"),))
        assert running.faults.result(10) == {"network": [], "tags": []}
        assert not running.new_faults(beside.second)
        assert not running.strangers(running.first.result())
    assert workspace.world.steps[:2] == ["prepare", "copy first"]
    assert {"smash second", "fill first"} <= set(workspace.world.steps)
    beside_the_apply = [step for step in workspace.world.steps if step in {"held", "plan beside", "let go"}]
    assert beside_the_apply == ["held", "plan beside", "let go"]


def test_what_is_not_mended_is_told() -> None:
    with campaign(Workspace(World(), mends=False)) as running:
        assert running.drift.result(10).left == {"network": ("cut off",)}


def test_what_no_plan_sees_is_not_applied() -> None:
    workspace = Workspace(World(), ends={"second plan -input=false -no-color -detailed-exitcode": Ran(0)})
    with campaign(workspace) as running:
        drift = running.drift.result(10)
    assert not drift.seen
    assert drift.left == {"network": ("cut off",)}
    assert not [line for line in workspace.ran if "apply" in line and "drift" in line]


def test_what_was_wrong_before_is_not_counted_as_not_mended() -> None:
    world = World()
    world.broken.add("never right")
    with campaign(Workspace(world, mends=False)) as running:
        assert running.drift.result(10).left == {}


def test_a_neighbour_that_fails_leaves_drift_and_destroy_to_the_first() -> None:
    workspace = Workspace(World(), ends={"second apply": Ran(1, err="Error: It has that name\n")})
    with campaign(workspace) as running:
        with pytest.raises(CheckFailedError, match="It has that name"):
            running.beside.result(10)
        assert running.left.result(10) == ()
        assert running.drift.result(10).seen
    assert "smash first" in workspace.world.steps
    assert workspace.world.steps[-1] == "fill first"


def test_a_neighbour_that_takes_something_away_is_told() -> None:
    world = World()
    workspace = Workspace(world)
    original = workspace._apply

    def takes(folder: str, words: str) -> Ran:
        if folder == "second":
            world.things["vpc/first"] = {"changed": True}
        return original(folder, words)

    workspace._apply = takes  # type: ignore[method-assign]
    with campaign(workspace) as running:
        assert str(running.beside.result(10).touched) == "changed: vpc/first (changed)"


def test_a_first_apply_that_fails_keeps_all_the_rest_from_being() -> None:
    workspace = Workspace(World(), ends={"first apply": Ran(1, err="Error: No\n")})
    with campaign(workspace) as running:
        for future in (running.first, running.stable, running.beside, running.drift, running.left, running.faults):
            with pytest.raises(CheckFailedError, match="No"):
                future.result(10)
    assert not [line for line in workspace.ran if "destroy" in line or line.startswith("second: apply")]


def test_what_is_left_behind_is_told() -> None:
    workspace = Workspace(World(), ends={"first destroy": Ran(0)})
    with campaign(workspace) as running:
        assert running.left.result(10) == ("vpc/first",)


def test_what_no_state_claims_is_strange() -> None:
    world = World()
    with campaign(Workspace(world)) as running:
        stand = running.first.result(10)
        running.left.result(10)
        world.claimed = lambda *_: False  # type: ignore[method-assign]
        assert running.strangers(stand) == ["vpc/first"]


def test_faults_that_the_first_has_too_are_not_the_neighbours() -> None:
    world = World(given={"first": [], "second": ["no tags"]})
    with campaign(Workspace(world)) as running:
        assert running.new_faults(running.beside.result(10).second) == {"tags": ("no tags",)}
    world = World(given={"first": ["some tags"], "second": ["no tags"]})
    with campaign(Workspace(world)) as running:
        assert running.new_faults(running.beside.result(10).second) == {}


@pytest.mark.parametrize(("value", "message"), [("refused", "cidr is wrong"), ("taken", "")])
def test_a_bad_value_is_refused_or_not(value: str, message: str) -> None:
    with campaign(Workspace(World()), bad=[{"cidr": value}]) as running:
        (refusal,) = running.refused.result(10)
    assert (refusal.variable, refusal.value, refusal.message) == ("cidr", value, message)


def test_a_variable_that_no_message_names_is_tried_alone() -> None:
    workspace = Workspace(World())
    with campaign(workspace, bad=[{"cidr": "refused", "environment": "taken"}]) as running:
        found: Any = {one.variable: one.message for one in running.refused.result(10)}
    assert found == {"cidr": "cidr is wrong", "environment": ""}
    assert len([line for line in workspace.ran if "-refresh=false" in line]) == 2


def test_what_nobody_wants_is_not_begun() -> None:
    workspace = Workspace(World())
    workspace.locked.set()
    with campaign(workspace, steps=["drift", "left"]) as running:
        assert running.left.result(10) == ()
        assert running.drift.result(10).seen
        with pytest.raises(NotBegunError, match="nobody wanted beside"):
            running.beside.result(10)
    assert not [line for line in workspace.ran if line.startswith("second") or "show" in line]
    assert workspace.world.steps[-1] == "fill first"
