"""What a failure of Terraform or OpenTofu comes from, and whether a value was refused on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

_BOX = re.compile(r"^[│╷╵|]\s?", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"^Error: (.+?)(?=^(?:Error|Warning): |\Z)", re.MULTILINE | re.DOTALL)
_LOCK = re.compile(r"^\s*ID:\s+([0-9a-f-]+)\s*$", re.MULTILINE)
_PLACE = re.compile(r"^\s+on (\S+ line \d+)", re.MULTILINE)
_GENERAL = "Terraform encountered problems during initialisation"
"""What `init` says before the error that keeps it from reading a configuration."""

LOCKED = "Error acquiring the state lock"
"""Summary of the message of whoever finds a state locked, in both tools."""

_CAUSES = (
    (("Failed to download module", "Could not download module", "Error downloading modules"),
     "a module comes from outside of the submission, and nothing outside can be reached"),
    (("Failed to query available provider packages", "Could not retrieve the list of available versions"),
     "a provider, or a version of one, is wanted that is not there"),
    (("No value for required variable",), "a variable has no default and is not one that the brief names"),
    (("UnsupportedOperation", "NotImplemented", "the lab's cloud"), "the lab's cloud refused it"),
    ((LOCKED,), "the state is locked"),
)  # fmt: skip
"""Words of a message, and the cause that they stand for."""

_UNCLEAR = ("Error in function call", "Invalid function argument", "Invalid index", "Unsupported attribute")
"""Summaries of what happens by accident when a value was not looked at."""


def errors(text: str, *, limit: int = 2) -> list[str]:
    r"""The first errors of an output: each its place, its summary, and what explains it.

    >>> errors("Error: Invalid thing\n\n  on main.tf line 1:\n\nIt is not allowed.\n")
    ['main.tf line 1: Invalid thing: It is not allowed.']
    """
    plain = _BOX.sub("", _COLOUR.sub("", text))
    found = _ERROR.findall(plain)
    telling = [one for one in found if not one.startswith(_GENERAL)]
    return [_one(one) for one in (telling or found)[:limit]]


def _one(found: str) -> str:
    summary, _, rest = found.partition("\n")
    place = _PLACE.search(rest)
    told = [line.strip() for line in rest.splitlines() if line.strip() and not re.match(r"\s+(with|on|\d+:) ?", line)]
    return ": ".join(part for part in (place[1] if place else "", summary.strip(), " ".join(told)[:300]) if part)


def lock_id(text: str) -> str:
    r"""Id of the lock that kept a command from its state; empty when none did.

    >>> lock_id("Error: Error acquiring the state lock\n\nLock Info:\n  ID:        37a05ac3-4f2d\n")
    '37a05ac3-4f2d'
    """
    found = _LOCK.search(_BOX.sub("", _COLOUR.sub("", text))) if LOCKED in text else None
    return found[1] if found else ""


def cause(text: str) -> str:
    """What a failure that people often meet comes from; empty when it is none of these."""
    return next((why for words, why in _CAUSES if any(word in text for word in words)), "")


def complaints(output: str) -> list[dict[str, Any]]:
    """The errors of a command that ran with -json, each with the lines of code that it is about."""
    found = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        told = entry.get("diagnostic") if isinstance(entry, dict) else None
        if isinstance(told, dict) and told.get("severity") == "error":
            found.append(told)
    return found


def refused(found: Collection[Mapping[str, Any]], variable: str, *, alone: bool) -> str:
    """The message with which a value of a variable was refused; empty when it was not, or by accident only.

    Args:
        found: The errors of a plan.
        variable: Which one.
        alone: No other variable had a wrong value, so that a message counts that only names this one; else it has to
            stand at its declaration, for a message about one variable may name all of them.
    """
    name = re.escape(variable)
    declared = re.compile(rf'variable\s+"{name}"|"{name}"\s*:')
    named = re.compile(rf"(?<![\w-]){name}(?![\w-])")
    for told in found:
        summary, detail, snippet = str(told.get("summary", "")), str(told.get("detail", "")), told.get("snippet")
        code = str(snippet.get("code", "")) if isinstance(snippet, dict) else ""
        if summary.startswith(_UNCLEAR):
            continue
        if declared.search(code) or (alone and named.search(f"{summary} {detail}")):
            return detail.partition("\n\nThis was checked by")[0].strip() or summary
    return ""
