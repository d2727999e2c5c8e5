"""Pytest over a lab's checks: shut off from where it was called, needs kept, faults told apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mde_grader.checking.context import CheckContext, Submission
from mde_grader.checking.session import CheckRun, collect, run_checks
from mde_grader.errors import BuildFailedError, EngineError, InterruptedAttemptError, LabInvalidError
from mde_grader.model import Lab, Outcome, Requirement, Status, SubmissionIdentity
from mde_grader.plans import Plan

LAB = Lab(
    "lab-x",
    "X",
    "c",
    "l",
    "t",
    1,
    70,
    (Requirement("a", "A", 1), Requirement("b", "B", 1, needs=("a",)), Requirement("c", "C", 1)),
)
HEAD = "from mde_grader.checking import requirement, expect\n"
IDENTITY = SubmissionIdentity("x", "sha256:0", "x", 1, 1)

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(body: str) -> Path:
        folder = tmp_path / "lab" / "checks"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test_it.py").write_text(HEAD + body, encoding="utf-8")
        return folder

    return make


def failed(error: BaseException) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def context(tmp_path: Path, **changes: Any) -> CheckContext:
    parts: dict[str, Any] = {
        "submission": Submission(tmp_path, IDENTITY, Plan({}, ())),
        "images": failed(EngineError("no images here")),
        "stack": failed(EngineError("no stack here")),
        "rebuild": lambda _service, _change: None,
        "search": lambda _image, _needles: (),
        "given": {"SITE_NAME": "x"},
        "main": "web",
        "deadline": time.monotonic() + 60,
    }
    return CheckContext(**{**parts, **changes})


def run(checks: Path, tmp_path: Path, only: tuple[str, ...] = (), **changes: Any) -> CheckRun:
    heard: list[Outcome] = []
    done = run_checks(checks, LAB, context(tmp_path, **changes), only=only, listener=heard.append, log=tmp_path / "log")
    assert tuple(heard) == done.outcomes
    return done


def statuses(done: CheckRun) -> dict[str, Status]:
    return {outcome.check.split("::")[1]: outcome.status for outcome in done.outcomes}


def test_outcomes_carry_title_requirement_and_evidence(write: Write, tmp_path: Path) -> None:
    checks = write(
        "@requirement('a')\ndef test_one(given):\n    '''The site has\n    its name.'''\n"
        "    expect(given['SITE_NAME'] == 'y', expected='y', seen='x', look='curl')\n"
    )
    (outcome,) = run(checks, tmp_path).outcomes
    assert (outcome.title, outcome.requirement, outcome.status) == ("The site has its name.", "a", Status.FAILED)
    assert outcome.check == "test_it.py::test_one"
    assert outcome.evidence is not None
    assert outcome.evidence.look == "curl"


def test_what_needs_a_failed_requirement_is_skipped_and_the_rest_goes_on(write: Write, tmp_path: Path) -> None:
    checks = write(
        "@requirement('b')\ndef test_b():\n    pass\n"
        "@requirement('a')\ndef test_a():\n    assert 1 == 2\n"
        "@requirement('c')\ndef test_c():\n    pass\n"
    )
    assert statuses(run(checks, tmp_path)) == {
        "test_a": Status.FAILED,
        "test_b": Status.SKIPPED,
        "test_c": Status.PASSED,
    }


def test_only_runs_what_is_asked_with_what_it_needs(write: Write, tmp_path: Path) -> None:
    checks = write("".join(f"@requirement('{name}')\ndef test_{name}():\n    pass\n" for name in "abc"))
    assert set(statuses(run(checks, tmp_path, only=("b",)))) == {"test_a", "test_b"}


def test_checks_are_given_what_the_candidate_started_from(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a(starter):\n    assert starter.name == 'begin'\n")
    assert statuses(run(checks, tmp_path, starter=lambda: tmp_path / "begin")) == {"test_a": Status.PASSED}


def test_a_submission_that_does_not_build_fails_what_looks_at_it(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a(stack):\n    pass\n@requirement('c')\ndef test_c(given):\n    pass\n")
    error = BuildFailedError("build.failed", "step 3 failed")
    done = run(checks, tmp_path, images=failed(error), stack=failed(error))
    assert statuses(done) == {"test_c": Status.PASSED, "test_a": Status.FAILED}


def test_an_engine_that_fails_is_errored(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a(images):\n    pass\n@requirement('b')\ndef test_b():\n    pass\n")
    done = run(checks, tmp_path)
    assert statuses(done) == {"test_a": Status.ERRORED, "test_b": Status.ERRORED}
    assert "no images here" in done.outcomes[0].reason


def test_a_bug_in_a_check_is_errored_with_its_traceback_in_the_log(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a():\n    {}['bug']\n")
    (outcome,) = run(checks, tmp_path).outcomes
    assert outcome.status is Status.ERRORED
    assert "KeyError" in (tmp_path / "log").read_text(encoding="utf-8")


def test_after_the_deadline_nothing_runs(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a():\n    pass\n")
    (outcome,) = run(checks, tmp_path, deadline=time.monotonic() - 1).outcomes
    assert outcome.status is Status.FAILED
    assert outcome.evidence is not None
    assert "time" in outcome.evidence.seen


def test_a_skip_in_a_check_never_counts_as_passed(write: Write, tmp_path: Path) -> None:
    checks = write("import pytest\n@requirement('a')\ndef test_a():\n    pytest.skip('not here')\n")
    (outcome,) = run(checks, tmp_path).outcomes
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "not here")


def test_nothing_of_the_calling_place_takes_part(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = write("@requirement('a')\ndef test_a():\n    assert False\n")
    here = tmp_path / "submission"
    here.mkdir()
    flip = "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n"
    for name in ("conftest.py", "flip.py"):
        (here / name).write_text(flip, encoding="utf-8")
    (checks.parent / "conftest.py").write_text(flip, encoding="utf-8")
    (here / "pytest.ini").write_text("[pytest]\naddopts = -p flip\n", encoding="utf-8")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p flip")
    monkeypatch.setenv("PYTEST_PLUGINS", "flip")
    assert statuses(run(checks, tmp_path)) == {"test_a": Status.FAILED}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("@requirement('nowhere')\ndef test_a():\n    pass\n", "nowhere"),
        ("def test_a():\n    pass\n", "no requirement"),
        ("", "no check"),
        ("import nothing_like_this\n", "no check"),
    ],
)
def test_a_lab_that_is_not_in_order_is_named(write: Write, tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(LabInvalidError, match=said):
        run(write(body), tmp_path)


def test_collecting_runs_nothing(write: Write, tmp_path: Path) -> None:
    checks = write(f"@requirement('a')\ndef test_a():\n    open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert [found.planned.requirement for found in collect(checks, LAB, log=tmp_path / "log")] == ["a"]
    assert not (tmp_path / "ran").exists()


def test_the_user_can_stop_it(write: Write, tmp_path: Path) -> None:
    checks = write("@requirement('a')\ndef test_a():\n    raise KeyboardInterrupt\n")
    with pytest.raises(InterruptedAttemptError):
        run(checks, tmp_path)


class Stack:
    """Just enough of a stack to see whether it is brought back."""

    session = None

    def __init__(self, error: Exception | None = None) -> None:
        self.restored = 0
        self.error = error

    def restore(self) -> None:
        self.restored += 1
        if self.error:
            raise self.error


DISTURBS = """
@requirement('a', disturbs={})
def test_{}(stack):
    '''It stands.'''
"""


@pytest.mark.parametrize(("first", "second", "restored"), [(True, False, 1), (False, True, 0), (True, True, 1)])
def test_the_stack_is_brought_back_for_the_check_that_comes_next(
    write: Write, tmp_path: Path, first: bool, second: bool, restored: int
) -> None:
    checks = write(DISTURBS.format(first, "a") + DISTURBS.format(second, "b").replace("'a'", "'b'"))
    stack = Stack()
    future: Future[Any] = Future()
    future.set_result(stack)
    run(checks, tmp_path, stack=future)
    assert stack.restored == restored


def test_a_stack_that_cannot_be_brought_back_changes_no_outcome(write: Write, tmp_path: Path) -> None:
    checks = write(DISTURBS.format(True, "a") + DISTURBS.format(True, "b"))
    future: Future[Any] = Future()
    future.set_result(Stack(BuildFailedError("start.exited", "web ended")))
    done = run(checks, tmp_path, stack=future)
    assert statuses(done) == {"test_a": Status.PASSED, "test_b": Status.PASSED}
    assert done.notes == ("after “It stands.”: web ended",)
