"""A build whose step writes too much is ended, whatever its programs print."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker import scales
from mde_grader.runtimes.docker.client import Engine, RefusalError
from mde_grader.runtimes.docker.names import CACHE_LABEL
from mde_grader.runtimes.docker.scales import Scales


class FakeEngine:
    def __init__(self, **steps: Any) -> None:
        self.steps = steps
        self.asked: list[str] = []
        self.looked = threading.Event()

    def ask(self, _method: str, path: str, *, params: dict[str, int]) -> dict[str, Any]:
        assert params == {"size": 1}
        name = path.split("/")[2]
        self.asked.append(name)
        if len(self.asked) >= 4:
            self.looked.set()
        found = self.steps.get(name, RefusalError(404, "no such container"))
        if isinstance(found, Exception):
            raise found
        lab, size = found
        return {"Config": {"Labels": {CACHE_LABEL: lab}}, "SizeRw": size}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "PAUSE", 0.005)


def weigh(engine: FakeEngine, *named: str) -> bool:
    ended = threading.Event()
    with Scales(cast("Engine", engine), lambda: named, "lab-x", 100, ended.set) as found:
        while not (ended.is_set() or engine.looked.is_set()):
            ended.wait(0.005)
    assert found.tripped == ended.is_set()
    return found.tripped


def test_a_step_that_writes_too_much_ends_the_build() -> None:
    assert weigh(FakeEngine(aaa=("lab-x", 101)), "aaa")


def test_a_step_within_its_limit_goes_on() -> None:
    assert not weigh(FakeEngine(aaa=("lab-x", 100)), "aaa")


def test_names_that_a_program_printed_hide_nothing() -> None:
    assert weigh(FakeEngine(bbb=("lab-x", 500)), "nothing", "bbb", "nobody")


def test_a_container_of_somebody_else_is_not_weighed() -> None:
    assert not weigh(FakeEngine(aaa=("lab-y", 10_000)), "aaa")


def test_an_engine_that_does_not_answer_blames_nobody() -> None:
    assert not weigh(FakeEngine(aaa=EngineError("gone")), "aaa")


def test_what_is_gone_is_asked_for_once() -> None:
    engine = FakeEngine(aaa=("lab-x", 1))
    assert not weigh(engine, "gone", "aaa")
    assert engine.asked.count("gone") == 1
