"""`environment.yaml` to `Environment`: the lab's own services in Compose words, the candidate's part under `x-mde`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from mde_grader.codec.documents import Document
from mde_grader.codec.nodes import Node
from mde_grader.codec.workspaces import insist_on_known_variables, insist_on_workspace, is_workspace
from mde_grader.environments import Environment, Ready, Variable
from mde_grader.runtimes.base import BuildLimits, Limits, Mount, ServiceSpec

SCHEMA = "mde-grade/environment/1"

_NAME = r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"
_IMAGE = r"[a-z0-9][a-z0-9./_-]{0,127}(:[A-Za-z0-9_.-]{1,128})?(@sha256:[0-9a-f]{64})?"
_VARIABLE = r"[A-Z][A-Z0-9_]{0,63}"
_CAPABILITY = r"[A-Z][A-Z_]{1,30}"
_URL = r"(http|tcp)://[a-z0-9._-]+(:\d{1,5})(/[!-~]*)?"
_PATH = r"/[!-~]*"
_MAX_LIMIT = 1_048_576
_SECRET_LENGTHS = (8, 128)

_PART = (
    *("schema", "kind", "main", "required", "bases", "images", "image_volumes", "variables", "index", "deadline"),
    *("build", "limits", "ready", "writable_root", "root_user", "capabilities", "max_services", "network"),
)
_NOT_FOR_WORKSPACES = tuple(name for name in _PART if name not in {"schema", "kind", "main", "variables", "deadline"})
_SHORT_LIMITS = ("memory_mb", "tmp_mb", "layer_mb")
_SERVICE = (
    *("image", "environment", "command", "entrypoint", "depends_on", "tmpfs", "read_only", "user", "working_dir"),
    *("volumes", "cap_add", "stop_signal", "stop_grace_period", "x-mde"),
)
_Readers = dict[str, Callable[[Node], Any]]

Caps = TypeVar("Caps", Limits, BuildLimits)


def environment_from(document: Document, *, file: str = "environment.yaml") -> Environment:
    """Read one lab's environment.

    Args:
        document: What `environment.yaml` holds.
        file: Its name, for errors.

    Raises:
        LabInvalidError: Names file, line and key of the first thing that is wrong.
    """
    root = Node(document.data, file, document.lines)
    parts = root.fields(("name", "services", "volumes", "x-mde"), ("x-mde",))
    nodes = dict(parts["services"].items()) if "services" in parts else {}
    services = tuple(_service(name, node) for name, node in nodes.items())
    environment = _environment(parts["x-mde"], services)
    for name, node in nodes.items():
        insist_on_known_variables(node, environment.variables, workspace=is_workspace(node))
        if is_workspace(node):
            insist_on_workspace(node, next(spec for spec in services if spec.name == name))
    _check_requires(root, environment)
    _check_inspected(root, environment)
    return environment


def _environment(node: Node, services: tuple[ServiceSpec, ...]) -> Environment:
    parts = node.fields(_PART, ("kind", "main"))
    if "schema" in parts:
        parts["schema"].choice([SCHEMA])
    kind = parts["kind"].choice(("compose", "dockerfile", "workspace"))
    main = parts["main"].text(pattern=_NAME)
    # A lab's own service is not the candidate's, a workspace's commands are.
    workspaces = tuple(service for service in services if service.candidate)
    services = tuple(service for service in services if not service.candidate)
    if kind == "workspace":
        _insist_on_workspace_lab(parts, main, workspaces)
        return Environment(kind=kind, main=main, services=services, workspaces=workspaces, **_options(parts))
    if workspaces:
        parts["kind"].fail(f"must be `workspace`, for {workspaces[0].name!r} is one")
    required = parts["required"].words(pattern=_NAME) if "required" in parts else (main,)
    here = parts.get("required", parts["main"])
    if main not in required:
        here.fail(f"must name the main service {main!r}")
    if any(service.name in required for service in services):
        here.fail("names a service that the lab brings itself")
    return Environment(kind=kind, main=main, required=required, services=services, **_options(parts))


def _insist_on_workspace_lab(parts: dict[str, Node], main: str, workspaces: tuple[ServiceSpec, ...]) -> None:
    for name in _NOT_FOR_WORKSPACES:
        if name in parts:
            parts[name].fail("has no meaning in a workspace lab, where nothing of the submission is built or started")
    if main not in [workspace.name for workspace in workspaces]:
        parts["main"].fail("must name a service with `x-mde: {workspace: true}`")


def _options(parts: dict[str, Node]) -> dict[str, Any]:
    """The keys that may be left out, as keyword arguments, so that each default is written only once."""
    readers: _Readers = {
        "bases": lambda node: node.words(pattern=_IMAGE),
        "images": lambda node: {name: child.text(pattern=_IMAGE) for name, child in node.items()},
        "image_volumes": lambda node: {name: child.words(pattern=_PATH) for name, child in node.items()},
        "variables": lambda node: dict(_variable(name, child) for name, child in node.items()),
        "index": lambda node: None if node.data is None else node.text(pattern=_IMAGE),
        "deadline": lambda node: node.seconds(1, 7200),
        "build": lambda node: _limits(node, BuildLimits()),
        "limits": lambda node: _limits(node, Limits()),
        "ready": lambda node: {name: _ready(child) for name, child in node.items()},
        "writable_root": lambda node: node.flag(),
        "root_user": lambda node: node.flag(),
        "capabilities": lambda node: node.words(pattern=_CAPABILITY),
        "max_services": lambda node: node.integer(1, 24),
        "network": lambda node: node.flag(),
    }
    return {name: read(parts[name]) for name, read in readers.items() if name in parts}


def _variable(name: str, node: Node) -> tuple[str, Variable]:
    node.child_value(name).text(pattern=_VARIABLE)
    if isinstance(node.data, str):
        return name, Variable(kind=node.choice(("secret", "word")))
    parts = node.fields(("fixed", "secret"))
    if len(parts) != 1:
        node.fail("must be `secret`, `word`, `{fixed: value}` or `{secret: length}`")
    if "fixed" in parts:
        return name, Variable(kind="fixed", value=parts["fixed"].text(empty=True))
    return name, Variable(kind="secret", length=parts["secret"].integer(*_SECRET_LENGTHS))


def _ready(node: Node) -> Ready:
    if isinstance(node.data, str):
        return Ready(url=node.text(pattern=_URL))
    parts = node.fields(("url", "seconds"), ("url",))
    url = parts["url"].text(pattern=_URL)
    return Ready(url=url, seconds=parts["seconds"].seconds(0.1, 600)) if "seconds" in parts else Ready(url=url)


def _limits(node: Node, default: Caps) -> Caps:
    """`default` with the fields that are given; each must be above zero."""
    types = {field.name: type(getattr(default, field.name)) for field in dataclasses.fields(default)}
    given: dict[str, Any] = {}
    for name, child in node.fields(types).items():
        if name == "seconds":
            given[name] = child.seconds(1, 3600)
        else:
            given[name] = child.integer(1, _MAX_LIMIT) if types[name] is int else child.number(0.01, 64)
    return dataclasses.replace(default, **given)


def _service(name: str, node: Node) -> ServiceSpec:
    node.child_value(name).text(pattern=_NAME)
    parts = node.fields(_SERVICE, ("image",))
    readers: _Readers = {
        "environment": _environment_of,
        "command": Node.command,
        "entrypoint": Node.command,
        "user": Node.text,
        "working_dir": lambda child: child.text(pattern=_PATH),
        "tmpfs": lambda child: child.words(pattern=_PATH),
        "read_only": Node.flag,
        "stop_signal": lambda child: child.text(pattern=r"SIG[A-Z0-9]+|\d+"),
    }
    given: dict[str, Any] = {key: read(parts[key]) for key, read in readers.items() if key in parts}
    renamed: dict[str, tuple[str, Callable[[Node], Any]]] = {
        "volumes": ("mounts", lambda child: tuple(_mount(entry) for entry in child.entries())),
        "depends_on": ("requires", _depends_on),
        "cap_add": ("capabilities", lambda child: child.words(pattern=_CAPABILITY)),
        "stop_grace_period": ("stop_seconds", lambda child: child.seconds(0, 60)),
    }
    given |= {ours: read(parts[key]) for key, (ours, read) in renamed.items() if key in parts}
    given |= _service_extension(parts["x-mde"]) if "x-mde" in parts else {}
    return ServiceSpec(name=name, image=parts["image"].text(pattern=_IMAGE), candidate=is_workspace(node), **given)


def _service_extension(node: Node) -> dict[str, Any]:
    parts = node.fields(("workspace", "ready", "ready_seconds", *_SHORT_LIMITS, "limits", "aliases", "inspect"))
    if "workspace" in parts:
        parts["workspace"].flag()
    given: dict[str, Any] = {}
    if "inspect" in parts:
        given["inspected"] = parts["inspect"].flag()
    if "ready" in parts:
        given["ready"] = parts["ready"].text(pattern=_URL)
    if "ready_seconds" in parts:
        given["ready_seconds"] = parts["ready_seconds"].seconds(0.1, 600)
    if "aliases" in parts:
        given["aliases"] = parts["aliases"].words(pattern=_NAME)
    limits = _limits(parts["limits"], Limits()) if "limits" in parts else Limits()
    short = {name: parts[name].integer(1, _MAX_LIMIT) for name in _SHORT_LIMITS if name in parts}
    return given | {"limits": dataclasses.replace(limits, **short)}


def _environment_of(node: Node) -> dict[str, str]:
    """Environment as a mapping (values may be numbers) or as a list of `NAME=value`."""
    if isinstance(node.data, list):
        pairs = [child.text(pattern=r"[A-Za-z_][A-Za-z0-9_]*=.*") for child in node.entries()]
        return dict(pair.split("=", 1) for pair in pairs)
    result = {}
    for name, child in node.items():
        plain = isinstance(child.data, int | float) and not isinstance(child.data, bool)
        result[name] = str(child.data) if plain else child.text(empty=True)
    return result


def _depends_on(node: Node) -> tuple[str, ...]:
    """Names in either form; a lab's service always waits until the other is ready."""
    if isinstance(node.data, list):
        return node.words(pattern=_NAME)
    return tuple(name for name, _ in node.items())


def _mount(node: Node) -> Mount:
    volume, target, *mode = node.text(pattern=rf"{_NAME}:/[^:]+(:r[ow])?").split(":")
    return Mount(volume=volume, target=target, read_only=mode == ["ro"])


def _check_requires(root: Node, environment: Environment) -> None:
    names = {service.name for service in environment.services} | set(environment.required)
    for service in environment.services:
        here = root.child("services", None).child(service.name, None).child("depends_on", None)
        if service.name in service.requires:
            here.fail("names the service itself")
        unknown = [name for name in service.requires if name not in names]
        if unknown:
            here.fail(f"names {unknown[0]!r}, which is neither a service of the lab nor a required one")


def _check_inspected(root: Node, environment: Environment) -> None:
    """Services that are looked into share a process namespace, where a user may end all processes that are its own."""
    users: dict[str, str] = {}
    for service in environment.services:
        if service.inspected:
            here = root.child("services", None).child(service.name, None)
            uid = (service.user or "").partition(":")[0]
            if not (uid.isascii() and uid.isdigit() and int(uid)):
                here.fail("needs a user by number, other than root, to be looked into")
            if uid in users:
                here.fail(f"has the user of {users[uid]!r}, which is looked into as well; each needs its own")
            users[uid] = service.name
