"""GitLab's older way to say when a job runs: `only` and `except`, which GitLab still carries out beside `rules`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from graders.pipelines.conditions import ConditionError, holds
from graders.pipelines.contexts import REPOSITORY
from graders.pipelines.events import Event
from graders.pipelines.gitlab_rules import SOURCES, Circumstances, changed
from graders.pipelines.places import Place
from graders.pipelines.refusals import shown
from graders.pipelines.regexes import RegexError, found_in

_SOURCES = {"pushes": "push", "schedules": "schedule", "web": "web", "merge_requests": "merge_request_event"}
_NEVER = ("api", "chat", "external", "external_pull_requests", "parent_pipelines", "pipelines", "triggers")
"""Sources that no event here has."""

_KEYS = ("refs", "variables", "changes", "kubernetes")
_PATTERN = re.compile(r"/(?P<body>(?:[^/\\]|\\.)+)/(?P<flags>[ismU]*)", re.DOTALL)


def lets_in(job: Place, at: Circumstances) -> bool:
    """Whether `only` lets a job in, and `except` does not keep it out; without `only` branches and tags do.

    Of `only` each criterion must hold, of `except` one is enough; of the entries of one criterion any.
    """
    only, apart = job.child("only"), job.child("except")
    refs = _refs(only)
    if not any(_is_ref(ref, at.event) for ref in (refs or ("branches", "tags"))):
        return False
    wanted = [_variables(only, at), _changes(only, at)]
    left_out = [any(_is_ref(ref, at.event) for ref in _refs(apart)), _variables(apart, at), _changes(apart, at)]
    return all(one is not False for one in wanted) and not any(one is True for one in left_out)


def check_refs(place: Place) -> None:
    """See that an `only` or `except` is one that GitLab takes, and that is carried out here.

    Raises:
        RefusedError: It is not.
    """
    if isinstance(place.data, Mapping):
        place.known(_KEYS, f"`{place.path[-1]}`")
        if place.child("kubernetes").data is not None:
            place.child("kubernetes").refuse("pipeline.rules", "asks for a cluster, and none is here", "take it out")
    for ref in _refs(place):
        pattern = _PATTERN.fullmatch(ref.partition("@")[0])
        if ref.startswith("/") and pattern is None:
            place.refuse(
                "pipeline.invalid", f"has `{shown(ref)}`, which is no expression", "write it between two slashes"
            )
        try:
            found_in(pattern["body"] if pattern else "", "", flags=pattern["flags"] if pattern else "")
        except RegexError as error:
            place.refuse("pipeline.invalid", f"has `{shown(ref)}`, which {error}", "mend the expression")
    inner = place.child("variables") if isinstance(place.data, Mapping) else place.with_data(None)
    for condition in inner.texts("a list of conditions"):
        try:
            holds(condition, {})
        except ConditionError as error:
            place.refuse("pipeline.invalid", f"has a condition that GitLab does not take: it {error}", "mend it")


def _refs(place: Place) -> tuple[str, ...]:
    inner = place.child("refs") if isinstance(place.data, Mapping) else place
    return inner.texts("a list of refs")


def _variables(place: Place, at: Circumstances) -> bool | None:
    """Whether one of the conditions holds; None when none is asked for."""
    if not isinstance(place.data, Mapping) or not place.has("variables"):
        return None
    return any(holds(one, at.variables) for one in place.child("variables").texts())


def _changes(place: Place, at: Circumstances) -> bool | None:
    if not isinstance(place.data, Mapping) or not place.has("changes"):
        return None
    return changed(place.child("changes"), at)


def _is_ref(ref: str, event: Event) -> bool:
    """Whether an entry stands for the ref or the source of an event; `main@group/project` is of that project only."""
    ref, _, project = ref.partition("@")
    if project and project != REPOSITORY:
        return False
    pulled = event.name == "pull_request"
    if ref in _SOURCES:
        return SOURCES.get(event.name) == _SOURCES[ref]
    if ref in _NEVER or pulled:
        return False
    if ref in {"branches", "tags"}:
        return bool(event.branch if ref == "branches" else event.tag)
    pattern = _PATTERN.fullmatch(ref)
    return found_in(pattern["body"], event.ref_name, flags=pattern["flags"]) if pattern else ref == event.ref_name
