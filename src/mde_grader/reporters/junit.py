"""The scorecard as JUnit XML: a test suite for each requirement, a test case for each check."""

from __future__ import annotations

import html
from collections.abc import Iterable

from mde_grader.model import Outcome, RequirementResult, Scorecard, Status
from mde_grader.reporters.base import prepared, why

_TAGS = {Status.FAILED: "failure", Status.ERRORED: "error", Status.SKIPPED: "skipped"}


def render(card: Scorecard, *, reveal: bool = False) -> str:
    """JUnit XML as Jenkins, GitLab and GitHub's actions read it.

    Args:
        card: Any scorecard.
        reveal: Keep titles and evidence of hidden checks.
    """
    card = prepared(card, reveal=reveal)
    cases = [(row, _outcomes(row, card)) for row in card.results]
    properties = _properties(card)
    suites = [_suite(row, outcomes, properties) for row, outcomes in cases]
    counts = _counts([outcome for _, outcomes in cases for outcome in outcomes])
    attributes = {"name": f"{card.lab.id} {card.submission.name}", **counts, "time": f"{card.seconds:.3f}"}
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _element("testsuites", attributes, suites) + "\n"


def _outcomes(row: RequirementResult, card: Scorecard) -> tuple[Outcome, ...]:
    """The row's outcomes, or one that stands for a row whose checks never ran."""
    if row.outcomes:
        return row.outcomes
    reason = card.fault.message if card.fault is not None else "no check of this requirement was run"
    return (Outcome(row.requirement.id, row.requirement.title, row.requirement.id, row.status, reason=reason),)


def _properties(card: Scorecard) -> list[str]:
    """Which dialect and variant were graded; for readers that know properties of a suite only, each suite has them."""
    pairs = {} if card.dialect is None else {"dialect": card.dialect.id}
    if card.variant is not None:
        pairs |= {"variant": card.variant.id, "variant-kind": "practice" if card.variant.practice else "candidate"}
        pairs |= {f"variant.{name}": str(value) for name, value in card.variant.values.items()}
    if not pairs:
        return []
    inside = [_element("property", {"name": name, "value": value}, []) for name, value in pairs.items()]
    return [_element("properties", {}, inside)]


def _suite(row: RequirementResult, outcomes: tuple[Outcome, ...], properties: list[str]) -> str:
    attributes = {
        "name": row.requirement.id,
        **_counts(outcomes),
        "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
    }
    return _element("testsuite", attributes, [*properties, *(_case(row, outcome) for outcome in outcomes)])


def _case(row: RequirementResult, outcome: Outcome) -> str:
    attributes = {"classname": row.requirement.id, "name": outcome.title, "time": f"{outcome.seconds:.3f}"}
    tag = _TAGS.get(outcome.status)
    if tag is None:
        return _element("testcase", attributes, [])
    problem = _element(tag, {"message": why(outcome)}, [html.escape(_details(row, outcome))])
    return _element("testcase", attributes, [problem])


def _details(row: RequirementResult, outcome: Outcome) -> str:
    evidence = outcome.evidence
    parts = [("Check", outcome.check), ("Reason", outcome.reason)]
    if evidence is not None:
        parts += [
            ("Expected", evidence.expected),
            ("Seen", evidence.seen),
            ("See it yourself", evidence.look),
            ("Programs said", evidence.said),
        ]
    parts.append(("Hint", row.requirement.hint))
    return "\n".join(f"{label}: {text}" for label, text in parts if text)


def _counts(outcomes: Iterable[Outcome]) -> dict[str, str]:
    statuses = [outcome.status for outcome in outcomes]
    return {
        "tests": str(len(statuses)),
        "failures": str(statuses.count(Status.FAILED)),
        "errors": str(statuses.count(Status.ERRORED)),
        "skipped": str(statuses.count(Status.SKIPPED)),
    }


def _element(tag: str, attributes: dict[str, str], inside: list[str]) -> str:
    """One element; `inside` is XML already. HTML's escapes of & < > and both quotes are XML's as well."""
    pairs = "".join(f' {name}="{html.escape(value).replace(chr(10), "&#10;")}"' for name, value in attributes.items())
    if not inside:
        return f"<{tag}{pairs}/>"
    nested = inside[0].startswith("<")
    return f"<{tag}{pairs}>\n" + "\n".join(inside) + f"\n</{tag}>" if nested else f"<{tag}{pairs}>{inside[0]}</{tag}>"
