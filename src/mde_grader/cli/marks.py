"""How a check is shown while it is graded: its mark, and what the candidate may read of it."""

from __future__ import annotations

from collections.abc import Collection

from mde_grader.clean import clean_line
from mde_grader.model import Outcome, Status

MARKS = {Status.PASSED: "✔", Status.FAILED: "✘", Status.SKIPPED: "∅", Status.ERRORED: "!"}


def title_of(outcome: Outcome, hidden: Collection[str]) -> str:
    """What the candidate may read of a check."""
    return f"a hidden check of “{outcome.requirement}”" if outcome.requirement in hidden else clean_line(outcome.title)
