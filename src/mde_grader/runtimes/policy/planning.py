"""From a staged submission to an accepted plan, or a refusal that says why and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mde_grader.environments import Environment
from mde_grader.plans import Plan
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.policy.builds import Builds
from mde_grader.runtimes.policy.compose import plan_compose
from mde_grader.runtimes.policy.dockerfile import Rules
from mde_grader.runtimes.policy.folder import Folder
from mde_grader.runtimes.policy.services import BUILD_PREFIX, scratch
from mde_grader.runtimes.policy.values import Notes

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")


def plan(
    folder: Path, environment: Environment, values: Mapping[str, str], bases: Mapping[str, str], *, label: str = "lab"
) -> Plan:
    """Decide what of a submission is built and started.

    Args:
        folder: The staged submission.
        environment: What the lab allows.
        values: This attempt's values of the lab's variables: all that a Compose file can interpolate beside the
            submission's own `.env`.
        bases: Public names of bases to their tags on this engine.
        label: Value of the label `mde-grade.cache` after each FROM, the lab's id.

    Raises:
        SubmissionRefusedError: A rule is broken; the error names it, with file, line and next step.
        ImageMissingError: A base that the lab accepts is not on this engine.
    """
    if not _LABEL.fullmatch(label):
        raise ValueError(label)
    if environment.kind == "workspace":
        return Plan(builds={}, services=())
    notes = Notes()
    rules = Rules(environment.bases, bases, label, notes.add)
    staged = Folder(folder)
    if environment.kind == "dockerfile":
        return _plan_dockerfile(staged, environment, values, rules, notes)
    return plan_compose(staged, environment, values, rules, notes)


def _plan_dockerfile(
    folder: Folder, environment: Environment, values: Mapping[str, str], rules: Rules, notes: Notes
) -> Plan:
    builds = Builds(folder, rules, values)
    key = builds.dockerfile(environment.main)
    ready = environment.ready.get(environment.main)
    service = ServiceSpec(
        name=environment.main,
        image=BUILD_PREFIX + key,
        environment=dict(values),
        tmpfs=scratch((), environment),
        read_only=not environment.writable_root,
        ready=ready.url if ready else "",
        ready_seconds=ready.seconds if ready else 30.0,
        capabilities=environment.capabilities,
        limits=environment.limits,
    )
    return Plan(builds=builds.plans, services=(service,), notes=notes.lines())
