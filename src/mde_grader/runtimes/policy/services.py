"""One service of a Compose file into what a runtime starts, within what the lab allows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from mde_grader.environments import Environment
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.policy.keys import REFUSED, SILENT, WITHOUT_EFFECT, check_known, note_of, refuse_known
from mde_grader.runtimes.policy.labimages import check_files, check_variables
from mde_grader.runtimes.policy.mounts import Mounts, read_mounts
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.surroundings import Given, read_environment, read_files
from mde_grader.runtimes.policy.values import Value

BUILD_PREFIX = "build:"
"""How a planned service names an image that is still to be built."""

STOP_SECONDS = 10.0
"""Longest grace between the stop signal and the kill, and Compose's own default."""

READ = frozenset(
    [
        "build",
        "cap_add",
        "cap_drop",
        "command",
        "configs",
        "container_name",
        "depends_on",
        "entrypoint",
        "env_file",
        "environment",
        "image",
        "links",
        "networks",
        "profiles",
        "read_only",
        "secrets",
        "security_opt",
        "stop_grace_period",
        "stop_signal",
        "tmpfs",
        "user",
        "volumes",
        "working_dir",
    ]
)
"""Keys of a service that are read, beside those of `WITHOUT_EFFECT` and `REFUSED`."""

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?")
_SIGNAL = re.compile(r"(SIG)?[A-Z][A-Z0-9+-]{1,12}|[1-9][0-9]?")
_CAPABILITY = re.compile(r"(CAP_)?[A-Za-z_]{2,30}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
_NO_NEW_PRIVILEGES = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
_LAB_IMAGE_REFUSED = ("command", "entrypoint", "configs")
_LAB_IMAGE_WITHOUT_EFFECT = ("user", "read_only", "tmpfs", "working_dir", "stop_signal", "cap_add")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all services of one Compose file have in common.

    Attributes:
        environment: The lab's.
        given: Folder, values and notes.
        volumes: Names of the top-level volumes.
        networks: Names of the top-level networks.
        secrets: Contents of the top-level secrets, by name.
        configs: Contents of the top-level configs, by name.
    """

    environment: Environment
    given: Given
    volumes: tuple[str, ...]
    networks: tuple[str, ...]
    secrets: Mapping[str, bytes]
    configs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class LabImage:
    """A grader-owned image that a service runs: the public name that the lab gave it, and our tag."""

    name: str
    tag: str


@dataclass(frozen=True, slots=True)
class Read:
    """One service as it was read.

    Attributes:
        spec: For the runtime.
        asked: Capabilities of `cap_add`.
        after: Every service of `depends_on`, with its place in the file.
        links: Further names that this service wants for others, by service.
    """

    spec: ServiceSpec
    asked: tuple[str, ...] = ()
    after: Mapping[str, Value] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def read_service(name: str, service: Value, image: str | LabImage, shared: Shared) -> Read:
    """Read one service.

    Args:
        name: Its name.
        service: Its entry.
        image: `build:<key>`, or a grader-owned image.
        shared: See there.

    Raises:
        SubmissionRefusedError: A key or a value is not accepted.
    """
    at = service.child
    check_keys(name, service, shared.given)
    mounts = read_mounts(name, at("volumes"), at("tmpfs"), shared.volumes, shared.given.notes)
    environment = read_environment(at("env_file"), at("environment"), shared.given)
    files = {
        **read_files(at("configs"), "config", shared.configs),
        **read_files(at("secrets"), "secret", shared.secrets),
    }
    asked, dropped = _capabilities(at("cap_add")), _capabilities(at("cap_drop"))
    after = _depends_on(name, at("depends_on"))
    healthy = tuple(other for other, value in after.items() if _condition(value) == "service_healthy")
    ended = tuple(other for other, value in after.items() if _condition(value) == "service_completed_successfully")
    _check_security(at("security_opt"))
    own = isinstance(image, LabImage)
    if isinstance(image, LabImage):
        _check_lab_image(service, image, environment, files, mounts, shared)
    stop = at("stop_grace_period")
    ready = shared.environment.ready.get(name)
    asked_read_only = _flag(at("read_only"))
    writable = own or (shared.environment.writable_root and not asked_read_only)
    spec = ServiceSpec(
        name=name,
        image=image.tag if isinstance(image, LabImage) else image,
        candidate=not own,
        environment=environment,
        command=None if own else _command(at("command")),
        entrypoint=None if own else _command(at("entrypoint")),
        user=None if own else _matching(at("user"), _USER, "compose.user"),
        working_dir=None if own else _working_dir(at("working_dir")),
        mounts=mounts.volumes,
        tmpfs=() if own else scratch(mounts.tmpfs, shared.environment),
        files=files,
        read_only=not writable,
        requires=healthy,
        awaits=ended,
        aliases=_aliases(service, shared),
        ready=ready.url if ready else "",
        ready_seconds=ready.seconds if ready else 30.0,
        capabilities=() if own else _kept(shared.environment.capabilities, asked, dropped),
        stop_signal=None if own else _matching(at("stop_signal"), _SIGNAL, "compose.signal"),
        stop_seconds=STOP_SECONDS if stop.data is None else min(stop.seconds(), STOP_SECONDS),
        limits=shared.environment.limits,
    )
    return Read(spec, asked, after, _links(name, at("links")))


def scratch(asked: tuple[str, ...], environment: Environment) -> tuple[str, ...]:
    """Scratch space of a candidate's service: what it asks for, and /tmp where the lab makes every root read-only."""
    if environment.writable_root or "/tmp" in asked:  # noqa: S108
        return asked
    return (*asked, "/tmp")  # noqa: S108


def check_keys(name: str, service: Value, given: Given) -> None:
    """Refuse what is refused, note what has no effect.

    Raises:
        SubmissionRefusedError: A key is refused or unknown.
    """
    for key, value in service.items():
        if key in REFUSED:
            refuse_known(name, key, value)
        elif key in WITHOUT_EFFECT and key not in SILENT:
            given.notes.add(f"{value.where}: {note_of(name, key)}")
    check_known(service, {*READ, *WITHOUT_EFFECT, *REFUSED}, f"service {shown(name)}")


def _flag(value: Value) -> bool:
    return value.data is not None and value.boolean()


def _command(value: Value) -> tuple[str, ...] | None:
    """Words of `command` or `entrypoint`; text is split as a shell would, without running one."""
    if value.data is None:
        return None
    if isinstance(value.data, list):
        return value.texts()
    try:
        return tuple(shlex.split(value.text()))
    except ValueError:
        message = f"{value.label} has a quote that is not closed"
        raise refuse("compose.command", message, where=value.where, hint="close it, or write a list") from None


def _matching(value: Value, pattern: re.Pattern[str], rule: str) -> str | None:
    if value.data is None:
        return None
    text = value.text()
    if not pattern.fullmatch(text):
        message = f"{value.label} cannot be {shown(text) or 'empty'}"
        raise refuse(rule, message, where=value.where, hint="see the Compose file reference")
    return text


def _working_dir(value: Value) -> str | None:
    text = None if value.data is None else value.text()
    if text is not None and (not text.startswith("/") or len(text) > 1024):  # noqa: PLR2004 - as for paths elsewhere
        value.wrong("an absolute path")
    return text


def _capabilities(value: Value) -> tuple[str, ...]:
    found = []
    for element in value.elements():
        text = _matching(element, _CAPABILITY, "compose.type") or ""
        found.append(text.upper().removeprefix("CAP_"))
    return tuple(found)


def _kept(allowed: tuple[str, ...], asked: tuple[str, ...], dropped: tuple[str, ...]) -> tuple[str, ...]:
    """What the lab allows, less what the service gives up itself; `cap_add` takes back what `ALL` gave up."""
    return tuple(
        name
        for name in allowed
        if (short := name.upper().removeprefix("CAP_")) in asked or not {short, "ALL"} & set(dropped)
    )


def _check_security(value: Value) -> None:
    for element in value.elements():
        if element.text().replace(" ", "") not in _NO_NEW_PRIVILEGES:
            message = f"the security option {shown(element.text())} is not accepted"
            hint = "only `no-new-privileges:true` is, and it is always on here"
            raise refuse("compose.security-opt", message, where=element.where, hint=hint)


def _depends_on(name: str, value: Value) -> dict[str, Value]:
    entries = (
        dict(value.items()) if isinstance(value.data, dict) else {entry.text(): entry for entry in value.elements()}
    )
    for entry in entries.values():
        if isinstance(entry.data, dict):
            check_known(entry, {"condition", "restart", "required"}, f"depends_on of {shown(name)}")
        if _condition(entry) not in _CONDITIONS:
            raise refuse(
                "compose.depends-on",
                f"service {shown(name)}: the condition {shown(_condition(entry))} is not accepted",
                where=entry.where,
                hint=f"use one of {', '.join(sorted(_CONDITIONS))}",
            )
    return entries


def _condition(entry: Value) -> str:
    if not isinstance(entry.data, dict) or entry.child("condition").data is None:
        return "service_started"
    return entry.child("condition").text()


def _aliases(service: Value, shared: Shared) -> tuple[str, ...]:
    """Further names on the network: `container_name`, and `aliases` of each network."""
    found = [service.child("container_name")] if service.child("container_name").data is not None else []
    networks = service.child("networks")
    entries = dict(networks.items()) if isinstance(networks.data, dict) else {e.text(): e for e in networks.elements()}
    for name, entry in entries.items():
        if name not in shared.networks:
            message = f"the network {shown(name)} is not declared"
            hint = f"add `{shown(name)}:` under the top-level `networks:`"
            raise refuse("compose.network-undeclared", message, where=entry.where, hint=hint)
        if isinstance(entry.data, dict):
            found += entry.child("aliases").elements()
    if len(entries) > 1 or len(shared.networks) > 2:  # noqa: PLR2004 - `default` is always among them
        shared.given.notes.add(f"{networks.where}: all services share one network here")
    return tuple(dict.fromkeys(_matching(entry, _ALIAS, "compose.alias") or "" for entry in found))


def _links(name: str, value: Value) -> dict[str, str]:
    found = {}
    for element in value.elements():
        service, _, alias = element.text().partition(":")
        if alias and not _ALIAS.fullmatch(alias):
            message = f"service {shown(name)}: {shown(alias)} is no name for a service"
            raise refuse("compose.alias", message, where=element.where, hint="use letters, digits and dashes")
        found[service] = alias
    return found


def _check_lab_image(  # noqa: PLR0913, PLR0917 - each is another side of what the service is given
    service: Value,
    image: LabImage,
    environment: Mapping[str, str],
    files: Mapping[str, bytes],
    mounts: Mounts,
    shared: Shared,
) -> None:
    """The lab's own images run as the lab built them."""
    name = f"service {shown(str(service.path[-1]))}"
    for key in _LAB_IMAGE_REFUSED:
        value = service.child(key)
        if value.data not in (None, [], {}):
            message = f"{name}: `{key}` of the lab's image {image.name} cannot be changed"
            raise refuse("compose.image-override", message, where=value.where, hint=f"remove `{key}`")
    for key in _LAB_IMAGE_WITHOUT_EFFECT:
        value = service.child(key)
        if value.data is not None:
            shared.given.notes.add(f"{value.where}: {name}: `{key}` has no effect on the lab's own image")
    allowed = shared.environment.image_volumes
    places = {*allowed.get(image.name, ()), *allowed.get(image.tag, ())}
    check_variables(environment, files, places, service)
    check_files(files, service)
    for mount in mounts.volumes:
        if mount.target not in places:
            raise refuse(
                "compose.target",
                f"{name}: a volume of {image.name} cannot stand at {shown(mount.target)}",
                where=service.child("volumes").where,
                hint=f"use {' or '.join(sorted(places)) or 'no volume'}",
            )
