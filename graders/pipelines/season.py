"""All pushes of one attempt at a pipeline lab, which run side by side in the background.

The first good commit is pushed alone. Only when it was released do the others follow, each in a case of its own: a
pipeline that does not work yet is told so within seconds. Each step is a future: who asks for its result gets it, or
the failure that kept it from being.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from graders.pipelines.cases import RUN_SECONDS, Case, Commit, Ground, Pushed
from graders.pipelines.chronicle import Brought, Chronicle
from graders.pipelines.edits import WORDS, token
from graders.pipelines.outcomes import Ended, packed
from graders.pipelines.runs import Turn, turns

ResultT = TypeVar("ResultT")
CANCELLED_AFTER = (1.0, 4.0)
"""Seconds after which a run is cancelled by the next push, at the least and the most."""


class NotBegunError(Exception):
    """A step was asked for that nobody wanted, or whose ground is not there."""


@dataclass(frozen=True)
class Two:
    """Two pushes in quick succession.

    Attributes:
        earlier: What became of the first one; None when its run was cancelled before it began.
        later: And of the second.
        order: In which order the runs began, and why, in words.
        version: What the front serves when both have ended.
        notice: And what it tells.
    """

    earlier: Ended | None
    later: Ended
    order: str
    version: str
    notice: str


class Season:
    """All pushes of one attempt.

    Args:
        ground: What cases share.
        chronicle: Draws the commits.
        chance: Draws the rest.
        steps: Names of the steps that somebody will ask for.
    """

    def __init__(self, ground: Ground, chronicle: Chronicle, chance: Random, steps: Collection[str]) -> None:
        self._ground, self._chronicle, self._chance, self._steps = ground, chronicle, chance, steps
        self._pool = ThreadPoolExecutor(max_workers=20, thread_name_prefix="season")
        self._makers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="cases")
        self._began, self._told = time.monotonic(), list[str]()
        files = chronicle.files
        self.version = f"v{chance.randint(1, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}"
        self.one, self.tree = chronicle.good(files)
        self._between, grown = chronicle.several(self.tree, chance.randint(1, 3))
        self.brought: Brought = chronicle.migrating(grown)
        self._main = self._case("good")
        self._cases: dict[str, Future[Case]] = {}
        self.good = self._pool.submit(lambda: self._note("good", self._main.result().push(self.one)))
        self.second = self._soon("second", self._second)
        bad = chronicle.unhealthy(files)
        self.unhealthy = self._pushed("unhealthy", [bad.commit], watched=True)
        self.two = self._soon("two", self._two, "two")
        self.anew = self._soon("anew", self._anew, "anew")
        self.flaky = self._soon("flaky", self._flaky, "flaky")
        self.unit = self._pushed("unit", [chronicle.unit(files)])
        self.integration = self._pushed("integration", [chronicle.integration(files)])
        self.lint = self._pushed("lint", [chronicle.lint(files)])
        self.tip = self._pushed("tip", [chronicle.leaking(files)])
        self.history = self._pushed("history", chronicle.leaked(files))
        branch = f"{chance.choice(WORDS)}/{chance.choice(WORDS)}-{token(chance, 4)}"
        change, grown = chronicle.good(files)
        self.feature = self._pushed("feature", [change], branch=branch)
        self.broken_feature = self._pushed("broken_feature", [chronicle.unit(grown)], branch=branch, on="feature")
        self.recovered = self._pushed("recovered", [chronicle.mended(bad)], on="unhealthy")
        self.tagged = self._soon("tagged", self._tag)
        self.documents = self._soon("documents", self._documents)

    def released(self) -> dict[str, bytes]:
        """The files of the release that was live after the first push; empty when none was."""
        live = self.good.result().state.serving
        return packed(self._main.result().tenant.archive(live.release)) if live else {}

    def contents(self) -> dict[str, bytes | None]:
        """What the first two runs stored."""
        self.second.result()
        return self._main.result().contents()

    def close(self) -> None:
        """Begin nothing any more."""
        for pool in (self._makers, self._pool):
            pool.shutdown(wait=False, cancel_futures=True)

    def told(self) -> list[str]:
        """One line for each push: when its run began and how long it took, seconds, its commit, and how it ended."""
        return list(self._told)

    def _note(self, name: str, ended: Ended) -> Ended:
        seconds = ended.ran.seconds if ended.ran else 0.0
        began = time.monotonic() - self._began - seconds
        self._told.append(f"{name:<16} {began:6.1f} {seconds:6.1f}  {ended.sha[:8]}  {ended.end}")
        return ended

    def _case(self, name: str) -> Future[Case]:
        return self._makers.submit(Case, self._ground, name)

    def _soon(self, name: str, step: Callable[[], ResultT], case: str = "") -> Future[ResultT]:
        """Begin a step when the first commit was released; its case is made ready meanwhile."""
        if name not in self._steps:
            idle: Future[ResultT] = Future()
            idle.set_exception(NotBegunError(f"nobody wanted {name}"))
            return idle
        if case:
            self._cases[case] = self._case(case)

        def later() -> ResultT:
            if not self.good.result().released:
                raise NotBegunError("the first commit was not released")
            return step()

        return self._pool.submit(later)

    def _pushed(
        self, name: str, commits: Sequence[Commit], *, branch: str = "", on: str = "", watched: bool = False
    ) -> Future[Ended]:
        """A push to a case of its own, or `on` that of another step, when that has ended."""
        before: Future[Ended] | None = getattr(self, on) if on else None

        def step() -> Ended:
            if before is not None:
                before.result()
            return self._note(name, self._cases[on or name].result().push(*commits, branch=branch, watched=watched))

        return self._soon(name, step, "" if on else name)

    def _second(self) -> Ended:
        # Several commits in one push, so that their number tells nobody that something is wrong with it.
        pushed = self._main.result().push(*self._between, self.brought.commit, watched=True)
        return self._note("second", pushed)

    def _tag(self) -> Ended:
        second = self.second.result()
        tagged = second if second.released else self.good.result()
        return self._note("tagged", self._main.result().tag(self.version, tagged))

    def _documents(self) -> Ended:
        self.second.result()
        commit = self._chronicle.documents(self.brought.files)
        return self._note("documents", self._main.result().push(commit))

    def _anew(self) -> Ended:
        """The second push once more, in a place that has never seen it."""
        case = self._cases["anew"].result()
        case.place([self.one])
        return self._note("anew", case.push(*self._between, self.brought.commit))

    def _flaky(self) -> Ended:
        case = self._cases["flaky"].result()
        commit, _ = self._chronicle.good(self._chronicle.files)
        case.shelf.fail(2, self._chance.choice(("unavailable", "reset")))
        return self._note("flaky", case.push(commit))

    def _earlier(self, case: Case, pushed: Pushed, seconds: float = RUN_SECONDS) -> Ended:
        return self._note("two, earlier", case.run(pushed, seconds=seconds))

    def _later(self, case: Case, pushed: Pushed) -> Ended:
        return self._note("two, later", case.run(pushed))

    def _two(self) -> Two:
        case = self._cases["two"].result()
        one, after = self._chronicle.good(self._chronicle.files)
        other, _ = self._chronicle.good(after)
        earlier, later = case.place([one]), case.place([other])
        runs = case.runs(earlier)
        said = [turn for turn in turns([*runs, *case.runs(later)]) if _between(turn, len(runs))]
        cut = next((turn for turn in said if turn.cancelled_by is not None and not turn.job), None)
        first: Ended | None
        if cut is not None and not cut.begins:
            first, second = None, self._later(case, later)
            order = f"the first run was cancelled before it began, in the group {cut.group}"
        elif cut is not None:
            first = self._earlier(case, earlier, seconds=self._chance.uniform(*CANCELLED_AFTER))
            second = self._later(case, later)
            order = f"the first run was cancelled by the second, in the group {cut.group}"
        elif said:
            first, second = self._earlier(case, earlier), self._later(case, later)
            order = f"the second run waited for the first, in the group {said[0].group}"
        else:
            second, first = self._later(case, later), self._earlier(case, earlier)
            order = "nothing made one wait for the other, and the run of the first push came late"
        return Two(first, second, order, case.front("/version"), case.front("/notice"))


def _between(turn: Turn, earlier: int) -> bool:
    """Whether it is one of the first push's that is cancelled by the second's, or one of the second's that waits."""
    if turn.run < earlier:
        return turn.cancelled_by is not None and turn.cancelled_by >= earlier
    return turn.waits_for is not None and turn.waits_for < earlier
