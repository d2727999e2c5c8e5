"""From what a check raised to an outcome; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mde_grader.checking.api import CheckFailedError
from mde_grader.clean import clean
from mde_grader.errors import SubmissionError
from mde_grader.model import Evidence, Requirement, Status
from mde_grader.runtimes.inspector.session import SessionError

TEXT_LIMIT = 600
"""Characters of `expected`, `seen` and `look`; a sentence or two, so that a scorecard stays readable."""

SAID_LIMIT = 4_000
"""Characters of `said`: about a screen of output."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A status with its evidence (failed) or reason (errored, skipped)."""

    status: Status
    evidence: Evidence | None = None
    reason: str = ""


def judge(error: BaseException | None, *, out_of_time: bool = False) -> Judged:
    """Say how a check ended from what it raised.

    Args:
        error: What the check or one of its fixtures raised; None when nothing.
        out_of_time: The attempt's deadline had passed when it was raised, so that a stack that is gone is gone because
            the submission used up its time.
    """
    if error is None:
        return Judged(Status.PASSED)
    evidence = _evidence_of(error)
    if evidence is None and out_of_time:
        evidence = OUT_OF_TIME
    if evidence is not None:
        return _failed(evidence)
    return Judged(Status.ERRORED, reason=clean(f"{type(error).__name__}: {_first_lines(str(error), 2)}", limit=300))


OUT_OF_TIME = Evidence(
    expected="the whole submission to be graded within the lab's time",
    seen="the attempt's time was used up before this could be looked at",
    look="run the grader with -v to see which step took long",
)


def _failed(evidence: Evidence) -> Judged:
    cleaned = Evidence(
        expected=clean(evidence.expected, limit=TEXT_LIMIT),
        seen=clean(evidence.seen, limit=TEXT_LIMIT),
        look=clean(evidence.look, limit=TEXT_LIMIT),
        said=clean(evidence.said, limit=SAID_LIMIT),
    )
    return Judged(Status.FAILED, evidence=cleaned)


def _evidence_of(error: BaseException) -> Evidence | None:
    """What the candidate is told, None when the error is not theirs."""
    if isinstance(error, CheckFailedError):
        return error.evidence
    if isinstance(error, SubmissionError):
        return _evidence_of_fault(error)
    if isinstance(error, AssertionError):
        return Evidence(seen=_first_lines(str(error)) or "the check's condition did not hold")
    if isinstance(error, SessionError) and error.kind != "gone":
        return Evidence(expected="an answer that can be read", seen=error.message)
    return None


_LOOKS = {"build": "docker compose build", "start": "docker compose up"}
"""How a candidate sees such a fault for themselves, by the first word of its rule; its hint stands beside the fault."""


def _evidence_of_fault(error: SubmissionError) -> Evidence:
    where = f"{error.where}: " if error.where else ""
    return Evidence(
        expected="the submission builds, starts and becomes ready",
        seen=where + error.message,
        look=_LOOKS.get(error.rule.partition(".")[0], ""),
        said=error.said,
    )


def _first_lines(text: str, lines: int = 6) -> str:
    return "\n".join(text.strip().splitlines()[:lines])


def blocked_by(requirement: Requirement, states: Mapping[str, Status]) -> Judged | None:
    """Say whether a needed requirement keeps this one from being checked.

    Args:
        requirement: Whose check is about to run.
        states: Worst status so far of the requirements that have run.

    Returns:
        Skipped when a needed one failed or was skipped, errored when it errored, None when the way is free.
    """
    for needed in requirement.needs:
        state = states.get(needed)
        if state is Status.ERRORED:
            return Judged(Status.ERRORED, reason=f"needs “{needed}”, which could not be judged")
        if state in {Status.FAILED, Status.SKIPPED}:
            return Judged(Status.SKIPPED, reason=f"needs “{needed}”, which is not met")
    return None
