"""From what a check raised to an outcome."""

from __future__ import annotations

import pytest

from mde_grader.checking.api import CheckFailedError, expect
from mde_grader.checking.judging import OUT_OF_TIME, blocked_by, judge
from mde_grader.errors import BuildFailedError, EngineError
from mde_grader.model import Evidence, Requirement, Status
from mde_grader.runtimes.inspector.session import SessionError


def test_nothing_raised_is_passed() -> None:
    assert judge(None).status is Status.PASSED


def test_what_a_check_expected_and_saw_reaches_the_candidate() -> None:
    with pytest.raises(CheckFailedError) as caught:
        expect(0, expected="exit code 0", seen="exit code 137", look="docker stop web", said="Killed")
    judged = judge(caught.value)
    assert judged.status is Status.FAILED
    assert judged.evidence == Evidence("exit code 0", "exit code 137", "docker stop web", "Killed")


def test_what_a_program_printed_is_cleaned_and_capped() -> None:
    judged = judge(CheckFailedError(Evidence(seen="\x1b[31mred\x1b[0m", said="x" * 1_000_000)))
    assert judged.evidence is not None
    assert judged.evidence.seen == "red"
    assert len(judged.evidence.said) <= 4_100


def test_a_plain_assert_is_the_candidates_failure() -> None:
    judged = judge(AssertionError("200 != 500"))
    assert (judged.status, judged.evidence and judged.evidence.seen) == (Status.FAILED, "200 != 500")


def test_a_bare_assert_still_says_something() -> None:
    judged = judge(AssertionError())
    assert judged.evidence is not None
    assert judged.evidence.seen


def test_a_submission_that_does_not_build_fails_with_its_place() -> None:
    judged = judge(BuildFailedError("build.failed", "RUN ended with 1", where="Dockerfile:3", hint="try it", said="no"))
    assert judged.status is Status.FAILED
    assert judged.evidence is not None
    assert judged.evidence.seen == "Dockerfile:3: RUN ended with 1"
    assert judged.evidence.look == "docker compose build"


@pytest.mark.parametrize("error", [EngineError("gone"), RuntimeError("bug"), SessionError("gone", "closed")])
def test_what_is_ours_is_errored_and_never_the_candidates_zero(error: Exception) -> None:
    judged = judge(error)
    assert judged.status is Status.ERRORED
    assert judged.evidence is None
    assert type(error).__name__ in judged.reason


@pytest.mark.parametrize("error", [EngineError("gone"), SessionError("gone", "closed")])
def test_after_the_deadline_a_stack_that_is_gone_is_the_submissions_doing(error: Exception) -> None:
    assert judge(error, out_of_time=True).evidence == OUT_OF_TIME


def test_a_fact_that_cannot_be_had_is_the_candidates_failure() -> None:
    judged = judge(SessionError("too-large", "the file is larger than 1 MiB"))
    assert judged.status is Status.FAILED
    assert judged.evidence is not None
    assert "larger" in judged.evidence.seen


NEEDY = Requirement("b", "B", 1, needs=("a",))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Status.PASSED, None),
        (Status.FAILED, Status.SKIPPED),
        (Status.SKIPPED, Status.SKIPPED),
        (Status.ERRORED, Status.ERRORED),
    ],
)
def test_a_needed_requirement_decides_whether_a_check_runs(state: Status, expected: Status | None) -> None:
    judged = blocked_by(NEEDY, {"a": state})
    assert (judged and judged.status) == expected


def test_a_needed_requirement_without_a_check_does_not_block() -> None:
    assert blocked_by(NEEDY, {}) is None
