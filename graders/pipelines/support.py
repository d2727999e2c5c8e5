"""What of a GitHub workflow is not run here, found before anything runs: each finding is one refusal."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from graders.pipelines.expressions import LATER, ExpressionError, UnknownError, as_text, filled
from graders.pipelines.matrices import combinations
from graders.pipelines.places import Place, read_place
from graders.pipelines.refusals import Findings, shown
from graders.pipelines.shipped import (
    ACTIONS,
    NODE,
    PYTHON,
    RUNNERS,
    is_node,
    is_python,
    is_runner,
    is_shell,
    wrong_ref,
)
from graders.pipelines.workflows import Workflow, check_step, is_workflow

LARGEST = 10_000
"""Steps of one job, times the jobs of its matrix."""

MOST_CALLS = 100
"""Workflows that are called, each as often as it is."""

DEEPEST = 10
"""Workflows that call one another, and actions that use one another."""

_REMOTE = re.compile(r"(?P<name>[\w.-]+/[\w.-]+(?:/[\w./-]+)?)@(?P<ref>[^\s@]+)")
_DATABASE = "take it out, and use the database whose address the pipeline is given"
_NEWER = "is newer than the runner in here, which would not take the file"
_SCOPES = (
    *("actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models"),
    *("packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"),
)
_NEWER_SCOPES = ("artifact-metadata",)
Contexts = Mapping[str, Any]


@dataclass
class Support:
    """Looks at all workflows of one repository.

    Attributes:
        files: The repository, path to content.
        workflows: Its workflows, by path.
        findings: Where refusals go.
        variables: The repository's variables.
        chained: Whether workflows are told of the end of others.
        actions: Shipped actions that are used, as `name@ref`, in the order in which they are met.
    """

    files: Mapping[str, bytes]
    workflows: Mapping[str, Workflow]
    findings: Findings
    variables: Mapping[str, str]
    chained: bool = True
    actions: dict[str, None] = field(default_factory=dict)
    _looked_at: set[str] = field(default_factory=set)
    _calls: int = 0

    def check(self, workflow: Workflow) -> None:
        """Gather what of a workflow, and of all that it calls, is not run here."""
        with self.findings.gathered():
            self._check_chain(workflow)
        self._workflow(workflow, {"vars": dict(self.variables), "inputs": {}}, (workflow.file,))

    def _check_chain(self, workflow: Workflow) -> None:
        if "workflow_run" in workflow.triggers and not self.chained:
            place = workflow.root.child("on").child("workflow_run")
            hint = "call it by `uses: ./.github/workflows/NAME.yml` in a job that `needs` the others"
            place.refuse(
                "pipeline.trigger", "waits for the end of another workflow, which nothing in here tells it", hint
            )

    def _workflow(self, workflow: Workflow, contexts: Contexts, chain: tuple[str, ...]) -> None:
        contexts = _with_env(workflow.root, contexts)
        for check in (_check_permissions, _check_newer):
            with self.findings.gathered():
                check(workflow.root)
        with self.findings.gathered():
            _check_shell(workflow.root.child("defaults").child("run").child("shell"), [contexts])
        for job in workflow.jobs.values():
            self._job(job, _with_env(job, contexts), chain)

    def _job(self, job: Place, contexts: Contexts, chain: tuple[str, ...]) -> None:
        if job.has("uses"):
            with self.findings.gathered():
                self._called(job, contexts, chain)
            return
        for check in (_check_services, _check_container, _check_continues, _check_permissions, _check_newer):
            with self.findings.gathered():
                check(job)
        with self.findings.gathered():
            found = combinations(job, contexts)
            self._cases(job, [contexts] if found is None else [{**contexts, "matrix": one} for one in found], chain)

    def _cases(self, job: Place, cases: list[Contexts], chain: tuple[str, ...]) -> None:
        """What depends on the values of a job's matrix."""
        with self.findings.gathered():
            _check_runner(job, cases)
        with self.findings.gathered():
            _check_shell(job.child("defaults").child("run").child("shell"), cases)
        steps = job.child("steps").elements()
        if len(steps) * len(cases) > LARGEST:
            job.refuse("pipeline.invalid", f"makes more than {LARGEST} steps", "take values out of its matrix")
        for step in steps:
            with self.findings.gathered():
                self._step(step, cases, chain)

    def _step(self, step: Place, cases: list[Contexts], chain: tuple[str, ...]) -> None:
        _check_shell(step.child("shell"), cases)
        if not isinstance(step.child("uses").data, str):
            return
        place = step.child("uses")
        text = place.text()
        if text.startswith("docker://"):
            place.refuse(
                "pipeline.docker",
                "is a container image, and there is no engine in here",
                "write its commands into `run`",
            )
        if text.startswith(("./", "../")):
            self._local(place, text, cases, chain)
            return
        match = _REMOTE.fullmatch(text)
        if match is None:
            hint = "write owner/name@tag, or ./folder for an action of the repository"
            place.refuse("pipeline.invalid", f"names no action: `{shown(text)}`", hint)
        self._shipped(place, match["name"], match["ref"])
        if match["name"] == "actions/setup-python":
            _check_python(step, [_with_env(step, case) for case in cases])
            self._check_version_file(step.child("with").child("python-version-file"))
        if match["name"] == "actions/setup-node":
            _check_node(step, [_with_env(step, case) for case in cases])

    def _shipped(self, place: Place, name: str, ref: str) -> None:
        if name not in ACTIONS:
            place.refuse(
                "pipeline.action",
                f"asks for `{shown(name)}`, and nothing outside of here can be fetched",
                f"write its commands into `run`, or use {', '.join(ACTIONS)}",
            )
        why = wrong_ref(name, ref)
        if why:
            place.refuse("pipeline.action", f"asks for `{name}` at `{shown(ref)}`: {why}", f"write {name}@v4")
        self.actions[f"{name}@{ref}"] = None

    def _check_version_file(self, place: Place) -> None:
        """A `.python-version` names a version a line; other files say what the application takes, and are not read."""
        content = self.files.get(str(place.data).removeprefix("./"), b"")
        if str(place.data).endswith(".python-version"):
            lines = content.decode(errors="replace").splitlines()[:10]
            for version in (line.strip() for line in lines if not line.strip().startswith("#")):
                if version and not is_python(version):
                    message = f"names a file that asks for `{shown(version)}`, and only Python {PYTHON} is here"
                    place.refuse("pipeline.python", message, f"write {PYTHON} into it")

    def _local(self, place: Place, text: str, cases: list[Contexts], chain: tuple[str, ...]) -> None:
        found = self._action_file(text)
        if found is None:
            hint = "commit its action.yml at that path, from the repository's root"
            place.refuse("pipeline.action", f"names `{shown(text)}`, where the repository has no action", hint)
        if found in chain or len(chain) >= DEEPEST:
            message = "uses itself, or goes too deep, through the actions that it uses"
            place.refuse("pipeline.invalid", message, "take one `uses` out")
        if posixpath.basename(found).lower() == "dockerfile":
            self._no_docker(place)
        if found in self._looked_at:
            return
        self._looked_at.add(found)
        root = read_place(self.files[found], found)
        runs = root.child("runs")
        using = as_text(runs.child("using").data)
        if using == "docker":
            self._no_docker(runs.child("using"))
        if using == "composite":
            inputs = {name: LATER for name, _ in root.child("inputs").items()}
            for step in runs.child("steps").elements():
                with self.findings.gathered():
                    check_step(step, composite=True)
                    self._step(step, [{**case, "inputs": inputs} for case in cases], (*chain, found))
        elif not re.fullmatch(r"node\d+", using):
            runs.refuse(
                "pipeline.invalid",
                f"uses `{shown(using)}`, which is no way to run an action",
                "write `using: composite`",
            )

    def _no_docker(self, place: Place) -> NoReturn:
        place.refuse(
            "pipeline.docker", "is an action in a container, and there is no engine in here", "make it a composite one"
        )

    def _action_file(self, text: str) -> str | None:
        """The file of a local action; a folder into which the repository was checked out may come before its path."""
        parts = posixpath.normpath(text).split("/")
        for start in range(len(parts)):
            folder = "/".join(parts[start:])
            for name in ("action.yml", "action.yaml", "Dockerfile"):
                path = name if folder == "." else f"{folder}/{name}"
                if path in self.files:
                    return path
        return None

    def _called(self, job: Place, contexts: Contexts, chain: tuple[str, ...]) -> None:
        place = job.child("uses")
        text = place.text()
        path = text.removeprefix("./")
        if not text.startswith("./"):
            hint = "copy it into .github/workflows and call it by ./.github/workflows/NAME.yml"
            place.refuse("pipeline.reusable", "is a workflow of another repository, which cannot be fetched", hint)
        called = self.workflows.get(path)
        if called is None or not is_workflow(path):
            hint = "name a file directly in ./.github/workflows, without a tag"
            place.refuse("pipeline.invalid", f"names `{shown(text)}`, where there is no workflow", hint)
        if "workflow_call" not in called.triggers:
            place.refuse(
                "pipeline.invalid", f"calls `{shown(text)}`, which has no `workflow_call`", "add it under its `on`"
            )
        if path in chain or len(chain) >= DEEPEST:
            message = "calls itself, or goes too deep, through the workflows that it calls"
            place.refuse("pipeline.invalid", message, "take one call out")
        self._calls += 1
        if self._calls > MOST_CALLS:
            place.refuse("pipeline.invalid", f"is one of more than {MOST_CALLS} calls", "call fewer workflows")
        declared = called.root.child("on").child("workflow_call").child("inputs")
        inputs: dict[str, Any] = {name: one.child("default").data for name, one in declared.items()}
        for name, given in job.child("with").items():
            if name not in inputs:
                given.refuse("pipeline.invalid", f"is no input of `{shown(text)}`", "declare it under `workflow_call`")
            inputs[name] = _known(given.data, contexts)
        self._workflow(called, {"vars": dict(self.variables), "inputs": inputs}, (*chain, path))


def _known(data: Any, contexts: Contexts) -> Any:  # noqa: ANN401 - JSON values
    """A value with its expressions worked out, or `LATER`; what is no expression at all is told where it is used."""
    try:
        return filled(data, contexts) if isinstance(data, str) else data
    except ExpressionError:
        return LATER


def _with_env(place: Place, contexts: Contexts) -> Contexts:
    """The contexts inside of a workflow, job or step that has an `env` of its own."""
    if not isinstance(place.child("env").data, Mapping):
        return contexts
    own = {name: _known(value.data, contexts) for name, value in place.child("env").items()}
    return {**contexts, "env": {**contexts.get("env", {}), **own}}


def _values(place: Place, cases: list[Contexts], rule: str, hint: str) -> list[Any]:
    """What stands at a place in each case; lists too."""
    if not isinstance(place.data, list) and "${{" not in str(place.data):
        return [place.data]
    try:
        return [_filled_all(place.data, case) for case in cases]
    except UnknownError as error:
        place.refuse(rule, str(error), hint)
    except ExpressionError as error:
        place.refuse("pipeline.invalid", f"has an expression that {error}", hint)


def _filled_all(data: Any, case: Contexts) -> Any:  # noqa: ANN401
    if isinstance(data, list):
        return [_filled_all(one, case) for one in data]
    return filled(data, case) if isinstance(data, str) else data


def _check_permissions(place: Place) -> None:
    permissions = place.child("permissions")
    if isinstance(permissions.data, Mapping):
        permissions.known((*_SCOPES, *_NEWER_SCOPES), "`permissions`")
        for name, level in permissions.items():
            if level.data not in ("read", "write", "none"):
                level.refuse("pipeline.invalid", "is no level", "write `read`, `write` or `none`")
            if name in _NEWER_SCOPES:
                level.refuse("pipeline.key", _NEWER, "take it out: nothing in here asks for permissions")
    elif permissions.data not in (None, "read-all", "write-all"):
        permissions.refuse("pipeline.invalid", "is no level", "write `read-all`, or a mapping such as `contents: read`")


def _check_newer(place: Place) -> None:
    """Keys that GitHub takes, and the runner in here takes for a mistake."""
    if place.child("concurrency").child("queue").data is not None:
        hint = "take it out: pushes that wait are then replaced by the newest"
        place.child("concurrency").child("queue").refuse("pipeline.key", _NEWER, hint)
    if place.has("snapshot"):
        place.child("snapshot").refuse("pipeline.key", _NEWER, "take it out")
    if place.child("environment").child("deployment").data is not None:
        place.child("environment").child("deployment").refuse("pipeline.key", _NEWER, "take it out")


def _check_services(job: Place) -> None:
    if job.child("services").data:
        job.child("services").refuse(
            "pipeline.services", "asks for containers, and there is no engine in here", _DATABASE
        )


def _check_container(job: Place) -> None:
    if job.child("container").data:
        hint = "take it out: the tools are in the runner already"
        job.child("container").refuse(
            "pipeline.container", "asks for a container, and there is no engine in here", hint
        )


def _check_continues(job: Place) -> None:
    place = job.child("continue-on-error")
    if place.data not in (None, False, "false", "${{ false }}"):
        hint = "write it at the step that may fail"
        place.refuse("pipeline.continue-on-error", "is not carried out for a whole job by the runner in here", hint)


def _check_runner(job: Place, cases: list[Contexts]) -> None:
    place = job.child("runs-on")
    hint = f"write one of {', '.join(RUNNERS)}"
    if isinstance(place.data, Mapping):
        place = place.child("labels") if place.has("labels") else place
        if isinstance(place.data, Mapping):
            place.refuse("pipeline.runs-on", "asks for a group of runners, and there are no groups in here", hint)
    for value in _values(place, cases, "pipeline.runs-on", hint):
        labels = [as_text(one) for one in value] if isinstance(value, list) else [as_text(value)]
        if not is_runner(labels):
            asked = shown(", ".join(labels))
            place.refuse(
                "pipeline.runs-on",
                f"asks for `{asked}`, and no such runner is here; a job without one never runs",
                hint,
            )


def _check_shell(place: Place, cases: list[Contexts]) -> None:
    if place.data is None:
        return
    hint = "write bash, sh or python"
    for value in _values(place, cases, "pipeline.shell", hint):
        if not is_shell(as_text(value)):
            place.refuse("pipeline.shell", f"asks for `{shown(as_text(value))}`, and that shell is not here", hint)


def _check_python(step: Place, cases: list[Contexts]) -> None:
    place = step.child("with").child("python-version")
    hint = f'write python-version: "{PYTHON}", which is what the application is run with'
    _check_versions(place, cases, is_python, ("pipeline.python", f"and only Python {PYTHON} is here", hint))


def _check_node(step: Place, cases: list[Contexts]) -> None:
    place = step.child("with").child("node-version")
    hint = f'write node-version: "{NODE}"'
    _check_versions(place, cases, is_node, ("pipeline.node", "and that Node.js is not here", hint))


def _check_versions(
    place: Place, cases: list[Contexts], is_here: Callable[[str], bool], told: tuple[str, str, str]
) -> None:
    rule, why, hint = told
    if place.data is None:
        return
    for value in _values(place, cases, rule, hint):
        for version in as_text(value).split("\n"):
            if version.strip() and not is_here(version):
                place.refuse(rule, f"asks for `{shown(version)}`, {why}", hint)
