"""What of a GitLab pipeline is not run here, or not taken by GitLab itself, found before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graders.pipelines.conditions import ConditionError, DoubtfulError, holds
from graders.pipelines.gitlab_files import Configuration
from graders.pipelines.gitlab_refs import check_refs
from graders.pipelines.gitlab_rules import expanded, globs_of, own_variables
from graders.pipelines.globs import LONGEST, spread
from graders.pipelines.places import Place
from graders.pipelines.refusals import Findings, shown
from graders.pipelines.shipped import IMAGES, is_image

_KEYS = frozenset(
    (
        *("script", "run", "before_script", "after_script", "image", "services", "stage", "variables", "rules", "only"),
        *("except", "when", "allow_failure", "needs", "dependencies", "artifacts", "cache", "environment", "coverage"),
        *("retry", "timeout", "parallel", "tags", "interruptible", "resource_group", "extends", "inherit", "trigger"),
        *("release", "pages", "publish", "secrets", "id_tokens", "hooks", "start_in", "identity", "inputs"),
        *("dast_configuration", "manual_confirmation"),
    )
)
_RULE = ("if", "changes", "exists", "when", "allow_failure", "variables", "needs", "interruptible", "start_in")
MOST_GLOBS = 50
"""Globs of all `exists` together, those with braces counted in full."""

_WHENS = ("on_success", "on_failure", "always", "never", "manual", "delayed")
_NOT_HERE = {
    "release": "write the release by a script",
    "secrets": "take what the pipeline is given as variables",
    "id_tokens": "take what the pipeline is given as variables",
    "identity": "take what the pipeline is given as variables",
    "pages": "keep the files as artifacts",
    "run": "write a `script`",
    "dast_configuration": "take it out",
}
_DATABASE = "take it out, and use the database whose address the pipeline is given"


def check(configuration: Configuration, findings: Findings, *, chooses: bool) -> None:
    """Gather the refusals of all jobs, and of the workflow.

    Args:
        configuration: All files together.
        findings: Where refusals go.
        chooses: Whether the runner is told which jobs an event lets in; else `only` and `except` are refused.
    """
    with findings.gathered():
        _check_rules(configuration.root.child("workflow").child("rules"), workflow=True)
    if not configuration.jobs:
        with findings.gathered():
            configuration.root.refuse("pipeline.invalid", "has no job", "write one with a `script`")
    for name, job in configuration.jobs.items():
        for part in _checks(name, job, configuration, chooses=chooses):
            with findings.gathered():
                part()
    if not findings.all():
        with findings.gathered():
            _check_exists(configuration)


def stage_of(job: Place) -> str:
    """Name of a job's stage.

    Raises:
        RefusedError: It is no text.
    """
    return "test" if job.child("stage").data is None else job.child("stage").text()


def _checks(name: str, job: Place, configuration: Configuration, *, chooses: bool) -> Iterator[Callable[[], None]]:
    yield lambda: _check_shape(job, configuration)
    yield lambda: _check_keys(name, job)
    yield lambda: _check_image(job, configuration)
    yield lambda: _check_services(job)
    yield lambda: _check_refs(job, chooses=chooses)
    yield lambda: _check_when(job, in_rules=False)
    yield lambda: _check_rules(job.child("rules"), workflow=False)
    yield lambda: _check_needs(job, configuration)


def _check_shape(job: Place, configuration: Configuration) -> None:
    job.known(_KEYS, "a job")
    if not job.has("trigger") and not job.has("run") and not job.child("script").data:
        job.refuse("pipeline.invalid", "has no `script`", "write one")
    stage = stage_of(job)
    if stage not in configuration.stages:
        hint = f"there are {', '.join(shown(one) for one in configuration.stages[1:-1])}"
        place = job.child("stage") if job.has("stage") else job
        place.refuse("pipeline.invalid", f"names the stage `{shown(stage)}`, which is not under `stages`", hint)
    if job.has("rules") and (job.has("only") or job.has("except")):
        job.refuse("pipeline.invalid", "has `rules` beside `only` or `except`", "write `rules` alone")


def _check_keys(name: str, job: Place) -> None:
    if name == "pages":
        job.refuse("pipeline.rules", "publishes a site, and nothing in here does", "give the job another name")
    for key, hint in _NOT_HERE.items():
        if job.child(key).data:
            job.child(key).refuse("pipeline.rules", "is not carried out by the runner in here", hint)
    if job.has("trigger"):
        hint = "write the other pipeline's jobs into this one"
        job.child("trigger").refuse("pipeline.trigger", "starts another pipeline, which is not run in here", hint)


def _check_refs(job: Place, *, chooses: bool) -> None:
    for key in ("only", "except"):
        if job.has(key):
            check_refs(job.child(key))
        if job.has(key) and not chooses:
            hint = 'write `rules: - if: $CI_COMMIT_BRANCH == "main"`, or `- if: $CI_COMMIT_TAG`'
            job.child(key).refuse(
                "pipeline.rules", "is not evaluated by the runner in here: the job would always run", hint
            )


def _check_services(job: Place) -> None:
    if job.child("services").data:
        job.child("services").refuse(
            "pipeline.services", "asks for containers, and there is no engine in here", _DATABASE
        )


def _check_image(job: Place, configuration: Configuration) -> None:
    place = job.child("image")
    if place.data is None:
        return
    written = (place.child("name") if isinstance(place.data, Mapping) else place).text("the name of an image")
    variables = own_variables(configuration.root.child("variables")) | own_variables(job.child("variables"))
    name = expanded(written, variables)
    if not is_image(name):
        message = f"is `{shown(name or written)}`; no container is here, and a name is taken for the tools that are"
        place.refuse("pipeline.image", message, f"write {IMAGES}, or leave `image` out")


def _check_when(place: Place, *, in_rules: bool) -> None:
    when = place.child("when")
    if when.data is None:
        return
    if when.text() not in _WHENS:
        when.refuse("pipeline.invalid", f"is `{shown(when.text())}`", f"write one of {', '.join(_WHENS)}")
    if when.data == "delayed":
        when.refuse("pipeline.rules", "is not waited for by the runner in here", "let the script wait")
    allowed = place.child("allow_failure").data
    if when.data == "manual" and (allowed is False or (in_rules and allowed is not True)):
        message = "waits for a person, and holds the pipeline up until one comes"
        when.refuse("pipeline.rules", message, "add `allow_failure: true`, or let it run by itself")


def _check_rules(rules: Place, *, workflow: bool) -> None:
    if rules.data is not None and not isinstance(rules.data, list):
        rules.wrong("a list of rules")
    for rule in rules.elements():
        if not isinstance(rule.data, Mapping):
            rule.wrong("a mapping with `if`, `changes` or `when`")
        rule.known((*_RULE, "auto_cancel") if workflow else _RULE, "a rule")
        if isinstance(rule.child("changes").data, Mapping) and rule.child("changes").has("compare_to"):
            hint = "take it out: the push is compared with the commit before it"
            rule.child("changes").refuse(
                "pipeline.rules", "compares with another branch, which the runner in here does not", hint
            )
        if rule.child("if").data is not None:
            _check_condition(rule.child("if"))
        if workflow and rule.child("when").data not in (None, "always", "never"):
            rule.child("when").refuse("pipeline.invalid", "is neither `always` nor `never`", "write one of the two")
        if not workflow:
            _check_when(rule, in_rules=True)


def _check_exists(configuration: Configuration) -> None:
    """Each glob is held against every file of the repository."""
    places = [configuration.root.child("workflow"), *configuration.jobs.values()]
    rules = [rule for place in places for rule in place.child("rules").elements() if rule.has("exists")]
    globs = [glob for rule in rules for glob in globs_of(rule.child("exists"))]
    if sum(len(spread(glob[:LONGEST])) for glob in globs) > MOST_GLOBS:
        rules[0].child("exists").refuse(
            "pipeline.invalid", f"is one of more than {MOST_GLOBS} globs", "look for fewer files"
        )


def _check_condition(place: Place) -> None:
    try:
        holds(place.text("a condition"), {})
    except DoubtfulError as error:
        hint = "write both ways out, with `&&` and `||`"
        place.refuse("pipeline.rules", f"{error}, which the runner in here does in another way than GitLab", hint)
    except ConditionError as error:
        place.refuse(
            "pipeline.invalid", f"is no condition that GitLab takes: it {error}", 'write it as in $NAME == "text"'
        )


def _check_needs(job: Place, configuration: Configuration) -> None:
    for need in _needs(job):
        if isinstance(need.data, Mapping) and not need.has("job"):
            need.refuse(
                "pipeline.trigger", "waits for another pipeline, which is not run in here", "name a job of this one"
            )
        name = str(need.child("job").data if isinstance(need.data, Mapping) else need.data)
        if isinstance(need.data, Mapping) and (need.has("project") or need.has("pipeline")):
            need.refuse(
                "pipeline.trigger", "waits for another pipeline, which is not run in here", "name a job of this one"
            )
        if name not in configuration.jobs:
            need.refuse("pipeline.invalid", f"names `{shown(name)}`, which is no job", "name a job of this file")


def _needs(job: Place) -> list[Place]:
    needs = job.child("needs")
    return [needs] if isinstance(needs.data, Mapping) else needs.elements("a list of jobs")
