"""What every runtime's janitor takes, and what it leaves."""

from __future__ import annotations

import secrets
import time

from mde_grader.runtimes.janitor import this_process
from tests.conformance.kits import Bench, dead_process


def test_what_a_dead_grader_left_goes(bench: Bench) -> None:
    stack = bench.up(bench.service("diary"), process=dead_process())
    assert bench.left() > 0
    swept = bench.kit.other().sweep()
    assert swept.containers >= 2
    assert swept.networks >= 1
    assert swept.volumes >= 1
    assert swept.total >= 4
    assert bench.left() == 0
    stack.close()


def test_the_living_are_left_alone(bench: Bench) -> None:
    bench.up(bench.service("web"), process=this_process())
    before = bench.left()
    other = bench.kit.other()
    other.sweep()
    other.close()
    assert bench.left() == before
    assert bench.stacks[0].session.call("hello")


def test_a_stranger_of_another_machine_is_left_until_it_expires(bench: Bench) -> None:
    bench.up(bench.service("web"), process="another-boot:1:2:3")
    bench.runtime.sweep()
    assert bench.left() > 0
    bench.stacks.pop().close()
    bench.up(bench.service("web"), process="another-boot:1:2:3", expires=time.time() - 1)
    bench.runtime.sweep()
    assert bench.left() == 0


def test_all_of_one_owner_goes_when_it_is_named(bench: Bench) -> None:
    mine = f"somewhere:1:2:{secrets.token_hex(4)}"
    bench.up(bench.service("web"), process=mine)
    assert bench.runtime.sweep(everything_of=mine + "0").total == 0 or bench.left() > 0
    assert bench.left() > 0
    bench.runtime.sweep(everything_of=mine)
    assert bench.left() == 0


def test_what_is_kept_outlives_its_grader(bench: Bench) -> None:
    owner = f"kept:{secrets.token_hex(4)}"
    stack = bench.up(bench.service("web"), process=owner)
    assert stack["web"].container_id[:12] in stack.keep()
    stack.close()
    bench.runtime.sweep()
    assert bench.left() > 0
    bench.runtime.sweep(everything_of=owner)
    assert bench.left() == 0
