"""What environment.yaml may say of a workspace, and what variables its services may name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mde_grader.codec.nodes import Node
from mde_grader.environments import Variable
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.commands import SCRATCH
from mde_grader.variables import references

MEANINGLESS = (
    *("command", "entrypoint", "depends_on", "cap_add", "read_only", "stop_signal", "stop_grace_period"),
    *("ready", "ready_seconds", "aliases", "inspect"),
)
"""Keys of a service that a workspace has no use for: it is not started, and its profile is the candidate's."""


def is_workspace(service: Node) -> bool:
    """Whether a service is a workspace."""
    extension = service.data.get("x-mde") if isinstance(service.data, Mapping) else None
    return isinstance(extension, Mapping) and extension.get("workspace") is True


def insist_on_workspace(node: Node, spec: ServiceSpec) -> None:
    """Refuse what a workspace cannot be.

    Raises:
        LabInvalidError: Names file, line and key.
    """
    for name, child in (*node.items(), *node.child("x-mde", node.data["x-mde"]).items()):
        if name in MEANINGLESS:
            child.fail("has no meaning for a workspace: checks say what runs in it, with the candidate's profile")
    _insist_on_place(node, spec)
    if spec.user is not None and not re.fullmatch(r"[1-9][0-9]{0,8}(:[0-9]{1,9})?", spec.user):
        node.child("user", spec.user).fail("must be a number, and not root's")


def _insist_on_place(node: Node, spec: ServiceSpec) -> None:
    """Commands work where the first volume is, or in /tmp where there is none."""
    place = spec.mounts[0].target.rstrip("/") if spec.mounts else SCRATCH
    if (spec.working_dir or ("" if spec.mounts else SCRATCH)).rstrip("/") != place:
        where = "its first volume is" if spec.mounts else "commands of a workspace without `volumes` work"
        node.fail(f"needs `working_dir: {place}`, where {where}")
    if spec.mounts and spec.mounts[0].read_only:
        node.child("volumes", node.data["volumes"]).fail("must be writable")


def insist_on_known_variables(node: Node, variables: Mapping[str, Variable], *, workspace: bool) -> None:
    """Refuse variables in a service's environment that there are not, or that a workspace must not see.

    Args:
        node: The service.
        variables: What the lab declares.
        workspace: Whether what runs in it is the candidate's.

    Raises:
        LabInvalidError: Names file, line and key.
    """
    parts = node.data.get("environment") or {}
    here = node.child("environment", parts)
    entries = here.entries() if isinstance(parts, list) else [child for _, child in here.items()]
    for entry in entries:
        try:
            names = references(str(entry.data))
        except ValueError as error:
            entry.fail(str(error))
        for name in names:
            if name not in variables:
                entry.fail(f"names ${{{name}}}, which is not in `x-mde: variables`")
            if workspace and variables[name].secret:
                entry.fail(f"names the secret ${{{name}}}: the candidate's code runs in a workspace and would read it")
