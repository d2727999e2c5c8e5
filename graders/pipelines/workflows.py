"""GitHub workflows as data: what a file holds, and what the platform itself would not take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from graders.pipelines.places import Place, read_place
from graders.pipelines.refusals import Findings, refuse, shown
from graders.pipelines.triggers import Trigger, read_triggers

FOLDER = ".github/workflows"
MOST_FILES = 50
"""Workflows of one repository that are read."""

_TOP = ("name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs")
_BOTH = ("name", "permissions", "needs", "if", "strategy", "concurrency")
_CALL = (*_BOTH, "uses", "with", "secrets")
_JOB = (
    *(*_BOTH, "runs-on", "environment", "outputs", "env", "defaults", "steps", "timeout-minutes"),
    *("continue-on-error", "container", "services", "snapshot"),
)
_STEP = (
    *("id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error"),
    "timeout-minutes",
)
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_MERGE = re.compile(r"(?:^|[{,])[ \t]*(?:- +)?<<[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow.

    Attributes:
        file: Its path in the repository.
        name: What the platform calls it: its `name`, or its path.
        root: The whole file.
        triggers: The events that it names.
        jobs: Its jobs, by id.
    """

    file: str
    name: str
    root: Place
    triggers: Mapping[str, Trigger]
    jobs: Mapping[str, Place]


def is_workflow(path: str) -> bool:
    """Whether a file of the repository is a workflow: directly in the folder, and YAML by its name."""
    place = PurePosixPath(path)
    return str(place.parent) == FOLDER and place.suffix in {".yml", ".yaml"}


def read_workflow(content: bytes, file: str) -> Workflow:
    """Read one workflow.

    Raises:
        RefusedError: It is not YAML, or what stands at its top is not a workflow's.
    """
    root = read_place(content, file)
    merge = _MERGE.search(content.decode(errors="replace"))
    if merge is not None and not isinstance(root.data, str):
        line = content.decode(errors="replace").count("\n", 0, merge.end()) + 1
        message = "merge keys (`<<`) are nothing that GitHub reads"
        raise refuse(
            "pipeline.invalid",
            message,
            where=f"{shown(file)}:{line}",
            hint="write the keys out, or alias a whole value",
        )
    if not isinstance(root.data, Mapping):
        root.wrong("a mapping with `on` and `jobs`")
    root.known(_TOP, "a workflow")
    for key in ("on", "jobs"):
        if not root.has(key):
            root.refuse("pipeline.invalid", f"has no `{key}`", f"write `{key}:`")
    name = root.child("name").text() if root.child("name").data is not None else file
    jobs = dict(root.child("jobs").items("a mapping of jobs"))
    if not jobs:
        root.child("jobs").refuse("pipeline.invalid", "has no job", "write one")
    return Workflow(file, name, root, read_triggers(root.child("on")), jobs)


def check_jobs(workflow: Workflow, findings: Findings) -> None:
    """Gather what the platform would not take in a workflow's jobs."""
    for name, job in workflow.jobs.items():
        with findings.gathered():
            _check_job(name, job, workflow.jobs)
    with findings.gathered():
        _check_circle(workflow)


def check_step(step: Place, *, composite: bool = False) -> None:
    """See that a step is one that the platform takes.

    Args:
        step: The step.
        composite: It stands in an action, where `run` has to name its shell.

    Raises:
        RefusedError: It is not.
    """
    if not isinstance(step.data, Mapping):
        step.wrong("a mapping with `run` or `uses`")
    step.known(_STEP, "a step")
    given = [key for key in ("run", "uses") if step.child(key).data is not None]
    if len(given) != 1:
        amount = "both `run` and `uses`" if given else "neither `run` nor `uses`"
        step.refuse("pipeline.invalid", f"has {amount}", "write one of the two")
    step.child(given[0]).text()
    if composite and given == ["run"] and not step.has("shell"):
        step.refuse("pipeline.invalid", "names no `shell`, which a step of an action has to", "add `shell: bash`")


def needs_of(job: Place) -> tuple[str, ...]:
    """Ids of the jobs that a job waits for.

    Raises:
        RefusedError: They are not written as a text or a list of texts.
    """
    return job.child("needs").texts("a job's id, or a list of ids")


def _check_job(name: str, job: Place, jobs: Mapping[str, Place]) -> None:
    if not _ID.fullmatch(name):
        job.refuse("pipeline.invalid", "is no id of a job", "begin it with a letter, and use letters, digits, - and _")
    if not isinstance(job.data, Mapping):
        job.wrong("a mapping")
    called = job.has("uses")
    job.known(_CALL if called else _JOB, "a job that calls a workflow" if called else "a job")
    for need in needs_of(job):
        if need not in jobs:
            hint = f"there are {', '.join(shown(one) for one in list(jobs)[:10])}"
            job.child("needs").refuse("pipeline.invalid", f"names `{shown(need)}`, which is no job of this file", hint)
    if called:
        return
    if job.child("runs-on").data is None:
        job.refuse("pipeline.invalid", "has no `runs-on`", "write `runs-on: ubuntu-latest`")
    steps = job.child("steps")
    if not isinstance(steps.data, list) or not steps.data:
        job.refuse("pipeline.invalid", "has no list of `steps`", "write at least one step")
    seen: set[str] = set()
    for step in steps.elements():
        check_step(step)
        ident = step.child("id").data
        if ident is not None and str(ident) in seen:
            step.child("id").refuse(
                "pipeline.invalid", f"is `{shown(ident)}` for the second time", "give it its own id"
            )
        seen.add(str(ident))


def _check_circle(workflow: Workflow) -> None:
    """Take away the jobs that wait for none that is left, until none can be taken."""
    left = {name: {need for need in _needs(job) if need in workflow.jobs} for name, job in workflow.jobs.items()}
    while left:
        free = [name for name, needs in left.items() if not needs & left.keys()]
        if not free:
            first = next(iter(left))
            hint = "take one `needs` out"
            workflow.jobs[first].refuse("pipeline.invalid", "waits for itself through the jobs that it needs", hint)
        for name in free:
            del left[name]


def _needs(job: Place) -> tuple[str, ...]:
    data = job.child("needs").data
    return tuple(str(one) for one in data) if isinstance(data, list) else (str(data),)
