"""The GitLab pipeline of one repository: what is refused, which jobs an event lets in, who waits or is cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graders.pipelines.conditions import ConditionError
from graders.pipelines.events import Event
from graders.pipelines.gitlab_files import FILE, Configuration, read_configuration
from graders.pipelines.gitlab_refs import lets_in
from graders.pipelines.gitlab_rules import (
    SKIPS,
    SOURCES,
    Circumstances,
    expanded,
    matching,
    own_variables,
    predefined,
)
from graders.pipelines.gitlab_support import check, stage_of
from graders.pipelines.places import Place
from graders.pipelines.refusals import Findings, Refusal, RefusedError, refuse
from graders.pipelines.runs import Group, Run

_RUNNERS_OWN = ".gitlab-ci-local"


@dataclass(frozen=True)
class GitlabPipeline:
    """The `.gitlab-ci.yml` of one repository, with what it includes.

    Attributes:
        configuration: What it says; None when it cannot be read.
        refusals: Why it is not run here; empty when it is.
        variables: The project's variables.
        files: Paths of the repository.
        actions: Always empty.
    """

    configuration: Configuration | None
    refusals: tuple[Refusal, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()

    def runs(self, event: Event) -> tuple[Run, ...]:
        """The one pipeline that the event starts, with the jobs that it lets in and that wait for nobody."""
        let_in, why = self._let_in(event)
        if why or self.configuration is None:
            return ()
        started = tuple(name for name, when in let_in.items() if when != "manual")
        left_out = tuple(name for name in self.configuration.jobs if name not in let_in)
        groups = tuple(self._groups(self.configuration, event, started))
        return (Run(FILE, event, groups, started, "pipeline", left_out),)

    def why_not(self, event: Event) -> str:
        """In a sentence why the event starts nothing; empty when it starts something."""
        return self._let_in(event)[1]

    def _let_in(self, event: Event) -> tuple[dict[str, str], str]:
        """The jobs that an event lets in, each with its `when`; or why there is no pipeline."""
        configuration = self.configuration
        if self.refusals or configuration is None:
            return {}, "it is refused"
        if event.name not in SOURCES:
            return {}, f"`{event.name}` is nothing that starts a pipeline"
        if event.name == "push" and SKIPS.search(event.message):
            return {}, "the commit's message asks to skip it"
        try:
            return self._jobs(configuration, event)
        except (ConditionError, RefusedError) as error:
            return {}, str(error)

    def _jobs(self, configuration: Configuration, event: Event) -> tuple[dict[str, str], str]:
        variables = self._variables(configuration.root, event)
        workflow = configuration.root.child("workflow").child("rules")
        if workflow.data:
            rule = matching(workflow, Circumstances(event, variables, self.files))
            if rule is None or rule.child("when").data == "never":
                return {}, "`workflow: rules` does not let it in"
            variables |= own_variables(rule.child("variables"))
        let_in = {}
        for name, job in configuration.jobs.items():
            own = {**variables, **own_variables(job.child("variables"))}
            when = _when(job, Circumstances(event, own, self.files))
            if when != "never":
                let_in[name] = when
        missing = _missing(configuration, let_in)
        if missing:
            return {}, f"`{missing[0]}` needs `{missing[1]}`, which this event does not let in"
        return let_in, "" if any(when != "manual" for when in let_in.values()) else "no job is let in"

    def _variables(self, root: Place, event: Event) -> dict[str, str]:
        return {**own_variables(root.child("variables")), **self.variables, **predefined(event)}

    def _groups(self, configuration: Configuration, event: Event, names: tuple[str, ...]) -> Iterator[Group]:
        jobs = {name: configuration.jobs[name] for name in names}
        variables = self._variables(configuration.root, event)
        for name, job in jobs.items():
            place = job.child("resource_group")
            if place.data is not None:
                own = {**variables, **own_variables(job.child("variables"))}
                yield Group(expanded(place.text(), own), job=name, queues=True)
        if event.branch:
            yield from _cancelling(configuration, event, jobs)


def read_gitlab(files: Mapping[str, bytes], variables: Mapping[str, str], *, chooses: bool = False) -> GitlabPipeline:
    """Read the pipeline of a repository; what is wrong with it is among its refusals.

    Args:
        files: The repository, path to content.
        variables: The project's variables.
        chooses: Whether the runner is told which jobs to leave out; else `only` and `except` are refused.
    """
    findings = Findings()
    configuration: Configuration | None = None
    with findings.gathered():
        own = sorted(path for path in files if path.startswith(_RUNNERS_OWN))
        if own:
            message = "it is the runner's own, and GitLab does not read it"
            raise refuse("pipeline.invalid", message, where=own[0], hint=f"put what it says into {FILE}")
    with findings.gathered():
        configuration = read_configuration(files)
        check(configuration, findings, chooses=chooses)
    return GitlabPipeline(configuration, findings.all(), dict(variables), frozenset(files))


def _when(job: Place, at: Circumstances) -> str:
    """When a job runs; `never` for one that is not let in."""
    own = job.child("when").data or "on_success"
    if not job.has("rules"):
        return str(own) if lets_in(job, at) else "never"
    rule = matching(job.child("rules"), at)
    return "never" if rule is None else str(rule.child("when").data or own)


def _missing(configuration: Configuration, let_in: Mapping[str, str]) -> tuple[str, str] | None:
    """A job that is let in, and one that it needs and that is not."""
    for name in let_in:
        for need in configuration.jobs[name].child("needs").elements():
            wanted = need.child("job").data if isinstance(need.data, Mapping) else need.data
            optional = isinstance(need.data, Mapping) and need.child("optional").data is True
            if wanted not in let_in and not optional:
                return name, str(wanted)
    return None


def _cancelling(configuration: Configuration, event: Event, jobs: Mapping[str, Place]) -> Iterator[Group]:
    """How a newer pipeline of the same branch cancels this one, by `workflow: auto_cancel` and `interruptible`."""
    place = configuration.root.child("workflow").child("auto_cancel").child("on_new_commit")
    how = place.data or "conservative"
    name = f"newest of {event.branch}"
    stays = tuple(job for job, place in jobs.items() if place.child("interruptible").data is not True)
    if how == "interruptible":
        yield Group(name, alongside=True, kept=True)
        for job in jobs:
            if job not in stays:
                yield Group(name, job=job, alongside=True)
        return
    stages = [stage_of(place) for place in jobs.values()]
    first = min(stages, key=configuration.stages.index)
    at_once = {job for job, stage in zip(jobs, stages, strict=True) if stage == first}
    at_once |= {job for job, place in jobs.items() if place.child("needs").data == []}
    kept = how == "none" or bool(at_once & set(stays))
    yield Group(name, alongside=True, unless_begun=stays, kept=kept)
