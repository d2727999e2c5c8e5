"""Reading a state file, format version 4, as Terraform and OpenTofu write it.

The state is the candidate's word: it says which things an environment claims as its own. What these are like is
asked of the cloud.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VERSION = 4
"""Of the format, https://developer.hashicorp.com/terraform/language/state."""


@dataclass(frozen=True, slots=True)
class Managed:
    """One thing that a state claims: its address in the configuration, its type, and the provider's id for it."""

    address: str
    kind: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What a state claims, and its outputs by name."""

    managed: tuple[Managed, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def ids(self, kind: str) -> frozenset[str]:
        """Ids of the things of one type, such as `aws_vpc`."""
        return frozenset(thing.id for thing in self.managed if thing.kind == kind)

    def address(self, identity: str) -> str:
        """Address of the thing with that id; empty when the state does not know it."""
        return next((thing.address for thing in self.managed if thing.id == identity), "")


def read_statefile(content: bytes) -> State:
    """Read a state; what has not the expected shape is left out.

    Raises:
        ValueError: It is not a state of version 4.
    """
    data = json.loads(content)
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise ValueError(f"not a state of version {VERSION}")
    outputs = data.get("outputs")
    return State(
        managed=tuple(thing for row in _rows(data.get("resources")) for thing in _things(row)),
        outputs={
            str(name): output.get("value")
            for name, output in (outputs.items() if isinstance(outputs, dict) else ())
            if isinstance(output, dict)
        },
    )


def _rows(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _things(row: Mapping[str, Any]) -> list[Managed]:
    if row.get("mode") != "managed":
        return []
    start = ".".join(str(row[part]) for part in ("module", "type", "name") if row.get(part))
    found = []
    for instance in _rows(row.get("instances")):
        attributes = instance.get("attributes")
        if isinstance(attributes, dict):
            index = instance.get("index_key")
            address = start if index is None else f"{start}[{json.dumps(index)}]"
            found.append(Managed(address, str(row.get("type")), str(attributes.get("id") or ""), attributes))
    return found
