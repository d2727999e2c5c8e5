"""What IAM policy documents grant, however they are written.

The rules are AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, for
identity policies of one account. An Allow with a condition counts as granted, a Deny with one does not count: what is
not certain is judged to the disadvantage of the policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

Document = Mapping[str, Any]


def grants(documents: Iterable[Document], action: str, resource: str) -> bool:
    """Whether the policies together let their bearer do `action` on `resource`.

    >>> grants([{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}], "s3:GetObject", "arn:x")
    True
    """
    allowed = False
    for statement in (row for document in documents for row in _list(document.get("Statement"))):
        if not isinstance(statement, dict) or not _applies(statement, action, resource):
            continue
        if statement.get("Effect") == "Deny" and not statement.get("Condition"):
            return False
        allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def strays(documents: Collection[Document], may: Iterable[str]) -> list[str]:
    """The actions that are granted by name and are none of those that a bearer may have.

    Of an action with a wildcard only the service is looked at: what else it grants is seen by asking for samples.

    Args:
        documents: All policies of the bearer.
        may: Patterns of actions, `s3:GetObject*`.

    >>> strays([{"Statement": {"Effect": "Allow", "Action": ["s3:Get*", "rds:*"], "Resource": "*"}}], ["s3:GetObject"])
    ['rds:*']
    """
    known = list(may)
    services = {pattern.partition(":")[0] for pattern in known}
    found = set()
    for statement in (row for document in documents for row in _list(document.get("Statement"))):
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        for action in map(str, _list(statement.get("Action"))):
            fits = (
                action.partition(":")[0].lower() in services
                if {"*", "?"} & set(action)
                else _any(known, action, ignore_case=True)
            )
            if not fits and any(grants(documents, action, str(on)) for on in _list(statement.get("Resource", "*"))):
                found.add(action)
    return sorted(found)


def resources(document: Document) -> list[str]:
    """What a policy's statements are about, as they name it; `*` for one that names what it is not about."""
    statements = [row for row in _list(document.get("Statement")) if isinstance(row, dict)]
    return [str(resource) for statement in statements for resource in _list(statement.get("Resource", "*"))]


def trusted(document: Document) -> list[str]:
    """Who may take a role on, by its trust policy: `Service ec2.amazonaws.com`, `AWS *` and the like."""
    found = []
    for statement in _list(document.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal", "*" if "NotPrincipal" in statement else {})
        rows = principal.items() if isinstance(principal, dict) else [("AWS", principal)]
        found += [f"{kind} {name}" for kind, names in rows for name in _list(names)]
    return sorted(set(found))


def parsed(document: str | Document) -> Document:
    """A policy document that may still be text; what is none grants nothing."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return {}
    return document if isinstance(document, dict) else {}


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "Action" in statement:
        acts = _any(statement["Action"], action, ignore_case=True)
    else:
        acts = "NotAction" in statement and not _any(statement["NotAction"], action, ignore_case=True)
    if "Resource" in statement:
        return acts and _any(statement["Resource"], resource)
    return acts and "NotResource" in statement and not _any(statement["NotResource"], resource)


def _any(patterns: object, text: str, *, ignore_case: bool = False) -> bool:
    return any(_pattern(str(pattern), ignore_case).fullmatch(text) for pattern in _list(patterns))


@cache
def _pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:  # noqa: FBT001 - a key of the cache
    parts = {"*": ".*", "?": "."}
    return re.compile(
        "".join(parts.get(letter, re.escape(letter)) for letter in pattern),
        re.DOTALL | (re.IGNORECASE if ignore_case else 0),
    )


def _list(value: object) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
