"""(lab, outcomes) to scorecard. Pure: reads no clock, does no I/O, and the order of the outcomes changes no number.

A requirement's points are split evenly over its checks. The pass mark is compared with exact fractions, so
that it is never missed by a rounding error; the scorecard carries floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from mde_grader.errors import LabInvalidError
from mde_grader.model import (
    DialectIdentity,
    Fault,
    Lab,
    Outcome,
    Phase,
    Requirement,
    RequirementResult,
    Scorecard,
    Status,
    SubmissionIdentity,
    VariantIdentity,
    Verdict,
)

_WORST_FIRST = (Status.ERRORED, Status.FAILED, Status.SKIPPED, Status.PASSED)


def score(  # noqa: PLR0913 - one argument a field of the scorecard; everything after `outcomes` is by name
    lab: Lab,
    outcomes: Iterable[Outcome],
    *,
    attempt: str,
    submission: SubmissionIdentity,
    started: str,
    seconds: float,
    fault: Fault | None = None,
    phases: Sequence[Phase] = (),
    environment: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    variant: VariantIdentity | None = None,
    dialect: DialectIdentity | None = None,
) -> Scorecard:
    """Score one attempt.

    Args:
        lab: The lab as it was graded.
        outcomes: How its checks ended, in the order they ran.
        attempt: Unique id of the attempt.
        submission: What was graded.
        started: ISO 8601, UTC.
        seconds: Wall time of the attempt.
        fault: Why the attempt could not be carried through. With the candidate's fault a requirement without outcomes
            is failed; with ours, or with none, it is errored (or skipped when something that it needs was lost).
        phases: Timings.
        environment: What the scorecard tells of versions, digests, limits and isolation.
        only: Requirements that were asked for; the rows are these and all that they need. Empty means all.
        variant: Which variant of the lab was graded.
        dialect: In which of its dialects.

    Raises:
        LabInvalidError: An outcome or `only` names a requirement that the lab does not have.
    """
    kept = tuple(outcomes)
    _check_names(lab, kept, only)
    needs = {row.id: row.needs for row in lab.requirements}
    graded = closure(only or needs, needs)
    results = _results([row for row in lab.requirements if row.id in graded], kept, fault)
    return Scorecard(
        attempt=attempt,
        lab=lab,
        submission=submission,
        started=started,
        seconds=seconds,
        verdict=verdict(lab.pass_mark, results, fault),
        points=math.fsum(row.points for row in results),
        points_high=math.fsum(row.points_high for row in results),
        results=results,
        fault=fault,
        phases=tuple(phases),
        environment=dict(environment or {}),
        partial=tuple(only),
        variant=variant,
        dialect=dialect,
    )


def verdict(pass_mark: int, results: Sequence[RequirementResult], fault: Fault | None = None) -> Verdict:
    """What the rows amount to.

    Incomplete when anything errored or the grader is at fault; passed when the points reach the pass mark, every gate
    holds, nothing is the candidate's fault, and at least one check passed; failed otherwise.

    Args:
        pass_mark: Percent of the graded points.
        results: The rows.
        fault: Why the attempt could not be carried through.
    """
    if any(row.status is Status.ERRORED for row in results) or (fault is not None and fault.owner != "candidate"):
        return Verdict.INCOMPLETE
    if fault is not None or any(row.requirement.gate and row.status is not Status.PASSED for row in results):
        return Verdict.FAILED
    earned = sum((_share(row, {Status.PASSED}) for row in results), Fraction(0))
    possible = sum(row.requirement.points for row in results)
    return Verdict.PASSED if earned > 0 and 100 * earned >= pass_mark * possible else Verdict.FAILED


def _check_names(lab: Lab, outcomes: Sequence[Outcome], only: Sequence[str]) -> None:
    known = {requirement.id for requirement in lab.requirements}
    for outcome in outcomes:
        if outcome.requirement not in known:
            raise LabInvalidError(
                f"check {outcome.check} belongs to {outcome.requirement!r}, which {lab.id} does not have"
            )
    for name in only:
        if name not in known:
            raise LabInvalidError(f"{lab.id} has no requirement {name!r}", hint=f"it has: {', '.join(sorted(known))}")


def closure(wanted: Iterable[str], needs: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return the wanted requirements with everything that they need, directly or not."""
    found: set[str] = set()
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(needs.get(name, ()))
    return frozenset(found)


def _results(
    requirements: Sequence[Requirement], outcomes: Sequence[Outcome], fault: Fault | None
) -> tuple[RequirementResult, ...]:
    """One row a requirement; a row is worked out after those that it needs, which may stand further down."""
    rows: dict[str, RequirementResult] = {}
    by_id = {requirement.id: requirement for requirement in requirements}

    def settle(requirement: Requirement) -> None:
        for need in requirement.needs:
            if need not in rows:
                settle(by_id[need])
        mine = tuple(outcome for outcome in outcomes if outcome.requirement == requirement.id)
        rows[requirement.id] = _row(requirement, mine, [rows[need] for need in requirement.needs], fault)

    for requirement in requirements:
        if requirement.id not in rows:
            settle(requirement)
    return tuple(rows[requirement.id] for requirement in requirements)


def _row(
    requirement: Requirement, outcomes: tuple[Outcome, ...], needs: Sequence[RequirementResult], fault: Fault | None
) -> RequirementResult:
    status = _status(outcomes, needs, fault)
    row = RequirementResult(requirement, status, 0.0, 0.0, outcomes)
    # A skipped check can still bring its points only while what it waits for is undecided.
    undecided = any(need.status is not Status.PASSED for need in needs) and all(_may_pass(need) for need in needs)
    open_ends = {Status.ERRORED, Status.SKIPPED} if undecided else {Status.ERRORED}
    points = _share(row, {Status.PASSED})
    high = _share(row, {Status.PASSED} | open_ends)
    if not outcomes and (status is Status.ERRORED or (status is Status.SKIPPED and undecided)):
        high = Fraction(requirement.points)
    return RequirementResult(requirement, status, float(points), float(high), outcomes)


def _status(outcomes: Sequence[Outcome], needs: Sequence[RequirementResult], fault: Fault | None) -> Status:
    """The worst of the outcomes; without any, whose fault that is."""
    if outcomes:
        present = {outcome.status for outcome in outcomes}
        return next(status for status in _WORST_FIRST if status in present)
    if fault is not None and fault.owner == "candidate":
        return Status.FAILED
    if fault is None and any(need.status is not Status.PASSED for need in needs):
        return Status.SKIPPED
    return Status.ERRORED


def _may_pass(row: RequirementResult) -> bool:
    """Whether every point of a row is had or still open."""
    return row.points_high >= row.requirement.points


def _share(row: RequirementResult, statuses: set[Status]) -> Fraction:
    """Points of a row for its outcomes of these statuses, exactly."""
    if not row.outcomes:
        return Fraction(0)
    count = sum(outcome.status in statuses for outcome in row.outcomes)
    return Fraction(row.requirement.points * count, len(row.outcomes))
