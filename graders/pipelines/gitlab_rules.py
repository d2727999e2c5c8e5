"""Which jobs of a GitLab pipeline an event lets in: predefined variables, `rules`, `workflow: rules`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from graders.pipelines.conditions import holds
from graders.pipelines.contexts import REPOSITORY
from graders.pipelines.events import Event
from graders.pipelines.globs import fits
from graders.pipelines.places import Place

SOURCES = {
    "push": "push",
    "pull_request": "merge_request_event",
    "schedule": "schedule",
    "workflow_dispatch": "web",
}
"""What GitLab calls the source of a pipeline that an event starts; others start none."""

SKIPS = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip)\]", re.IGNORECASE)
"""What in a commit's message keeps a push from starting a pipeline."""

_NAME = re.compile(r"\$(?:\{(\w+)\}|(\w+)|\$)")


@dataclass(frozen=True)
class Circumstances:
    """What rules look at.

    Attributes:
        event: What happened.
        variables: CI/CD variables, by name.
        files: Paths of the repository.
    """

    event: Event
    variables: Mapping[str, str]
    files: frozenset[str]


def predefined(event: Event) -> dict[str, str]:
    """The predefined variables that rules can ask for."""
    variables = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": SOURCES.get(event.name, ""),
        "CI_DEFAULT_BRANCH": event.default_branch,
        "CI_COMMIT_SHA": event.sha,
        "CI_COMMIT_SHORT_SHA": event.sha[:8],
        "CI_COMMIT_MESSAGE": event.message,
        "CI_COMMIT_TITLE": event.message.partition("\n")[0],
        "CI_COMMIT_REF_NAME": event.head or event.ref_name,
        "CI_COMMIT_REF_SLUG": re.sub(r"[^a-z0-9]", "-", (event.head or event.ref_name).lower())[:63].strip("-"),
        "CI_PROJECT_PATH": REPOSITORY,
        "CI_PROJECT_NAME": REPOSITORY.partition("/")[2],
        "CI_PROJECT_NAMESPACE": REPOSITORY.partition("/")[0],
        "CI_PIPELINE_ID": str(event.run),
        "CI_PIPELINE_IID": str(event.run),
    }
    if event.tag:
        variables["CI_COMMIT_TAG"] = event.tag
    elif event.name == "pull_request":
        variables |= {
            "CI_MERGE_REQUEST_ID": "1",
            "CI_MERGE_REQUEST_IID": "1",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": event.head,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": event.base,
        }
    else:
        variables["CI_COMMIT_BRANCH"] = event.branch
    return variables


def own_variables(place: Place) -> dict[str, str]:
    """What stands under a `variables`: name to text, or to a mapping with a `value`."""
    found = {}
    for name, value in place.items():
        inner = value.child("value") if isinstance(value.data, Mapping) else value
        found[name] = "" if inner.data is None else inner.text()
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with its variables replaced; `$$` is a dollar sign."""

    def one(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return variables.get(name, "") if name else "$"

    return _NAME.sub(one, text)


def matching(rules: Place, at: Circumstances) -> Place | None:
    """The first rule whose every clause holds; None when there is none."""
    return next((rule for rule in rules.elements() if _holds(rule, at)), None)


def _holds(rule: Place, at: Circumstances) -> bool:
    condition = rule.child("if")
    if condition.data is not None and not holds(condition.text(), at.variables):
        return False
    if rule.has("changes") and not changed(rule.child("changes"), at):
        return False
    return not rule.has("exists") or any(
        _is_there(expanded(glob, at.variables), at.files) for glob in globs_of(rule.child("exists"))
    )


@functools.lru_cache(maxsize=512)
def _is_there(glob: str, files: frozenset[str]) -> bool:
    return any(fits(glob, path) for path in files)


def changed(place: Place, at: Circumstances) -> bool:
    """Whether a glob fits a changed file; where there is nothing to compare with, GitLab takes all as changed."""
    event = at.event
    if event.tag or event.created or event.name in {"schedule", "workflow_dispatch"}:
        return True
    return any(fits(expanded(glob, at.variables), path) for glob in globs_of(place) for path in event.changed)


def globs_of(place: Place) -> tuple[str, ...]:
    """The globs of a `changes` or `exists`."""
    inner = place.child("paths") if isinstance(place.data, Mapping) else place
    return inner.texts("a list of globs")
