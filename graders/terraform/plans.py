"""What a plan would do, and which means it uses, from `terraform show -json PLAN`.

The format: https://developer.hashicorp.com/terraform/internals/json-format. It does not tell `ignore_changes`: that is
seen by breaking something and planning again, or in the text by `sources.ignores_all`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graders.terraform.values import Object, mapping, objects, parsed, words

_IDLE = frozenset({"no-op", "read"})


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource.

    Attributes:
        address: `module.net.aws_vpc.main`.
        type: `aws_vpc`.
        module: `module.net`; empty in the root.
        mode: `managed` or `data`.
        actions: `no-op`, `create`, `read`, `update`, `delete`; a replacement is two.
        before: Values now; empty for what does not exist.
        after: Values afterwards, as far as they are known.
        importing: Id of the existing object that would be taken over; empty otherwise.
    """

    address: str
    type: str
    module: str
    mode: str
    actions: tuple[str, ...]
    before: Object
    after: Object
    importing: str


@dataclass(frozen=True, slots=True)
class Provider:
    """The configuration of one provider.

    Attributes:
        key: `aws`, `aws.other`, `module.net:aws`.
        source: `registry.terraform.io/hashicorp/aws`.
        alias: Empty for the default one.
        arguments: Names of the arguments that it is given.
        settings: The arguments' expressions.
    """

    key: str
    source: str
    alias: str
    arguments: frozenset[str]
    settings: Object


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan.

    Attributes:
        changes: What happens, in Terraform's order; `no-op` ones too.
        drift: What was found to be otherwise than the state says.
        outputs: Name of each output to its action.
        provisioners: Address of a resource and the kind of a provisioner of its, `local-exec`.
        providers: Every provider's configuration.
        modules: Address of a module call and where the module comes from.
        resource_types: Types of all resources and data sources that the configuration has, `data.` before the latter.
        errored: Whether planning ended with an error.
        document: The whole, for what is not read here.
    """

    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: dict[str, tuple[str, ...]]
    provisioners: tuple[tuple[str, str], ...]
    providers: tuple[Provider, ...]
    modules: tuple[tuple[str, str], ...]
    resource_types: frozenset[str]
    errored: bool
    document: Object

    @property
    def acting(self) -> tuple[Change, ...]:
        """The changes that do something to managed resources."""
        idle = {"no-op", "read"}
        return tuple(
            change for change in self.changes if change.mode == "managed" and not idle.issuperset(change.actions)
        )

    @property
    def empty(self) -> bool:
        """Whether nothing would change, outputs included."""
        moved = any(actions != ("no-op",) for actions in self.outputs.values())
        return not self.acting and not moved and not self.errored

    @property
    def imports(self) -> tuple[str, ...]:
        """Addresses of resources that would take over something that exists."""
        return tuple(change.address for change in self.changes if change.importing)

    @property
    def foreign_modules(self) -> tuple[tuple[str, str], ...]:
        """Module calls whose module is not one of the submission's own folders."""
        return tuple((name, source) for name, source in self.modules if not source.startswith(("./", "../")))


def read_plan(text: bytes | str) -> Plan:
    """Read a plan.

    Raises:
        ValueError: It is not a plan's JSON.
    """
    document = parsed(text)
    if "resource_changes" not in document and "configuration" not in document:
        raise ValueError("it is no plan")
    configuration = mapping(document.get("configuration"))
    modules = list(_modules("", mapping(configuration.get("root_module"))))
    calls = tuple(call for address, module in modules for call in _calls(address, module))
    resources = [(address, row) for address, module in modules for row in objects(module.get("resources"))]
    return Plan(
        changes=_changes(document.get("resource_changes")),
        drift=_changes(document.get("resource_drift")),
        outputs={
            name: words(mapping(row).get("actions")) for name, row in mapping(document.get("output_changes")).items()
        },
        provisioners=tuple(_provisioners(resources)),
        providers=tuple(_providers(mapping(configuration.get("provider_config")))),
        modules=calls,
        resource_types=frozenset(_type(row) for _, row in resources),
        errored=document.get("errored") is True,
        document=document,
    )


def _changes(rows: object) -> tuple[Change, ...]:
    return tuple(_change(row, mapping(row.get("change"))) for row in objects(rows))


def _change(row: Object, change: Object) -> Change:
    importing = mapping(change.get("importing"))
    return Change(
        address=str(row.get("address", "")),
        type=str(row.get("type", "")),
        module=str(row.get("module_address", "")),
        mode=str(row.get("mode", "managed")),
        actions=words(change.get("actions")),
        before=mapping(change.get("before")),
        after=mapping(change.get("after")),
        importing=str(importing.get("id") or "unknown") if change.get("importing") is not None else "",
    )


def _modules(address: str, module: Object) -> Iterator[tuple[str, Object]]:
    """Every module of the configuration, the root first; Terraform's own limits bound the depth."""
    rest = [(address, module)]
    while rest:
        here, found = rest.pop(0)
        yield here, found
        for name, call in mapping(found.get("module_calls")).items():
            rest.append((_join(here, f"module.{name}"), mapping(mapping(call).get("module"))))


def _calls(address: str, module: Object) -> Iterator[tuple[str, str]]:
    for name, call in mapping(module.get("module_calls")).items():
        yield _join(address, f"module.{name}"), str(mapping(call).get("source", ""))


def _provisioners(resources: list[tuple[str, Object]]) -> Iterator[tuple[str, str]]:
    for module, row in resources:
        for provisioner in objects(row.get("provisioners")):
            yield _join(module, str(row.get("address", ""))), str(provisioner.get("type", ""))


def _providers(configurations: Object) -> Iterator[Provider]:
    for key, row in configurations.items():
        settings: dict[str, Any] = mapping(mapping(row).get("expressions"))
        source, alias = str(mapping(row).get("full_name", "")), str(mapping(row).get("alias", ""))
        yield Provider(key, source, alias, frozenset(settings), settings)


def _type(row: Object) -> str:
    return f"{'data.' if row.get('mode') == 'data' else ''}{row.get('type', '')}"


def _join(module: str, address: str) -> str:
    return f"{module}.{address}" if module else address
