"""Restarts, and who is away, from many looks at several hosts."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from graders.ansible.machines import Machine, Process
from graders.ansible.watching import Look, Watch, away, starts
from mde_grader.checking.probe import Probe, ProbeFailedError
from mde_grader.model import Evidence
from mde_grader.runtimes.inspector.session import SessionError


def look(*processes: Process, ready: bool | None = True) -> Look:
    return Look(frozenset(processes), ready)


@pytest.mark.parametrize(
    ("seen", "count"),
    [
        ([look((1, 10)), look((1, 10))], 0),
        ([look((1, 10)), look(), look((2, 20))], 1),
        ([look((1, 10)), look((2, 20)), look((3, 30))], 2),
        ([look((1, 10)), look((1, 11))], 1),
        ([look(), look((2, 20))], 1),
        ([look((1, 10)), look()], 0),
        ([], 0),
    ],
)
def test_starts(seen: list[Look], count: int) -> None:
    assert starts([{"a": each} for each in seen], "a") == count


def test_who_is_away_together() -> None:
    looks = [
        {"a": look(ready=False), "b": look(), "c": look()},
        {"a": look(ready=None), "b": look(ready=False), "c": look(ready=False)},
        {"a": look(), "b": look(), "c": look(ready=False)},
    ]
    assert away(looks, ["a", "b", "c"]) == ("b", "c")
    assert away(looks, ["a", "b"]) == ("a",)
    assert away([], ["a"]) == ()


class Answer:
    """A pending answer of a scripted board."""

    def __init__(self, outcome: int | str) -> None:
        self._outcome = outcome

    def result(self) -> Any:
        if isinstance(self._outcome, int):
            return type("Response", (), {"status": self._outcome})()
        cause = SessionError(self._outcome, "as it went")
        raise ProbeFailedError(Evidence(seen="no answer")) from cause


class Script:
    """Machine and probe at once: what each look sees, the last one for ever."""

    def __init__(self, *outcomes: int | str) -> None:
        self.outcomes = list(outcomes)
        self.gone = False

    def start(self, method: str, url: str, *, seconds: float) -> Answer:
        assert (method, url, seconds) == ("GET", "http://a/ready", 1.0)
        return Answer(self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0])

    def running(self, program: str) -> frozenset[Process]:
        assert program == "board"
        if self.gone:
            raise SessionError("gone", "the session was closed")
        return frozenset({(1, 10)})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.ansible.watching.INTERVAL", 0.001)


def watching(script: Script, *, ready: bool = True) -> Watch:
    address = {"a": "http://a/ready"} if ready else {}
    return Watch({"a": cast("Machine", script)}, "board", cast("Probe", script), address)


def test_looks_from_before_to_after() -> None:
    script = Script(200, 503, "refused", "timeout", 200)
    with watching(script) as watch:
        while len(watch.looks) < 6:
            time.sleep(0.001)
    assert [each["a"].ready for each in watch.looks][:5] == [True, False, False, None, True]
    assert {each["a"].processes for each in watch.looks} == {frozenset({(1, 10)})}


def test_a_host_that_is_not_asked() -> None:
    with watching(Script(200), ready=False) as watch:
        pass
    assert watch.looks[0]["a"].ready is None
    assert len(watch.looks) >= 2


def test_a_stack_that_is_gone_ends_the_thread_and_is_told() -> None:
    script = Script(200)
    with pytest.raises(SessionError, match="closed"), watching(script):
        script.gone = True


def test_an_error_of_the_run_is_the_one_that_is_told() -> None:
    with pytest.raises(ZeroDivisionError), watching(Script(200)) as watch:
        _ = 1 // 0
    assert watch.looks
