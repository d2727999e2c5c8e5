"""The keys of a Compose service: which are read, which change nothing here, and which are refused and why."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.values import Value

_OURS = "the lab sets its own limits"
_NO_TERMINAL = "services run without a terminal"
WITHOUT_EFFECT: dict[str, str] = {
    "annotations": "nothing reads them here",
    "attach": "logs are kept in any case",
    "blkio_config": _OURS,
    "cpu_count": _OURS,
    "cpu_percent": _OURS,
    "cpu_period": _OURS,
    "cpu_quota": _OURS,
    "cpu_shares": _OURS,
    "cpus": _OURS,
    "cpuset": _OURS,
    "deploy": "one container of each service is started, within the lab's limits",
    "develop": "files are not watched here",
    "domainname": "services are found by their names",
    "expose": "services of a stack reach each other on every port",
    "healthcheck": "the lab looks for itself whether the service is ready",
    "hostname": "services are found by their names",
    "init": "every service gets an init process here",
    "labels": "nothing reads them here",
    "logging": "logs are kept by the lab",
    "mem_limit": _OURS,
    "mem_reservation": _OURS,
    "mem_swappiness": _OURS,
    "memswap_limit": _OURS,
    "pids_limit": _OURS,
    "platform": "everything runs on linux/amd64",
    "ports": "ports are not published; the lab's checks reach the service on its own port",
    "pull_policy": "nothing is pulled while an attempt runs",
    "restart": "a service that ends stays down, so that its end can be seen",
    "scale": "one container of each service is started",
    "shm_size": _OURS,
    "stdin_open": _NO_TERMINAL,
    "tty": _NO_TERMINAL,
    "ulimits": _OURS,
}
"""Accepted, and why nothing happens."""

_NOT_RUN = frozenset({"healthcheck"})
"""What checks may read, so that it has an effect, though nothing carries it out."""

SILENT = frozenset({"annotations", "attach", "expose", "init", "labels", "logging", "pull_policy"})
"""Of those, the ones that nobody could miss: no note is made."""

_NAMESPACE = ("compose.host-namespace", "remove it: each service has namespaces of its own")
_DEVICE = ("compose.device", "remove it: no device is handed to a service")
_HOST = ("compose.forbidden", "remove it: the lab does not need it")
REFUSED: dict[str, tuple[str, str]] = {
    "cgroup": _NAMESPACE,
    "cgroup_parent": _NAMESPACE,
    "credential_spec": _HOST,
    "device_cgroup_rules": _DEVICE,
    "devices": _DEVICE,
    "dns": ("compose.forbidden", "remove it: the stack has its own name server"),
    "dns_opt": ("compose.forbidden", "remove it: the stack has its own name server"),
    "dns_search": ("compose.forbidden", "remove it: the stack has its own name server"),
    "extends": ("compose.forbidden", "write the service out, or share a block with an anchor: &name and <<: *name"),
    "external_links": ("compose.forbidden", "remove it: only services of this file can be reached"),
    "extra_hosts": ("compose.forbidden", "remove it: services reach each other by their names"),
    "gpus": _DEVICE,
    "group_add": ("compose.forbidden", "set the group with `user: name:group`"),
    "ipc": _NAMESPACE,
    "isolation": _HOST,
    "mac_address": _HOST,
    "network_mode": ("compose.host-namespace", "remove it: every service is on the stack's network"),
    "oom_kill_disable": _HOST,
    "oom_score_adj": _HOST,
    "pid": _NAMESPACE,
    "privileged": ("compose.privileged", "remove it: services get no rights over the machine"),
    "provider": _HOST,
    "runtime": _HOST,
    "storage_opt": _HOST,
    "sysctls": _HOST,
    "use_api_socket": ("compose.bind", "remove it: no service reaches the engine"),
    "userns_mode": _NAMESPACE,
    "uts": _NAMESPACE,
    "volumes_from": ("compose.volume", "name the volume under `volumes` of both services"),
}
"""Refused, with the rule and the next step."""


def note_of(service: str, key: str) -> str:
    """What the candidate is told of a key of `WITHOUT_EFFECT`."""
    verb = "is not run" if key in _NOT_RUN else "has no effect"
    return f"`{key}` of {service} {verb}: {WITHOUT_EFFECT[key]}"


def refuse_known(service: str, key: str, value: Value) -> None:
    """Refuse a key of `REFUSED`, but for the value that asks for nothing (`privileged: false`, an empty list).

    Raises:
        SubmissionRefusedError: The key asks for something.
    """
    if value.data in (False, None, [], {}, "", "false"):
        return
    rule, hint = REFUSED[key]
    raise refuse(rule, f"service {shown(service)}: `{key}` is not accepted", where=value.where, hint=hint)


def check_known(value: Value, known: Iterable[str], what: str) -> None:
    """Refuse keys that are neither in `known` nor begin with `x-`; the nearest known one is named.

    Raises:
        SubmissionRefusedError: There is such a key.
    """
    names = sorted(known)
    for key, child in value.items():
        if key in names or key.startswith("x-"):
            continue
        near = difflib.get_close_matches(key[:60], names, 1)
        raise refuse(
            "compose.unknown-key",
            f"{what}: `{shown(key)}` is not a key that is accepted here",
            where=child.where,
            hint=f"did you mean `{near[0]}`?" if near else f"accepted are {', '.join(names)}"[:400],
        )
