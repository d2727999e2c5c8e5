"""Which events start a GitHub workflow, by the rules that GitHub documents for `on`.

Sources: GitHub's references "Workflow syntax" (`on`, filters, the cheat sheet of patterns), "Events that trigger
workflows" and "Skipping workflow runs".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from graders.pipelines.events import Event
from graders.pipelines.patterns import PatternError, chosen, compiled
from graders.pipelines.places import Place
from graders.pipelines.refusals import shown

MOST_FILES = 300
"""Changed files that a path filter looks at."""

_REFS = ("branches", "branches-ignore", "tags", "tags-ignore")
_PATHS = ("paths", "paths-ignore")
_PULLED = ("opened", "synchronize", "reopened")
_PULL_TYPES = (
    *("assigned", "unassigned", "labeled", "unlabeled", "opened", "edited", "closed", "reopened", "synchronize"),
    *("converted_to_draft", "locked", "unlocked", "enqueued", "dequeued", "milestoned", "demilestoned"),
    *("ready_for_review", "review_requested", "review_request_removed", "auto_merge_enabled", "auto_merge_disabled"),
)
_TYPES: dict[str, tuple[str, ...]] = {
    "branch_protection_rule": ("created", "edited", "deleted"),
    "check_run": ("created", "rerequested", "completed", "requested_action"),
    "check_suite": ("completed",),
    "issue_comment": ("created", "edited", "deleted"),
    "merge_group": ("checks_requested",),
    "pull_request": _PULL_TYPES,
    "pull_request_target": _PULL_TYPES,
    "pull_request_review": ("submitted", "edited", "dismissed"),
    "registry_package": ("published", "updated"),
    "release": ("published", "unpublished", "created", "edited", "deleted", "prereleased", "released"),
    "watch": ("started",),
    "workflow_run": ("completed", "requested", "in_progress"),
    **dict.fromkeys(
        ("discussion", "discussion_comment", "issues", "label", "milestone", "project", "project_card"), ()
    ),
    **dict.fromkeys(("project_column", "pull_request_review_comment", "repository_dispatch"), ()),
}
"""Events that have activity types, and which; all when none are listed here."""

_PLAIN = (*("create", "delete", "deployment", "deployment_status", "fork", "gollum", "page_build", "public", "status"),)
_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_PLAIN, ()),
    **dict.fromkeys(_TYPES, ("types",)),
    "push": (*_REFS, *_PATHS),
    "pull_request": ("types", *_REFS[:2], *_PATHS),
    "pull_request_target": ("types", *_REFS[:2], *_PATHS),
    "merge_group": ("types", *_REFS[:2]),
    "workflow_run": ("types", "workflows", *_REFS[:2]),
    "workflow_dispatch": ("inputs",),
    "workflow_call": ("inputs", "outputs", "secrets"),
    "image_version": ("names", "versions"),
    "schedule": (),
}
"""Keys that an event may have."""

_SKIPPED = ("push", "pull_request")
_SKIPS = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
_TRAILER = re.compile(r"\n\n\n(?:[A-Za-z0-9-]+:.*\n)*skip-checks: ?true\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trigger:
    """One event that a workflow names under `on`.

    Attributes:
        event: Its name.
        types: Activity types that are wanted; None for those that the event has by default.
        filters: Patterns by the name of their filter.
        names: For `workflow_run` the workflows, for `schedule` the cron lines.
    """

    event: str
    types: tuple[str, ...] | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def why_not(self, event: Event) -> str:
        """Why an event of this name starts nothing, in a sentence; empty when it starts the workflow."""
        if self.event in _SKIPPED and (_SKIPS.search(event.message) or _TRAILER.search(event.message)):
            return "the commit's message asks to skip it"
        return self._not_this_activity(event) or self._not_this_ref(event) or self._not_these_files(event)

    def _not_this_activity(self, event: Event) -> str:
        wanted = self.types
        if wanted is None and self.event.startswith("pull_request") and "review" not in self.event:
            wanted = _PULLED
        if wanted is not None and event.action not in wanted:
            return f"its activity is `{shown(event.action)}`, and `{self.event}` takes {_listed(wanted)}"
        if self.names and event.workflow and event.workflow not in self.names:
            return f"`{self.event}` waits for {_listed(self.names)}, and this is `{shown(event.workflow)}`"
        return ""

    def _not_this_ref(self, event: Event) -> str:
        if event.tag and self.event == "push":
            return self._not_chosen("tags", event.tag, "branches", "a tag")
        branch = event.base if self.event.startswith("pull_request") else event.branch
        if self.event == "workflow_run":
            branch = event.head
        return self._not_chosen("branches", branch, "tags", "a branch")

    def _not_chosen(self, kind: str, name: str, other: str, what: str) -> str:
        """A filter for the one kind of ref alone leaves out the other kind."""
        ignored = f"{kind}-ignore"
        if kind in self.filters:
            return "" if chosen(self.filters[kind], name) else f"`{kind}` does not choose `{shown(name)}`"
        if ignored in self.filters:
            return f"`{ignored}` leaves out `{shown(name)}`" if chosen(self.filters[ignored], name) else ""
        if {other, f"{other}-ignore"} & self.filters.keys():
            return f"`{self.event}` has a filter for {other} only, and `{shown(name)}` is {what}"
        return ""

    def _not_these_files(self, event: Event) -> str:
        """Path filters look at what branches change; for a tag they are not asked."""
        given = [name for name in _PATHS if name in self.filters]
        if not given or event.tag:
            return ""
        changed = sorted(event.changed)[:MOST_FILES]
        kind = given[0]
        if not changed:
            return f"`{kind}` asks for changed files, and there are none"
        positive = kind == "paths"
        if any(chosen(self.filters[kind], path) is positive for path in changed):
            return ""
        return f"`{kind}` {'chooses none' if positive else 'leaves out all'} of the changed files"


def read_triggers(place: Place) -> dict[str, Trigger]:
    """What stands under `on`: one event, a list of events, or a mapping with their filters.

    Raises:
        RefusedError: The platform would not take it.
    """
    if place.data is None:
        place.refuse("pipeline.invalid", "names no event", "write `on: push`, or a mapping of events")
    if isinstance(place.data, Mapping):
        entries = dict(place.items())
    else:
        wanted = "an event, a list of events or a mapping"
        entries = {element.text(wanted): element.with_data(None) for element in place.elements(wanted)}
    if not entries:
        place.refuse("pipeline.invalid", "names no event", "write `on: push`, or a mapping of events")
    return {name: _trigger(name, entry) for name, entry in entries.items()}


def _trigger(name: str, place: Place) -> Trigger:
    if name not in _KEYS:
        place.refuse("pipeline.invalid", f"is no event that starts workflows: `{shown(name)}`", "write `push`")
    if name == "schedule":
        return Trigger(name, names=_crons(place))
    place.known(_KEYS[name], f"the event `{name}`")
    filters = {key: _patterns(place.child(key)) for key in (*_REFS, *_PATHS) if place.child(key).data}
    for kind in ("branches", "tags", "paths"):
        if kind in filters and f"{kind}-ignore" in filters:
            place.refuse(
                "pipeline.invalid",
                f"has `{kind}` and `{kind}-ignore`, of which the platform takes one",
                f"write `{kind}`, and `!` before what is left out",
            )
    names = place.child("workflows").texts() if name == "workflow_run" else ()
    if name == "workflow_run" and not names:
        place.refuse("pipeline.invalid", "names no workflow", "write `workflows: [NAME]`")
    return Trigger(name, _types(name, place.child("types")) if place.has("types") else None, filters, names)


def _patterns(place: Place) -> tuple[str, ...]:
    patterns = place.texts("a list of patterns")
    for pattern in patterns:
        try:
            compiled(pattern.removeprefix("!"))
        except PatternError as error:
            place.refuse("pipeline.invalid", f"has a pattern that {error}: `{shown(pattern)}`", "mend the pattern")
    if place.path[-1] in {"branches", "tags", "paths"} and patterns and all(text.startswith("!") for text in patterns):
        place.refuse(
            "pipeline.invalid",
            "has only patterns that begin with `!`, so that it chooses nothing",
            f"write `{place.path[-1]}-ignore`, or a pattern before them that chooses",
        )
    return patterns


def _types(name: str, place: Place) -> tuple[str, ...]:
    types = place.texts("a list of activity types")
    known = _TYPES[name]
    for given in types:
        if known and given not in known:
            place.refuse(
                "pipeline.invalid",
                f"has `{shown(given)}`, which is no activity of `{name}`",
                f"it has {', '.join(known)}",
            )
    return types


def _crons(place: Place) -> tuple[str, ...]:
    found = []
    for entry in place.elements("a list of `cron` lines"):
        entry.known(("cron", "timezone"), "a schedule")
        line = entry.child("cron").text("a cron line")
        if len(line.split()) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
            entry.refuse("pipeline.invalid", f"is no cron line of five fields: `{shown(line)}`", 'write "15 4 * * *"')
        found.append(line)
    if not found:
        place.refuse("pipeline.invalid", "has no `cron` line", 'write `- cron: "15 4 * * *"`')
    return tuple(found)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{shown(name)}`" for name in names[:5])
