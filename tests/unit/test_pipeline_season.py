"""The pushes of one attempt: which begin, in which order, and what of two runs is run to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from graders.pipelines import season as seasons
from graders.pipelines.cases import Commit, Pushed
from graders.pipelines.chronicle import Chronicle
from graders.pipelines.edits import Files
from graders.pipelines.events import push
from graders.pipelines.runs import Group, Run
from graders.pipelines.season import NotBegunError, Season
from tests.unit.test_pipeline_outcomes import SHA, ended

STEPS = {"second", "unit", "two", "tagged", "documents", "anew", "flaky", "unhealthy", "recovered"}
FILES: Files = {
    "ferry/notice.py": b'NOTICE = "fog"\n',
    "docs/a.md": b"a\n",
    "migrations/0001_a.sql": b"",
    **{f"ferry/{name}.py": b"" for name in ("clock", "fares", "pages", "version", "database", "api", "web")},
}


class FakeCase:
    """Pushes that end as they are told to; notes what was asked."""

    made: list[FakeCase]
    released = True
    groups: tuple[Group, ...] = ()

    def __init__(self, _ground: object, name: str) -> None:
        self.name = name
        self.asked: list[str] = []
        self.shelf = self
        self.made.append(self)

    def fail(self, requests: int, kind: str) -> None:
        self.asked.append(f"fail {requests}")
        assert kind in {"unavailable", "reset"}

    def place(self, commits: Sequence[Commit]) -> Pushed:
        return Pushed(push(run=len(commits)), "", commits[-1])

    def runs(self, pushed: Pushed) -> tuple[Run, ...]:
        return (Run("ci.yml", pushed.event, self.groups),)

    def run(self, pushed: Pushed, *, seconds: float = 99.0) -> Any:
        self.asked.append(f"run {pushed.commit.notice}" + (" cut" if seconds < 10 else ""))
        return ended(notice=pushed.commit.notice)

    def push(self, *commits: Commit, branch: str = "", watched: bool = False) -> Any:
        self.asked.append(f"push {len(commits)}{' watched' if watched else ''}{' elsewhere' if branch else ''}")
        return replace(ended(), told="fog" if self.released else "else")

    def tag(self, name: str, _ended: object) -> Any:
        self.asked.append(f"tag {name}")
        return ended()

    def front(self, path: str) -> str:
        return SHA if path == "/version" else "fog"


Begin = Callable[..., Season]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    begun: list[Season] = []

    def make(steps: set[str] | None = None, **changes: Any) -> Season:
        fake = type("FakeCaseOfATest", (FakeCase,), {"made": [], **changes})
        monkeypatch.setattr(seasons, "Case", fake)
        monkeypatch.setattr(Chronicle, "faulty", lambda self, files, _draw: _Bad(self, files))
        chance = Random(1)  # noqa: S311 - what is drawn is no secret
        ground: Any = None
        begun.append(Season(ground, Chronicle(chance, FILES, frozenset(), "abc"), chance, steps or STEPS))
        begun[0].fake = fake.made  # type: ignore[attr-defined]
        return begun[0]

    yield make
    for one in begun:
        one.close()


class _Bad:
    """A faulty commit, with nothing wrong in it."""

    def __init__(self, chronicle: Chronicle, files: Files) -> None:
        self.commit, self.clean = chronicle.good(files)
        self.fault = type("Fault", (), {"change": {}, "told": "x"})


def cases(season: Season) -> dict[str, list[str]]:
    return {case.name: case.asked for case in season.fake}  # type: ignore[attr-defined]


def test_all_that_is_wanted_is_pushed(begin: Begin) -> None:
    season = begin()
    wait([getattr(season, step) for step in STEPS])
    asked = cases(season)
    assert asked["good"][0] == "push 1"
    assert asked["good"][1] in {"push 2 watched", "push 3 watched", "push 4 watched"}
    assert sorted(asked["good"][2:]) == ["push 1", f"tag {season.version}"]
    assert asked["unhealthy"] == ["push 1 watched", "push 1"]
    assert asked["flaky"] == ["fail 2", "push 1"]
    assert asked["anew"] == [asked["good"][1].removesuffix(" watched")]
    assert sorted(line.split("  ")[0].strip() for line in season.told()) == sorted(
        {*STEPS, "good", "two, earlier", "two, later"} - {"two"}
    )


def test_what_nobody_wants_is_not_begun(begin: Begin) -> None:
    season = begin({"unit"})
    assert season.unit.result() is not None
    with pytest.raises(NotBegunError, match="nobody wanted lint"):
        season.lint.result()
    assert set(cases(season)) == {"good", "unit"}


def test_nothing_follows_a_first_commit_that_was_not_released(begin: Begin) -> None:
    season = begin({"unit", "two"}, released=False)
    for step in (season.unit, season.two):
        with pytest.raises(NotBegunError, match="was not released"):
            step.result()


@pytest.mark.parametrize(
    ("groups", "runs", "order"),
    [
        ((), ["later", "earlier"], "nothing made one wait"),
        ((Group("g"),), ["earlier", "later"], "the second run waited for the first, in the group g"),
        ((Group("g", cancels=True),), ["earlier cut", "later"], "the first run was cancelled by the second"),
        ((Group("g", job="deploy"),), ["earlier", "later"], "the second run waited"),
    ],
)
def test_two_pushes(begin: Begin, groups: tuple[Group, ...], runs: list[str], order: str) -> None:
    season = begin({"two"}, groups=groups)
    two = season.two.result()
    assert two.earlier is not None
    names = {two.earlier.notice: "earlier", two.later.notice: "later"}
    asked = [row.removeprefix("run ") for row in cases(season)["two"]]
    assert [" ".join([names[row.removesuffix(" cut")], *row.split(" cut")[1:2]]).strip() for row in asked] == [
        row.removesuffix(" cut") for row in runs
    ]
    assert [row.endswith(" cut") for row in asked] == [row.endswith(" cut") for row in runs]
    assert two.order.startswith(order)
    assert (two.version, two.notice) == (SHA, "fog")
