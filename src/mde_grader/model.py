"""What a lab, an outcome and a scorecard are: frozen data, standard library only.

Points are whole numbers in the lab and floats on the scorecard, because a requirement's points are split evenly
over its checks. Seconds are floats. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a check or a requirement ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERRORED = "errored"


class Verdict(StrEnum):
    """How an attempt ended."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class Trust(StrEnum):
    """Where a check's facts come from, strongest first."""

    OUTSIDE = "outside"
    ENGINE = "engine"
    INSIDE = "inside"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that the candidate is asked for.

    Attributes:
        id: Unique in the lab, `[a-z0-9-]{1,64}`.
        title: The candidate's text.
        points: Whole points, at least 1.
        hint: What to look at when it fails.
        needs: Requirements that must pass first; this one is skipped otherwise.
        gate: When true, a failure fails the verdict whatever the points say.
        hidden: When true, its checks' titles and evidence are kept from the candidate, but never its reason for loss.
    """

    id: str
    title: str
    points: int
    hint: str = ""
    needs: tuple[str, ...] = ()
    gate: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that differs from candidate to candidate, as `lab.yaml` declares it.

    Attributes:
        kind: `choice`, `subnet`, `integer`, `word` or `secret`.
        choices: What a choice picks from.
        brings: For a choice: the further values that come with each pick; every pick brings the same names.
        network: For a subnet: the network that it is cut from, such as `10.0.0.0/8`.
        prefix: For a subnet: its own prefix length.
        low: For an integer: the least.
        high: For an integer: the greatest.
        length: For a secret: its characters.
        practice: Its value in the practice variant; None for the first choice, or for one that is drawn once for all.
    """

    kind: str
    choices: tuple[str | int, ...] = ()
    brings: Mapping[str | int, Mapping[str, str | int]] = field(default_factory=dict)
    network: str = ""
    prefix: int = 0
    low: int = 0
    high: int = 0
    length: int = 0
    practice: str | int | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One of the ways in which a lab's submission may be written.

    Attributes:
        id: Unique in the lab, as `--dialect` names it.
        title: Its name for the candidate.
        files: Patterns of the files that it is told by, from the submission's root.
        line: Regular expression that some line of such a file begins with; empty when the file alone tells.
    """

    id: str
    title: str
    files: tuple[str, ...]
    line: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """One exercise, as `lab.yaml` declares it.

    `digest` covers every file that can change a score; a new `version` gives every candidate another variant. A lab
    without `dialects` leaves it open how a submission is written.
    """

    id: str
    title: str
    category: str
    level: str
    track: str
    minutes: int
    pass_mark: int
    requirements: tuple[Requirement, ...]
    summary: str = ""
    digest: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    dialects: tuple[Dialect, ...] = ()

    @property
    def points(self) -> int:
        """The most points that can be had."""
        return sum(requirement.points for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a failed check has to say; every text is already cleaned and capped.

    Attributes:
        expected: What a right solution shows.
        seen: What this one showed.
        look: A command or step with which the candidate can see it for themselves.
        said: What programs printed, when that helps; never a source of the verdict.
    """

    expected: str = ""
    seen: str = ""
    look: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended.

    Attributes:
        check: Stable name, `file::test_name`.
        title: The candidate's text (the check's docstring).
        requirement: Id of the requirement it belongs to.
        status: One of the four outcomes.
        seconds: Time spent in the check.
        evidence: Present when failed.
        reason: Why it was skipped or errored, in one line.
        trust: Where its facts came from.
    """

    check: str
    title: str
    requirement: str
    status: Status
    seconds: float = 0.0
    evidence: Evidence | None = None
    reason: str = ""
    trust: Trust = Trust.OUTSIDE


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """One row of the scorecard.

    Attributes:
        requirement: The row's requirement.
        status: errored > failed > skipped > passed, over its outcomes.
        points: Points that are certain.
        points_high: `points` plus what the errored checks could still bring.
        outcomes: Its checks' outcomes, in the order they ran.
    """

    requirement: Requirement
    status: Status
    points: float
    points_high: float
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt could not go on, and whose fault it is.

    Attributes:
        owner: `candidate` or `grader`.
        rule: Stable name such as `compose.privileged`, `build.failed`, `engine.gone`.
        message: One sentence.
        where: `file:line` inside the submission, or empty.
        hint: The next step.
        said: Last output of the program concerned, cleaned and capped.
    """

    owner: str
    rule: str
    message: str
    where: str = ""
    hint: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionIdentity:
    """Which submission was graded: `digest` is `sha256:...` over the sorted manifest, `name` the candidate's."""

    name: str
    digest: str
    source: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class VariantIdentity:
    """Which variant of its lab was graded.

    Attributes:
        id: Eight hexadecimal digits that stand for lab, version and candidate.
        practice: Whether it is the one that everybody gets who names no candidate.
        values: The lab's parameters in it; secret ones are masked.
    """

    id: str
    practice: bool
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DialectIdentity:
    """Which of its lab's dialects a submission was graded in: `id` as `--dialect` names it, `title` for people."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Phase:
    """Time spent in one step of the attempt, seconds from its start."""

    name: str
    started: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The immutable result of an attempt.

    Attributes:
        attempt: Unique id of the attempt.
        lab: The lab as it was graded.
        submission: What was graded.
        started: ISO 8601, UTC.
        seconds: Wall time of the attempt.
        verdict: passed, failed or incomplete.
        points: Points that are certain (the low end of the range).
        points_high: The high end; equal to `points` unless something errored.
        results: One row a requirement, in the lab's order.
        fault: Set when the attempt could not be carried through.
        phases: Timings.
        environment: Versions, image digests, limits in force, isolation level, and how bases were got. JSON values.
        partial: Requirement ids of `--only`; empty when everything was graded.
        variant: Which variant of the lab was graded; None for a lab without parameters.
        dialect: In which of the lab's dialects; None for a lab without any, and when it came to none.
        extra: Fields of later versions, kept through a round trip.
    """

    attempt: str
    lab: Lab
    submission: SubmissionIdentity
    started: str
    seconds: float
    verdict: Verdict
    points: float
    points_high: float
    results: tuple[RequirementResult, ...]
    fault: Fault | None = None
    phases: tuple[Phase, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    partial: tuple[str, ...] = ()
    variant: VariantIdentity | None = None
    dialect: DialectIdentity | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """Certain points as a share of all points graded, 0 to 100."""
        possible = self.possible
        return 100.0 * self.points / possible if possible else 0.0

    @property
    def possible(self) -> int:
        """Points of the rows that were graded."""
        return sum(row.requirement.points for row in self.results)


class ProgressKind(StrEnum):
    """What a progress event tells."""

    PHASE_STARTED = "phase-started"
    PHASE_ENDED = "phase-ended"
    CHECK_ENDED = "check-ended"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that a watcher of an attempt is told; `text` is a phase's name, a check's title or a note."""

    kind: ProgressKind
    text: str
    seconds: float = 0.0
    outcome: Outcome | None = None
