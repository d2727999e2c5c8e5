"""What a state holds, from `terraform show -json`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graders.terraform.values import Object, mapping, objects, parsed


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a state; `mode` is `managed` or `data`."""

    address: str
    type: str
    mode: str
    values: Object

    @property
    def id(self) -> str:
        """The id by which the cloud knows it; empty when it has none."""
        return str(self.values.get("id") or "")


@dataclass(frozen=True, slots=True)
class Output:
    """One output; whoever reads the state reads a sensitive one, too."""

    value: Any
    sensitive: bool


@dataclass(frozen=True, slots=True)
class State:
    """One state."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Output]

    @property
    def managed(self) -> tuple[Resource, ...]:
        """What Terraform made, without what it only looked at."""
        return tuple(resource for resource in self.resources if resource.mode == "managed")


def read_state(text: bytes | str) -> State:
    """Read a state; an empty one has no resources and no outputs.

    Raises:
        ValueError: It is not a state's JSON.
    """
    document = parsed(text)
    if "format_version" not in document:
        raise ValueError("it is no state")
    values = mapping(document.get("values"))
    outputs = {
        name: Output(mapping(row).get("value"), mapping(row).get("sensitive") is True)
        for name, row in mapping(values.get("outputs")).items()
    }
    return State(tuple(_resources(mapping(values.get("root_module")))), outputs)


def _resources(root: Object) -> Iterator[Resource]:
    rest = [root]
    while rest:
        module = rest.pop(0)
        for row in objects(module.get("resources")):
            address, kind, mode = (str(row.get(name, "")) for name in ("address", "type", "mode"))
            yield Resource(address, kind, mode, mapping(row.get("values")))
        rest.extend(objects(module.get("child_modules")))
