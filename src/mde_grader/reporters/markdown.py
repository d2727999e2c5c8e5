"""The scorecard as Markdown for a pull request or a step summary of GitHub Actions."""

from __future__ import annotations

import html
import re

from mde_grader.model import Evidence, Outcome, RequirementResult, Scorecard, Status, Verdict
from mde_grader.reporters.base import (
    PRACTICE,
    STATUSES,
    VERDICTS,
    Fix,
    dialect,
    facts,
    fixes,
    headline,
    notes,
    points,
    prepared,
    seconds,
    span,
    unchecked,
    variant,
    waits_for,
)

_MARKS = {Status.PASSED: "✅", Status.FAILED: "❌", Status.SKIPPED: "⏭️", Status.ERRORED: "⚠️"}
_VERDICT_MARKS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.INCOMPLETE: "⚠️"}
_SPECIAL = re.compile(r"([\\`*_\[\]{}|~#@>]|(?<=www)\.|:(?=//))")


def render(card: Scorecard, *, reveal: bool = False) -> str:
    """GitHub-flavoured Markdown; details are folded.

    Args:
        card: Any scorecard.
        reveal: Keep titles and evidence of hidden checks.
    """
    card = prepared(card, reveal=reveal)
    lines = [
        f"## {_VERDICT_MARKS[card.verdict]} {escape(card.lab.title)}: {VERDICTS[card.verdict].lower()}",
        "",
        f"**{escape(card.submission.name)}**: {escape(headline(card))}",
        "",
        *_fault(card),
        *_table(card),
        *_fixes(card),
        *[f"- Not checked, through no fault of yours: {escape(text)}" for text in unchecked(card)],
        *[f"- {escape(note)}" for note in notes(card)],
        *_about(card),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is: on one line, without markup, mentions, references or links."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", flat)


def _block(text: str) -> list[str]:
    """Several lines as they are. An HTML block ends at its closing tag only, whatever the text holds."""
    return [f"<pre>{html.escape(text, quote=False)}</pre>", ""]


def _fault(card: Scorecard) -> list[str]:
    fault = card.fault
    if fault is None:
        return []
    where = f" ({escape(fault.where)})" if fault.where else ""
    lines = [f"> **{escape(fault.message)}**{where}"]
    if fault.hint:
        lines += [">", f"> {escape(fault.hint)}"]
    return [*lines, "", *(_folded("What was printed", _block(fault.said)) if fault.said else [])]


def _table(card: Scorecard) -> list[str]:
    rows = {row.requirement.id: row for row in card.results}
    body = [_table_row(row, rows) for row in card.results]
    return ["| | Requirement | Points |", "|---|---|---:|", *body, ""]


def _table_row(row: RequirementResult, rows: dict[str, RequirementResult]) -> str:
    waiting = ", ".join(escape(need.id) for need in waits_for(row, rows))
    after = f" (waits for {waiting})" if waiting else ""
    score = f"{span(row.points, row.points_high)} / {row.requirement.points}"
    return f"| {_MARKS[row.status]} | {escape(row.requirement.title)}{after} | {score} |"


def _fixes(card: Scorecard) -> list[str]:
    found = fixes(card)
    if not found:
        return []
    # When nothing ran, the fault above says it all, and a list of everything would only hide it.
    told = [fix for fix in found if fix.outcomes]
    heading = ["### Best to fix first", ""] if told else []
    return heading + [line for fix in told for line in _fix(fix)]


def _fix(fix: Fix) -> list[str]:
    title = f"{_MARKS[fix.row.status]} <b>{html.escape(fix.row.requirement.title)}</b> (+{points(fix.gain)})"
    inside: list[str] = []
    for outcome in fix.outcomes:
        inside += _outcome(outcome)
    if fix.row.requirement.hint:
        inside += [f"**Hint:** {escape(fix.row.requirement.hint)}", ""]
    if fix.unblocks:
        inside += [f"Also opens: {', '.join(escape(item.title) for item in fix.unblocks)}", ""]
    return _folded(title, inside)


def _outcome(outcome: Outcome) -> list[str]:
    lines = [f"**{escape(outcome.title)}**: {STATUSES[outcome.status]}", ""]
    if outcome.reason:
        lines += [escape(outcome.reason), ""]
    evidence = outcome.evidence or Evidence()
    for label, text in (
        ("Expected", evidence.expected),
        ("Seen", evidence.seen),
        ("See it yourself", evidence.look),
        ("Programs said", evidence.said),
    ):
        if text:
            lines += [f"{label}:", "", *_block(text)]
    return lines


def _folded(summary: str, inside: list[str]) -> list[str]:
    """A folded part; `summary` is HTML already."""
    return [f"<details><summary>{summary}</summary>", "", *inside, "</details>", ""]


def _about(card: Scorecard) -> list[str]:
    rows = [
        ("Submission", f"{card.submission.source}, {card.submission.digest}"),
        ("Attempt", f"{card.attempt}, {card.started}, {seconds(card.seconds)}"),
        *dialect(card),
        *variant(card),
        *facts(card.environment),
    ]
    table = ["| | |", "|---|---|", *[f"| {escape(name)} | {escape(text)} |" for name, text in rows], ""]
    return ["", *_folded("How this was graded", [*table, escape(PRACTICE), ""])]
