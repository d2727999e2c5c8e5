"""What GitHub Actions reads from a step's output: annotations, and a fence around text that must not command it."""

from __future__ import annotations

import re

from mde_grader.model import Scorecard
from mde_grader.reporters.base import fixes, headline, points, prepared, why

MOST = 10
"""Annotations that GitHub shows for one step."""

_TOKEN = re.compile(r"[A-Za-z0-9-]{16,128}")
_WHERE = re.compile(r"(?P<file>[^:]+)(?::(?P<line>\d+))?")


def render(card: Scorecard, *, token: str, root: str = "", text: str = "", reveal: bool = False) -> str:
    """Workflow commands for one scorecard.

    Args:
        card: Any scorecard.
        token: Random and unguessable, 16 or more letters, digits and hyphens; new for each call.
        root: Folder of the submission in the repository, so that annotations land on its files.
        text: More output, such as the console report, that is printed inside the fence.
        reveal: Keep titles and evidence of hidden checks.

    Raises:
        ValueError: The token is too short or has other characters.
    """
    card = prepared(card, reveal=reveal)
    lines = commands(card, root=root)
    return "\n".join(lines) + "\n" * bool(lines) + (stopped(text, token=token) if text else "")


def commands(card: Scorecard, *, root: str = "") -> list[str]:
    """One command a line: the fault first, then what is best to fix, ten at the most."""
    found = []
    if card.fault is not None:
        text = " ".join(part for part in (card.fault.message, card.fault.hint) if part)
        found.append(_command("error", text, title=headline(card), where=card.fault.where, root=root))
    for fix in fixes(card):
        if not fix.outcomes:
            continue
        parts = [why(fix.outcomes[0]), fix.row.requirement.hint and f"Hint: {fix.row.requirement.hint}"]
        title = f"{fix.row.requirement.title} (+{points(fix.gain)})"
        found.append(_command("error", "\n".join(part for part in parts if part), title=title))
    return found[:MOST]


def stopped(text: str, *, token: str) -> str:
    """Text between `::stop-commands::TOKEN` and `::TOKEN::`, in which no line is taken for a command.

    Args:
        text: What a candidate's names or programs may have a part in.
        token: Random and unguessable, 16 or more letters, digits and hyphens.

    Raises:
        ValueError: The token is too short or has other characters.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError("a stop token has 16 to 128 letters, digits and hyphens")
    body = text.replace(token, "").rstrip("\n")
    return f"::stop-commands::{token}\n{body}\n::{token}::\n"


def _command(name: str, text: str, *, title: str, where: str = "", root: str = "") -> str:
    properties = {"title": title}
    match = _WHERE.fullmatch(where)
    if match is not None:
        prefix = f"{root.rstrip('/')}/" if root not in {"", "."} else ""
        properties = {
            "file": prefix + match["file"],
            **({"line": match["line"]} if match["line"] else {}),
            **properties,
        }
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {pairs}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
