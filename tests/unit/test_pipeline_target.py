"""What the deploy target decides: commands, locks, slots, keys."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from graders.images.serving.words import Refused
from graders.images.target.commands import SHAPES, Command, Unclear, command_of, usage
from graders.images.target.leases import Lease
from graders.images.target.logins import authorized
from graders.images.target.releases import Kept
from graders.images.target.slots import Run, Slots
from graders.images.target.tenants import baseline_of, key_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyw7Yb0Vq3q1fKq0FZ1zkq8gkz5T0c0x8yI8sCkq1aB"


@pytest.mark.parametrize(
    ("text", "verb", "arguments"),
    [
        ("upload r-1.2_x", "upload", ("r-1.2_x",)),
        ("  migrate 'r1'   0001_start.sql ", "migrate", ("r1", "0001_start.sql")),
        ("migrated", "migrated", ()),
        ("start blue r1", "start", ("blue", "r1")),
        ('switch "green"', "switch", ("green",)),
        ("lock run-7", "lock", ("run-7",)),
        ("lock run-7 600", "lock", ("run-7", "600")),
        ("unlock run-7", "unlock", ("run-7",)),
        ("status", "status", ()),
    ],
)
def test_a_command_is_understood(text: str, verb: str, arguments: tuple[str, ...]) -> None:
    assert command_of(text) == Command(verb, arguments)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing is no verb; use one of: upload"),
        ("bash", "'bash' is no verb"),
        ("/bin/sh -c id", "is no verb"),
        ("upload", "upload has 0 arguments; write upload NAME"),
        ("upload a b", "upload has 2 arguments"),
        ("upload ../x", "no name of a release"),
        ("upload .x", "no name of a release"),
        ("upload 'a\nb'", "no name of a release"),
        ("start red r1", "'red' is no slot; write start blue or green"),
        ("migrate r1 ../../x.sql", "no name of a migration"),
        ("lock run-7 0", "seconds from 1 to 600"),
        ("lock run-7 601", "seconds from 1 to 600"),
        ("lock run-7 ٣", "seconds from 1 to 600"),
        ("lock run-7 99999999999999999999", "seconds from 1 to 600"),
        ("status; id", "'status;' is no verb"),
        ("status $(id)", "status has 1 arguments"),
        ("upload 'a", "close its quotes"),
        ("x" * 1001, "send 1000 at the most"),
    ],
)
def test_what_is_no_command_is_told_in_one_line(text: str, why: str) -> None:
    with pytest.raises(Unclear, match=why) as caught:
        command_of(text)
    assert "\n" not in caught.value.message


def test_every_verb_has_a_usage() -> None:
    assert [usage(verb).split()[0] for verb in SHAPES] == list(SHAPES)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def here() -> bool:
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(clock: Clock) -> Lease:
    return Lease(clock)


def test_a_lock_is_held_renewed_and_given_back(lease: Lease, clock: Clock) -> None:
    lease.take("one", 10, here)
    clock.now = 9
    lease.take("one", 10, here)
    clock.now = 15
    assert lease.state() == {"holder": "one", "seconds": 4.0, "waiting": []}
    with pytest.raises(Refused, match="one holds the lock, not two"):
        lease.give("two")
    lease.give("one")
    lease.give("two")
    assert lease.state()["holder"] == ""


def test_a_lease_runs_out(lease: Lease, clock: Clock) -> None:
    lease.take("one", 10, here)
    clock.now = 10
    assert lease.state()["holder"] == ""
    lease.take("two", 10, here)
    with pytest.raises(Refused, match="two holds the lock"):
        lease.give("one")


def test_who_waits_gives_up_when_nobody_is_there_or_it_takes_too_long(lease: Lease) -> None:
    lease.take("one", 10, here)
    with pytest.raises(Refused, match="one still holds the lock; unlock it there"):
        lease.take("two", 10, lambda: False)
    with pytest.raises(Refused, match="still holds"):
        lease.take("two", 10, here, patience=0)
    assert lease.state()["waiting"] == []


def test_who_came_first_is_next() -> None:
    lease, order = Lease(), []
    lease.take("one", 60, here)

    def wait(name: str) -> None:
        lease.take(name, 60, here)
        order.append(name)
        lease.give(name)

    threads = [threading.Thread(target=wait, args=(name,)) for name in ("two", "three", "four")]
    for number, thread in enumerate(threads):
        thread.start()
        while len(lease.state()["waiting"]) <= number:  # type: ignore[arg-type]
            pass
    assert lease.state()["waiting"] == ["two", "three", "four"]
    lease.give("one")
    for thread in threads:
        thread.join(5)
    assert order == ["two", "three", "four"]


class Pair:
    def __init__(self) -> None:
        self.living, self.ended = True, False

    def alive(self) -> bool:
        return self.living

    def facts(self) -> dict[str, Any]:
        return {"processes": {"api": {"running": self.living, "exit": None}}, "said": "hi"}

    def end(self) -> None:
        self.living, self.ended = False, True


def run(slot: str = "blue", name: str = "r1") -> Run:
    return Run(Kept(name, "5" * 64, "0" * 40, 10, ()), slot, 20_001, Pair())


def test_nothing_is_live_until_something_runs() -> None:
    slots = Slots()
    assert slots.entered() is None
    with pytest.raises(Refused, match="green runs nothing; start a release"):
        slots.switch("green")
    assert slots.facts() == {"live": "", "slots": {"blue": None, "green": None}}


def test_a_release_that_has_ended_does_not_become_live() -> None:
    slots = Slots()
    slots.runs["blue"] = ended = run()
    ended.processes.end()
    with pytest.raises(Refused, match="r1 in blue has ended; see health blue"):
        slots.switch("blue")
    assert slots.live == ""


def test_the_next_request_goes_to_what_is_live() -> None:
    slots = Slots()
    slots.runs.update(blue=run("blue"), green=run("green", "r2"))
    slots.switch("blue")
    first = slots.entered()
    slots.switch("green")
    second = slots.entered()
    assert first is slots.runs["blue"]
    assert second is slots.runs["green"]
    assert first is not None
    assert not first.drain(0)
    first.leave()
    assert first.drain(0)
    assert not first.enter()
    slots.switch("blue")
    assert slots.entered() is None, "it takes no more requests"


def test_draining_waits_for_requests_under_way() -> None:
    busy = run()
    assert busy.enter()
    threading.Timer(0.03, busy.leave).start()
    assert busy.drain(5)
    assert busy.facts()["said"] == "hi"


@pytest.mark.parametrize("key", [KEY, f"{KEY} ada@example.org\n"])
def test_a_public_key_is_taken_without_its_comment(key: str) -> None:
    assert key_of(key) == KEY
    assert authorized({"t03": key_of(key)}) == (
        f'restrict,command="/usr/bin/python3 -I -S /opt/mde/knock.py t03" {KEY}\n'
    )


@pytest.mark.parametrize("key", ["", "x", f"{KEY}\n{KEY}", f'command="sh" {KEY}', f"ssh-dss {KEY[12:]}", KEY[:30]])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(Refused, match="no OpenSSH public key"):
        key_of(key)


def test_a_baseline_is_base64() -> None:
    assert baseline_of({"baseline": "eA=="}) == b"x"
    assert baseline_of({}) == b""
    with pytest.raises(Refused, match="no base64"):
        baseline_of({"baseline": "?"})
