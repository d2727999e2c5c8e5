"""What GitHub's expressions can know of an event before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graders.pipelines.events import Event

REPOSITORY = "mde/app"
"""Owner and name, as the runner tells a pipeline."""


def contexts(
    event: Event, *, file: str, name: str, variables: Mapping[str, str], inputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The contexts `github`, `vars` and `inputs` of a run that an event starts.

    Args:
        event: What happened.
        file: The workflow's file.
        name: The workflow's name.
        variables: Values of the repository's variables.
        inputs: Values of a workflow's inputs.
    """
    kind = "tag" if event.tag else "branch"
    owner = REPOSITORY.partition("/")[0]
    github: dict[str, Any] = {
        "workflow": name or file,
        "ref": event.ref,
        "ref_name": event.ref_name,
        "ref_type": kind,
        "ref_protected": False,
        "event_name": event.name,
        "event": _payload(event),
        "sha": event.sha,
        "run_id": str(event.run),
        "run_number": str(event.run),
        "run_attempt": "1",
        "repository": REPOSITORY,
        "repository_owner": owner,
        "actor": owner,
        "triggering_actor": owner,
        "head_ref": event.head if event.name.startswith("pull_request") else "",
        "base_ref": event.base,
        "server_url": "https://github.com",
        "workflow_ref": f"{REPOSITORY}/{file}@{event.ref}",
    }
    return {"github": github, "vars": dict(variables), "inputs": dict(inputs or {})}


def _payload(event: Event) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "ref": event.ref,
        "action": event.action or None,
        "repository": {"default_branch": event.default_branch, "full_name": REPOSITORY},
    }
    if event.name == "push":
        payload |= {"after": event.sha, "head_commit": {"id": event.sha, "message": event.message}}
    if event.name.startswith("pull_request"):
        pull = {"number": 1, "head": {"ref": event.head, "sha": event.sha}, "base": {"ref": event.base}}
        payload |= {"number": 1, "pull_request": pull}
    if event.name == "workflow_run":
        run = {"name": event.workflow, "head_branch": event.head, "head_sha": event.sha, "event": "push"}
        payload |= {"workflow_run": {**run, "conclusion": event.conclusion}}
    return payload
