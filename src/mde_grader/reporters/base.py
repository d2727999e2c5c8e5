"""What every format says of a scorecard, worked out once: the words, the order of what to fix, the facts at the end.

Pure. Points are rounded down to one decimal, so that a number shown never promises more than there is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, cast

from mde_grader.clean import clean, clean_line
from mde_grader.model import Fault, Outcome, Requirement, RequirementResult, Scorecard, Status, Verdict

VERDICTS = {Verdict.PASSED: "Passed", Verdict.FAILED: "Not passed", Verdict.INCOMPLETE: "Incomplete"}
"""The verdicts in words for the candidate."""

STATUSES = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.ERRORED: "not checked",
}
"""The outcomes in words for the candidate."""

PRACTICE = (
    "This is a practice result, made on the machine of whoever ran it. It shows you where you stand; "
    "it proves nothing to anybody else."
)
"""What an unsigned scorecard is worth."""

_STOPPED = {
    **dict.fromkeys(("submission", "dockerfile", "compose"), "The submission was refused before anything ran"),
    "build": "The submission does not build",
    "start": "The submission builds and does not start",
}
"""How far a submission came, by the first word of the rule that it met."""

_LONG_TEXTS = {"said", "seen", "expected", "look"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fix:
    """One requirement that was lost by itself, with what mending it brings.

    Attributes:
        row: The row of the requirement.
        gain: Points that it and what waits for it can still bring.
        unblocks: Requirements that were skipped because of it, in the lab's order.
        outcomes: Its checks that failed or were skipped.
    """

    row: RequirementResult
    gain: float
    unblocks: tuple[Requirement, ...]
    outcomes: tuple[Outcome, ...]


def prepared(card: Scorecard, *, reveal: bool = False) -> Scorecard:
    """A scorecard with every text cleaned once more, and what is hidden taken out.

    A scorecard may come from a file that somebody else wrote, so that no reporter relies on an earlier cleaning.

    Args:
        card: Any scorecard.
        reveal: Keep titles and evidence of hidden checks; for instructors.
    """
    tidy = _cleaned(card)
    if reveal:
        return tidy
    return dataclasses.replace(tidy, results=tuple(_concealed(row) for row in tidy.results))


def points(value: float) -> str:
    """Points for the eye: at most one decimal, rounded down."""
    tenths = math.floor(value * 10 + 1e-6)
    return str(tenths // 10) if tenths % 10 == 0 else f"{tenths / 10:.1f}"


def span(low: float, high: float) -> str:
    """Points that are certain, or the range up to what errored checks could still bring."""
    return points(low) if points(low) == points(high) else f"{points(low)}–{points(high)}"  # noqa: RUF001 - ranges are written so


def seconds(value: float) -> str:
    """A duration for the eye: `40 ms`, `3.2 s`, `2 min 5 s`."""
    if value < 1:
        return f"{max(value, 0) * 1000:.0f} ms"
    if value < 100:  # noqa: PLR2004 - up to here tenths of a second are of interest
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def shortened(text: str, limit: int) -> str:
    """The text, its end cut with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def size(count: int) -> str:
    """Bytes for the eye."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:  # noqa: PLR2004 - binary units
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def needed(card: Scorecard) -> float:
    """Points that the pass mark asks for."""
    return card.possible * card.lab.pass_mark / 100


def stopped(fault: Fault) -> str:
    """How far the attempt came before the fault, in words that end without a full stop."""
    if fault.owner != "candidate":
        return "The grader could not finish"
    return _STOPPED.get(fault.rule.partition(".")[0], "The submission could not be graded to the end")


def headline(card: Scorecard) -> str:
    """One sentence: the verdict's reason."""
    score = f"{span(card.points, card.points_high)} of {card.possible} points"
    if card.fault is not None and card.fault.owner != "candidate":
        return f"{stopped(card.fault)}, through no fault of yours. This is not a score: please run it again."
    if card.verdict is Verdict.INCOMPLETE:
        count = sum(outcome.status is Status.ERRORED for row in card.results for outcome in row.outcomes)
        what = {0: "Something", 1: "One check"}.get(count, f"{count} checks")
        return f"{what} could not be carried out, through no fault of yours: {score} so far. Please run it again."
    if card.fault is not None:
        return f"{stopped(card.fault)}: {_sentence(card.fault.message)}"
    if card.verdict is Verdict.PASSED:
        return f"{score} of this part." if card.partial else f"{score}; {points(needed(card))} were needed."
    gates = lost_gates(card)
    if gates:
        return f"{score}, but this must hold whatever the points are: {_sentence(gates[0].title)}"
    return f"{score} of this part." if card.partial else f"{score}; {points(needed(card))} are needed."


def fixes(card: Scorecard) -> tuple[Fix, ...]:
    """What the candidate lost, best to fix first: lost gates, then by the points that mending brings.

    A requirement that was only skipped because of another stands with that other one; one that could only not be
    checked stands in `unchecked`.
    """
    rows = {row.requirement.id: row for row in card.results}
    blocked = {row.requirement.id for row in card.results if waits_for(row, rows)}
    found = [_fix(row, rows, blocked) for row in rows.values() if _lost(row) and row.requirement.id not in blocked]
    found = [fix for fix in found if fix.outcomes or fix.row.status is not Status.ERRORED]
    order = {name: index for index, name in enumerate(rows)}

    def rank(fix: Fix) -> tuple[bool, float, int]:
        return (not fix.row.requirement.gate, -fix.gain, order[fix.row.requirement.id])

    return tuple(sorted(found, key=rank))


def unchecked(card: Scorecard) -> tuple[str, ...]:
    """What could not be checked and why, a line each; requirements of which no more is known are left out."""
    errored = [outcome for row in card.results for outcome in row.outcomes if outcome.status is Status.ERRORED]
    titles = {row.requirement.id: row.requirement.title for row in card.results}
    return tuple(dict.fromkeys(f"{titles[outcome.requirement]}: {why(outcome)}" for outcome in errored))


def lost_gates(card: Scorecard) -> tuple[Requirement, ...]:
    """Requirements that must hold whatever the points are, and do not."""
    rows = [row for row in card.results if row.requirement.gate and row.status is not Status.PASSED]
    return tuple(row.requirement for row in rows)


def waits_for(row: RequirementResult, rows: Mapping[str, RequirementResult]) -> list[Requirement]:
    """Requirements whose loss is why a row was skipped; empty for a row that was not."""
    if row.status is not Status.SKIPPED:
        return []
    needs = [rows[need] for need in row.requirement.needs if need in rows]
    return [need.requirement for need in needs if need.status is not Status.PASSED]


def notes(card: Scorecard) -> tuple[str, ...]:
    """Remarks for the candidate: what was accepted without effect, and whether only a part was graded."""
    given = card.environment.get("notes", ())
    texts = [text for text in given if isinstance(text, str)] if isinstance(given, list | tuple) else []
    if card.partial:
        texts.insert(0, f"Only a part was graded: {', '.join(card.partial)}, and what that needs.")
    return tuple(texts)


def facts(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the scorecard tells of the machine, as label and text; notes stand elsewhere."""
    return [
        (_label(key), _told(value)) for key, value in environment.items() if key != "notes" and value not in ("", None)
    ]


def variant(card: Scorecard) -> list[tuple[str, str]]:
    """Which variant was graded, as label and text; nothing for a lab without parameters."""
    if card.variant is None:
        return []
    values = ", ".join(f"{name}={_told(value)}" for name, value in card.variant.values.items())
    kind = "Practice variant" if card.variant.practice else "Variant"
    return [(kind, f"{card.variant.id}: {values}" if values else card.variant.id)]


def dialect(card: Scorecard) -> list[tuple[str, str]]:
    """Which of the lab's dialects was graded, as label and text; nothing for a lab without any."""
    return [] if card.dialect is None else [("Dialect", f"{card.dialect.title} ({card.dialect.id})")]


def why(outcome: Outcome) -> str:
    """One line on why a check did not pass, for formats that have room for one."""
    evidence = outcome.evidence
    if evidence is not None and evidence.seen:
        return clean_line(evidence.seen)
    return clean_line(outcome.reason or STATUSES[outcome.status])


def _fix(row: RequirementResult, rows: Mapping[str, RequirementResult], blocked: set[str]) -> Fix:
    waiting = _dependents(row.requirement.id, rows, blocked)
    return Fix(
        row=row,
        gain=sum(item.requirement.points - item.points for item in (row, *waiting)),
        unblocks=tuple(item.requirement for item in waiting),
        outcomes=tuple(outcome for outcome in row.outcomes if outcome.status in {Status.FAILED, Status.SKIPPED}),
    )


def _dependents(name: str, rows: Mapping[str, RequirementResult], blocked: set[str]) -> list[RequirementResult]:
    """Skipped rows that wait for `name`, directly or through another skipped row."""
    reached = {name}
    grown = True
    while grown:
        more = {key for key in blocked - reached if reached & set(rows[key].requirement.needs)}
        reached |= more
        grown = bool(more)
    return [row for key, row in rows.items() if key in reached and key != name]


def _lost(row: RequirementResult) -> bool:
    return row.status is not Status.PASSED


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def _label(key: str) -> str:
    return key.replace("_", " ").replace("-", " ").strip().capitalize() or "Value"


def _told(value: object) -> str:
    """A JSON value in words, one line an entry of what is nested."""
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_told(item)}".replace("\n", "; ") for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_told(item).replace("\n", "; ") for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _concealed(row: RequirementResult) -> RequirementResult:
    if not row.requirement.hidden:
        return row
    return dataclasses.replace(row, outcomes=tuple(_hide(outcome, n) for n, outcome in enumerate(row.outcomes, 1)))


def _hide(outcome: Outcome, number: int) -> Outcome:
    """The same outcome without what tells how it is checked; why the points were lost stays."""
    reason = outcome.reason
    if not reason and outcome.status is not Status.PASSED:
        reason = "A check that is not shown did not pass; the requirement's own words say what is asked for."
    return dataclasses.replace(
        outcome, check=f"hidden::{number}", title=f"Hidden check {number}", evidence=None, reason=reason
    )


def _cleaned(value: T, *, name: str = "") -> T:
    """The same value with every text in it cleaned; names and titles become one line."""
    result: object = value
    if isinstance(value, Enum):
        pass
    elif isinstance(value, str):
        result = clean(value) if name in _LONG_TEXTS else clean_line(value, limit=1000)
    elif isinstance(value, Mapping):
        result = {_cleaned(key): _cleaned(item) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        result = type(value)(_cleaned(item) for item in value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _cleaned(getattr(value, field.name), name=field.name) for field in dataclasses.fields(value)
        }
        result = type(value)(**fields)
    return cast("T", result)
