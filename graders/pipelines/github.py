"""GitHub workflows of one repository: what is refused, what an event starts, in which concurrency groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.pipelines.contexts import contexts
from graders.pipelines.events import Event, pull_request, push, tag
from graders.pipelines.expressions import ExpressionError, UnknownError, as_text, filled
from graders.pipelines.matrices import combinations
from graders.pipelines.places import Place
from graders.pipelines.refusals import Findings, Refusal, RefusedError, refuse
from graders.pipelines.runs import Group, Run
from graders.pipelines.support import DEEPEST, Support
from graders.pipelines.workflows import FOLDER, MOST_FILES, Workflow, check_jobs, is_workflow, read_workflow

_KEYS = ("group", "cancel-in-progress", "queue")
_EXAMPLES = (push(), tag("v1"), pull_request())
"""Events for which groups are worked out once, so that what cannot be is told before anything runs."""


@dataclass(frozen=True)
class GithubPipeline:
    """The workflows of one repository.

    Attributes:
        workflows: Those that can be read, by path.
        refusals: Why the pipeline is not run here; empty when it is.
        actions: Shipped actions that it uses, as `actions/checkout@v4`.
        variables: The repository's variables.
    """

    workflows: Mapping[str, Workflow]
    refusals: tuple[Refusal, ...]
    actions: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def runs(self, event: Event) -> tuple[Run, ...]:
        """What the event starts, a run a workflow, in the order of files; nothing when it is refused."""
        if self.refusals:
            return ()
        started = [one for one in self.workflows.values() if not self._why_not(one, event)]
        return tuple(Run(one.file, event, tuple(self._groups(one, event)), name=one.name) for one in started)

    def why_not(self, event: Event) -> str:
        """In a sentence why the event starts nothing; empty when it starts something."""
        reasons = {one.file: self._why_not(one, event) for one in self.workflows.values()}
        if not reasons:
            return f"there is no workflow in {FOLDER}"
        if self.refusals:
            return "it is refused"
        if not all(reasons.values()):
            return ""
        return "; ".join(f"{file}: {why}" for file, why in reasons.items())

    def _why_not(self, workflow: Workflow, event: Event) -> str:
        trigger = workflow.triggers.get(event.name)
        return trigger.why_not(event) if trigger else f"`on` does not name `{event.name}`"

    def _groups(self, workflow: Workflow, event: Event) -> Iterator[Group]:
        given = contexts(event, file=workflow.file, name=workflow.name, variables=self.variables)
        for place, within, job in self._concurrent(workflow, given):
            try:
                yield group_of(place, within, job)
            except RefusedError:  # an event unlike those that were tried when it was read
                continue

    def _concurrent(
        self, workflow: Workflow, given: Mapping[str, Any], job: str = "", depth: int = 0
    ) -> Iterator[tuple[Place, Mapping[str, Any], str]]:
        """Each `concurrency` of a workflow and of those that it calls, its contexts, and the job that it is about."""
        if workflow.root.child("concurrency").data is not None:
            yield workflow.root.child("concurrency"), given, job
        for name, place in workflow.jobs.items():
            if place.child("concurrency").data is not None:
                for one in _cases(place, given):
                    yield place.child("concurrency"), one, job or name
            called = self.workflows.get(str(place.child("uses").data).removeprefix("./"))
            if called is not None and depth < DEEPEST:
                yield from self._concurrent(called, given, job or name, depth + 1)


def read_github(files: Mapping[str, bytes], variables: Mapping[str, str], *, chained: bool = True) -> GithubPipeline:
    """Read the workflows of a repository; what is wrong with them is among its refusals.

    Args:
        files: The repository, path to content.
        variables: The repository's variables.
        chained: Whether the ends of runs are told to it as events; else `workflow_run` is refused.
    """
    findings = Findings()
    paths = sorted(path for path in files if is_workflow(path))
    with findings.gathered():
        if not paths:
            raise refuse("pipeline.missing", "there is no workflow", where=FOLDER, hint=f"write {FOLDER}/NAME.yml")
        if len(paths) > MOST_FILES:
            message = f"there are more than {MOST_FILES} workflows"
            raise refuse("pipeline.text", message, where=FOLDER, hint="take out those that nobody needs")
    workflows: dict[str, Workflow] = {}
    for path in paths[:MOST_FILES]:
        with findings.gathered():
            workflows[path] = read_workflow(files[path], path)
    support = Support(files, workflows, findings, variables, chained)
    for workflow in workflows.values():
        before = len(findings.all())
        check_jobs(workflow, findings)
        if len(findings.all()) == before and workflow.triggers.keys() != {"workflow_call"}:
            support.check(workflow)
    pipeline = GithubPipeline(workflows, (), tuple(support.actions), dict(variables))
    if not findings.all():
        _check_groups(pipeline, findings)
    return GithubPipeline(workflows, findings.all(), pipeline.actions, pipeline.variables)


def group_of(place: Place, within: Mapping[str, Any], job: str) -> Group:
    """The group that a `concurrency` names.

    Args:
        place: What stands under `concurrency`: a name, or a mapping.
        within: The contexts of its expressions.
        job: The job that it is about; empty for the whole run.

    Raises:
        RefusedError: The platform would not take it, or it cannot be worked out beforehand.
    """
    if not isinstance(place.data, Mapping):
        return Group(_named(place, within), job=job)
    place.known(_KEYS, "`concurrency`")
    if not place.has("group"):
        place.refuse("pipeline.invalid", "has no `group`", "write `group: NAME`")
    name = _named(place.child("group"), within)
    cancels = as_text(_worked_out(place.child("cancel-in-progress"), within)).lower() == "true"
    queue = as_text(_worked_out(place.child("queue"), within)) or "single"
    if queue not in {"single", "max"}:
        place.child("queue").refuse("pipeline.invalid", "is no way to wait", "write `single` or `max`")
    if queue == "max" and cancels:
        place.refuse("pipeline.invalid", "has `queue: max` and `cancel-in-progress`", "take one of the two out")
    return Group(name, cancels, job, queues=queue == "max")


def _check_groups(pipeline: GithubPipeline, findings: Findings) -> None:
    for workflow in pipeline.workflows.values():
        tried = [event for event in _EXAMPLES if event.name in workflow.triggers]
        for event in tried or [Event(next(iter(workflow.triggers)))]:
            given = contexts(event, file=workflow.file, name=workflow.name, variables=pipeline.variables)
            for place, within, job in pipeline._concurrent(workflow, given):  # noqa: SLF001 - its own module
                with findings.gathered():
                    group_of(place, within, job)


def _cases(job: Place, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        found = combinations(job, given)
    except RefusedError:  # told already, among the refusals
        found = None
    return [given] if found is None else [{**given, "matrix": one} for one in found]


def _named(place: Place, within: Mapping[str, Any]) -> str:
    name = as_text(_worked_out(place, within))
    if not name:
        place.refuse("pipeline.invalid", "is empty for a push", "add what is never empty: `|| github.run_id`")
    return name


def _worked_out(place: Place, within: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON values
    if not isinstance(place.data, str):
        return None if place.data is None else (place.data if isinstance(place.data, bool) else place.text())
    try:
        return filled(place.data, within)
    except UnknownError as error:
        hint = "name the group by `github.workflow`, `github.ref` and texts"
        place.refuse("pipeline.expression", str(error), hint)
    except ExpressionError as error:
        place.refuse("pipeline.invalid", f"has an expression that {error}", "mend the expression")
