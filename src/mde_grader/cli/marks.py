"""How a check is shown while it is graded: its mark, and what the candidate may read of it."""

from __future__ import annotations

from collections.abc import Collection

from mde_grader.clean import clean_line
from mde_grader.model import Outcome, Status

MARKS = {Status.PASSED: "✔", Status.FAILED: "✘", Status.SKIPPED: "∅", Status.ERRORED: "!"}

PHASES = {
    "stage": "reading the submission",
    "build": "building",
    "start": "starting",
    "checks": "checking",
    "teardown": "clearing up",
}
"""The attempt's phases in words for the candidate."""


def phase_of(name: str) -> str:
    """A phase in words; one that is not known is told by its name."""
    return PHASES.get(name, clean_line(name))


def title_of(outcome: Outcome, hidden: Collection[str]) -> str:
    """What the candidate may read of a check."""
    return f"a hidden check of “{outcome.requirement}”" if outcome.requirement in hidden else clean_line(outcome.title)
