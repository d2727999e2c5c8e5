"""The pytest plug-in of one attempt: orders the checks, hands out fixtures, turns what happens into outcomes."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from mde_grader.checking.api import MARK
from mde_grader.checking.context import Change, CheckContext, Search, Submission
from mde_grader.checking.hosts import Hosts
from mde_grader.checking.judging import OUT_OF_TIME, Judged, blocked_by, judge
from mde_grader.checking.ordering import Planned, order
from mde_grader.checking.probe import Probe
from mde_grader.checking.workspace import Workspace
from mde_grader.clean import clean
from mde_grader.errors import LabInvalidError, SubmissionError
from mde_grader.model import Lab, Outcome, Status
from mde_grader.runtimes.base import BuiltImage, Stack
from mde_grader.scoring import closure

T = TypeVar("T")

_WORST = (Status.ERRORED, Status.FAILED, Status.SKIPPED, Status.PASSED)


class _NotRunError(Exception):
    """Carries the judgement of a check that is not to run."""

    def __init__(self, judged: Judged) -> None:
        super().__init__(judged.reason)
        self.judged = judged


class Collector:
    """Finds the checks of a lab, ties each to its requirement, and puts them in order.

    Args:
        lab: Whose checks these are.
        only: Requirements that are wanted, with what they need; all when empty.
    """

    def __init__(self, lab: Lab, only: tuple[str, ...] = ()) -> None:
        self._needs = {row.id: row.needs for row in lab.requirements}
        self._wanted = closure(only, self._needs) if only else frozenset(self._needs)
        self.planned: dict[str, Planned] = {}
        self.titles: dict[str, str] = {}
        self.problem: LabInvalidError | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make our mark known."""
        config.addinivalue_line("markers", f"{MARK}(name, disturbs): the requirement that a check belongs to")

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Leave pytest the place alone: it says no more, but would read the source of all that led there."""
        excinfo.traceback = excinfo.traceback[-1:]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted checks, in the order that `ordering` says."""
        for item in items:
            self._read(item)
        kept = [item for item in items if self.planned[item.nodeid].requirement in self._wanted]
        sequence = order([self.planned[item.nodeid] for item in kept], self._needs)
        items[:] = [kept[index] for index in sequence]

    def _read(self, item: pytest.Item) -> None:
        mark = item.get_closest_marker(MARK)
        if mark is None or not mark.args or mark.args[0] not in self._needs:
            named = mark.args[0] if mark and mark.args else "no requirement"
            self.problem = LabInvalidError(f"the check {item.nodeid} belongs to {named}, which lab.yaml does not list")
        function = getattr(item, "function", None)
        self.planned[item.nodeid] = Planned(
            requirement=str(mark.args[0]) if mark and mark.args else "",
            fixtures=frozenset(getattr(item, "fixturenames", ())),
            disturbs=bool(mark and mark.kwargs.get("disturbs", False)),
        )
        self.titles[item.nodeid] = _title(function, item.name)


def _title(function: object, name: str) -> str:
    text = inspect.getdoc(function) or ""
    return text.split("\n\n", 1)[0].replace("\n", " ").strip() or name.removeprefix("test_").replace("_", " ")


class Judge:
    """Runs beside the checks of one attempt and records their outcomes.

    Args:
        collector: Knows the checks' requirements, fixtures and titles.
        lab: Whose checks these are.
        context: What the checks may look at.
        listener: Told each outcome as it is known.
    """

    def __init__(
        self, collector: Collector, lab: Lab, context: CheckContext, listener: Callable[[Outcome], None]
    ) -> None:
        self._collector = collector
        self._requirements = {row.id: row for row in lab.requirements}
        self._context = context
        self._listener = listener
        self._states: dict[str, Status] = {}
        self._started = 0.0
        self._judged: Judged | None = None
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []
        self.interrupted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Keep a check from running when what it needs is not met, or when time is up."""
        self._started, self._judged = time.monotonic(), None
        planned = self._collector.planned[item.nodeid]
        blocked = blocked_by(self._requirements[planned.requirement], self._states)
        if blocked is not None:
            raise _NotRunError(blocked)
        if self._context.seconds_left() <= 0:
            raise _NotRunError(Judged(Status.FAILED, evidence=OUT_OF_TIME))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge the first thing that was raised; what a fixture's end raises comes too late to change it."""
        report = yield
        if call.excinfo is not None and self._judged is None:
            self._judged = self._judge(call.excinfo.value)
        if call.when == "call" and self._judged is None:
            self._judged = judge(None)
        if call.when == "teardown":
            self._record(item, self._judged or judge(None))
        return report

    def _judge(self, error: BaseException) -> Judged:
        if isinstance(error, _NotRunError):
            return error.judged
        if isinstance(error, pytest.skip.Exception):
            return Judged(Status.SKIPPED, reason=clean(str(error), limit=300))
        return judge(error, out_of_time=self._context.seconds_left() <= 0)

    def _record(self, item: pytest.Item, judged: Judged) -> None:
        planned = self._collector.planned[item.nodeid]
        outcome = Outcome(
            check=item.nodeid.rsplit("/", 1)[-1],
            title=self._collector.titles[item.nodeid],
            requirement=planned.requirement,
            status=judged.status,
            seconds=round(time.monotonic() - self._started, 4),
            evidence=judged.evidence,
            reason=judged.reason,
            trust=planned.trust,
        )
        self.outcomes.append(outcome)
        before = self._states.get(planned.requirement, Status.PASSED)
        self._states[planned.requirement] = min(before, judged.status, key=_WORST.index)
        self._listener(outcome)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Bring the stack back after a check that disturbed it; after the last one nobody looks at it any more."""
        disturbed = self._collector.planned[item.nodeid].disturbs
        if not disturbed or nextitem is None or self._context.seconds_left() <= 0:
            return
        stack = self._context.stack
        if stack.done() and stack.exception() is None:
            try:
                stack.result().restore()
            except SubmissionError as error:
                self.notes.append(f"after “{self._collector.titles[item.nodeid]}”: {error.message}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that the user asked to stop; checks that cannot be read end the session in the same way."""
        self.interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)


class Fixtures:
    """The fixtures that checks ask for; each waits for what it hands out.

    All live as long as the session, so that a lab's own session fixtures can ask for them.
    """

    def __init__(self, context: CheckContext) -> None:
        self._context = context

    @pytest.fixture(scope="session")
    def submission(self) -> Submission:
        """The staged submission and its plan."""
        return self._context.submission

    @pytest.fixture(scope="session")
    def given(self) -> Mapping[str, str]:
        """The values that this attempt gave to the submission."""
        return self._context.given

    @pytest.fixture(scope="session")
    def bases(self) -> Mapping[str, str]:
        """How each public base image was got."""
        return self._context.bases

    @pytest.fixture(scope="session")
    def variant(self) -> Mapping[str, str | int]:
        """The lab's parameters as this candidate got them, by name."""
        return self._context.variant

    @pytest.fixture(scope="session")
    def starter(self) -> Path:
        """A folder with what the candidate was given to start from, as the candidate's variant has it."""
        return self._context.starter()

    @pytest.fixture(scope="session")
    def dialect(self) -> str:
        """Id of the lab's dialect that the submission is graded in; empty for a lab without any."""
        return self._context.dialect

    @pytest.fixture(scope="session")
    def images(self) -> Mapping[str, BuiltImage]:
        """The built images, by service."""
        return self._context.images.result()

    @pytest.fixture(scope="session")
    def rebuild(self) -> Callable[[str, Change], BuiltImage]:
        """Build a service's image again from a changed copy of the submission."""
        self._context.images.result()
        return self._context.rebuild

    @pytest.fixture(scope="session")
    def search_image(self) -> Search:
        """Find byte strings in all layers of a built image."""
        return self._context.search

    @pytest.fixture(scope="session")
    def stack(self) -> Stack:
        """The running stack."""
        return self._context.stack.result()

    @pytest.fixture(scope="session")
    def probe(self, stack: Stack) -> Probe:
        """A client on the stack's network."""
        return Probe(stack.session)

    @pytest.fixture(scope="session")
    def hosts(self, stack: Stack) -> Hosts:
        """Testinfra hosts of the services, by name."""
        return Hosts(stack)

    @pytest.fixture(scope="session")
    def host(self, hosts: Hosts) -> object:
        """The testinfra host of the lab's main service."""
        return hosts[self._context.main]

    @pytest.fixture(scope="session")
    def workspace(self, stack: Stack) -> Workspace:
        """Runs the candidate's tool on what was handed in."""
        return Workspace(stack, self._context.main)
