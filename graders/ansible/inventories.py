"""Inventories as a lab hands them to a playbook."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Host:
    """One host of an inventory.

    Attributes:
        name: Its name in the inventory, which need not be one on the network.
        group: The group that it stands in.
        service: The stack's service that it is, and its address.
        user: Who logs in.
        variables: Its own variables.
    """

    name: str
    group: str
    service: str
    user: str
    variables: Mapping[str, object] = field(default_factory=dict)


def inventory(parent: str, hosts: Iterable[Host], variables: Mapping[str, object]) -> bytes:
    """An inventory file in YAML (JSON, which is YAML): groups of hosts below one group, which has the variables."""
    groups: dict[str, dict[str, dict[str, object]]] = {}
    for host in hosts:
        members = groups.setdefault(host.group, {"hosts": {}})["hosts"]
        members[host.name] = {"ansible_host": host.service, "ansible_user": host.user, **host.variables}
    return json.dumps({parent: {"children": groups, "vars": dict(variables)}}, indent=2).encode() + b"\n"
