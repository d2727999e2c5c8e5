"""The scorecard as one HTML file: no script, nothing from elsewhere, readable on a phone, on paper and in the dark.

The style sheet is let in by its hash and everything else is shut out by a content security policy, so that text that
slipped through the escaping could still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mde_grader.model import Outcome, Phase, RequirementResult, Scorecard, Status
from mde_grader.reporters import base

_PAGE = 28
"""Lines of requirements that one printed page has room for beside the rest; a fix with its evidence takes five."""

_MOST_SEEN = 8
"""Fixes of which a printed page can still tell what was seen."""

_SHOWN_LIMIT = 400
"""Characters that one fact at the end keeps."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A requirement as the page shows it; `low` and `high` are percent of its points."""

    id: str
    title: str
    status: str
    word: str
    points: str
    possible: int
    low: float
    high: float
    gate: bool
    hidden: bool
    waits: str
    fix: bool
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """A phase as the page shows it; `start` and `width` are percent of the whole."""

    name: str
    start: float
    width: float
    seconds: str


def render(card: Scorecard, *, reveal: bool = False) -> str:
    """One self-contained HTML document.

    Args:
        card: Any scorecard.
        reveal: Keep titles and evidence of hidden checks.
    """
    card = base.prepared(card, reveal=reveal)
    css = _stylesheet()
    fixes = [fix for fix in base.fixes(card) if fix.outcomes]
    possible = card.possible or 1
    text = (
        _templates()
        .get_template("scorecard.html.j2")
        .render(
            card=card,
            css=Markup(css),  # noqa: S704 - our own file; its hash is in the policy
            csp=policy(css),
            verdict=base.VERDICTS[card.verdict],
            headline=base.headline(card),
            tally=_tally(card),
            total=base.span(card.points, card.points_high),
            low=round(100 * card.points / possible, 2),
            high=round(100 * card.points_high / possible, 2),
            goal_angle=round(3.6 * card.lab.pass_mark, 1),
            when=card.started[:16].replace("T", " ") + " UTC",
            fixes=fixes,
            room=_room(len(card.results), len(fixes)),
            rows=_rows(card, {fix.row.requirement.id for fix in fixes}),
            unchecked=base.unchecked(card),
            notes=base.notes(card),
            phases=_steps(card),
            facts=_facts(card),
            practice=base.PRACTICE,
        )
    )
    return text + "\n"


def policy(css: str) -> str:
    """The content security policy that lets in this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _stylesheet() -> str:
    return resources.files(__package__).joinpath("templates", "scorecard.css").read_text("utf-8")


@cache
def _templates() -> Environment:
    folder = str(resources.files(__package__).joinpath("templates"))
    templates = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=False
    )
    templates.filters |= {"points": base.points, "seconds": base.seconds, "word": lambda status: base.STATUSES[status]}
    return templates


def _room(rows: int, fixes: int) -> str:
    """Classes that keep the printed form on one page."""
    if rows + 5 * fixes <= _PAGE:
        return ""
    return "long" if fixes <= _MOST_SEEN else "long longest"


def _rows(card: Scorecard, fixed: set[str]) -> list[_Row]:
    by_id = {row.requirement.id: row for row in card.results}
    return [_row(row, by_id, fix=row.requirement.id in fixed) for row in card.results]


def _row(row: RequirementResult, rows: dict[str, RequirementResult], *, fix: bool) -> _Row:
    requirement = row.requirement
    return _Row(
        id=requirement.id,
        title=requirement.title,
        status=row.status.value,
        word=base.STATUSES[row.status],
        points=base.span(row.points, row.points_high),
        possible=requirement.points,
        low=round(100 * row.points / requirement.points, 2),
        high=round(100 * row.points_high / requirement.points, 2),
        gate=requirement.gate,
        hidden=requirement.hidden,
        waits=", ".join(need.title for need in base.waits_for(row, rows)),
        fix=fix,
        outcomes=row.outcomes,
    )


def _tally(card: Scorecard) -> str:
    """How many requirements ended how."""
    counts = [(status, sum(row.status is status for row in card.results)) for status in Status]
    parts = [f"{count} {base.STATUSES[status]}" for status, count in counts if count]
    count = len(card.results)
    return f"{count} requirement{'s' * (count != 1)}: {', '.join(parts)}" if parts else "Nothing was graded"


def _steps(card: Scorecard) -> list[_Step]:
    whole = max([card.seconds, *[phase.started + phase.seconds for phase in card.phases]]) or 1.0
    return [_step(phase, whole) for phase in card.phases]


def _step(phase: Phase, whole: float) -> _Step:
    start = round(min(max(100 * phase.started / whole, 0), 99), 2)
    width = round(min(max(100 * phase.seconds / whole, 0.6), 100 - start), 2)
    return _Step(phase.name, start, width, base.seconds(phase.seconds))


def _facts(card: Scorecard) -> list[tuple[str, str]]:
    submission = card.submission
    rows = [
        ("Submission", f"{submission.source}, {submission.files} files, {base.size(submission.size)}"),
        ("Digest", submission.digest),
        ("Attempt", card.attempt),
        ("Total time", base.seconds(card.seconds)),
        *base.dialect(card),
        *base.variant(card),
        *base.facts(card.environment),
        ("Lab", card.lab.digest),
    ]
    return [(base.shortened(name, 40), base.shortened(text, _SHOWN_LIMIT)) for name, text in rows if text]
