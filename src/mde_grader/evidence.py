"""What is kept of an attempt: faults in words, evidence without secrets, and the files of the run folder."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mde_grader.clean import clean
from mde_grader.codec.scorecards import scorecard_to
from mde_grader.errors import MdeGradeError, SubmissionError
from mde_grader.model import Evidence, Fault, Outcome, Scorecard
from mde_grader.runs import CARD, write_atomically

Mask = Callable[[str], str]

_UNSAFE = re.compile(r"[^a-z0-9._-]+")


def fault_of(error: BaseException, mask: Mask) -> Fault:
    """Put what ended an attempt into words for the scorecard.

    Args:
        error: A `SubmissionError` is the candidate's; everything else is ours.
        mask: Takes secret values out of a text.
    """
    if isinstance(error, SubmissionError):
        return Fault(
            owner="candidate",
            rule=error.rule,
            message=mask(clean(error.message, limit=600)),
            where=clean(error.where, limit=300),
            hint=mask(clean(error.hint, limit=600)),
            said=mask(clean(error.said)),
        )
    if isinstance(error, MdeGradeError):
        return Fault("grader", "engine", clean(error.message, limit=600), hint=clean(error.hint, limit=600))
    return Fault("grader", "internal", clean(f"{type(error).__name__}: {error}", limit=600))


def without_secrets(outcome: Outcome, mask: Mask) -> Outcome:
    """Return the outcome with secret values taken out of its evidence."""
    told = outcome.evidence
    if told is None:
        return outcome
    evidence = Evidence(mask(told.expected), mask(told.seen), mask(told.look), mask(told.said))
    return replace(outcome, evidence=evidence)


def mask_log(path: Path, mask: Mask) -> None:
    """Take secret values out of a log; one that is not there, or that nobody can read, stays as it is."""
    with contextlib.suppress(OSError):
        text = path.read_text(encoding="utf-8", errors="replace")
        path.write_text(mask(text), encoding="utf-8")


def write_record(card: Scorecard, folder: Path) -> None:
    """Write scorecard.json and one text file a failed check into the run folder."""
    for row in card.results:
        for outcome in row.outcomes:
            if outcome.evidence is not None:
                name = _UNSAFE.sub("-", outcome.check.casefold()).strip("-")[:120]
                write_atomically(folder / "evidence" / f"{name}.txt", _text(outcome, outcome.evidence))
    write_atomically(folder / CARD, json.dumps(scorecard_to(card), indent=2, ensure_ascii=False) + "\n")


def _text(outcome: Outcome, evidence: Evidence) -> str:
    parts = {
        "check": f"{outcome.title} ({outcome.requirement})",
        "expected": evidence.expected,
        "seen": evidence.seen,
        "see it yourself": evidence.look,
        "said": evidence.said,
    }
    return "\n\n".join(f"{name}:\n{text}" for name, text in parts.items() if text) + "\n"
