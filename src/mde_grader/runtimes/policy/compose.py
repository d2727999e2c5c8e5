"""A submission's Compose file into the services and builds of a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from mde_grader.codec.documents import Document, DocumentError, read_yaml
from mde_grader.environments import Environment
from mde_grader.plans import Plan
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.policy.builds import Builds
from mde_grader.runtimes.policy.dockerfile import Rules
from mde_grader.runtimes.policy.dotenv import MAX_BYTES, read_env
from mde_grader.runtimes.policy.folder import Folder
from mde_grader.runtimes.policy.keys import check_known
from mde_grader.runtimes.policy.labimages import check_shared_volumes
from mde_grader.runtimes.policy.mounts import check_volumes
from mde_grader.runtimes.policy.references import lookup, normal
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.services import BUILD_PREFIX, LabImage, Read, Shared, read_service
from mde_grader.runtimes.policy.surroundings import Given, read_sources
from mde_grader.runtimes.policy.values import Interpolation, Notes, Value

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Names of the Compose file, in the order in which Compose looks for them."""

OVERRIDES = tuple(name.replace(".y", ".override.y") for name in FILES)
_TOP_KEYS = {"name", "version", "services", "volumes", "networks", "secrets", "configs"}
_SERVICE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NETWORK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_NETWORK_KEYS = {
    "attachable",
    "driver",
    "driver_opts",
    "enable_ipv4",
    "enable_ipv6",
    "external",
    "internal",
    "ipam",
    "labels",
    "name",
}
_NETWORK_PLAIN = {"attachable", "enable_ipv4", "enable_ipv6", "internal", "labels", "name"}


def plan_compose(
    folder: Folder, environment: Environment, values: Mapping[str, str], rules: Rules, notes: Notes
) -> Plan:
    """Plan the submission's Compose file.

    Args:
        folder: The submission.
        environment: What the lab allows.
        values: What the file may interpolate.
        rules: What its Dockerfiles are held against.
        notes: Told of what has no effect.

    Raises:
        SubmissionRefusedError: It breaks a rule.
    """
    root, given = _read(folder, values, environment, notes)
    services = _services(root, environment, notes)
    builds = Builds(folder, rules, given.values)
    images = _images(services, builds, environment)
    shared = _shared(root, environment, given)
    read = {name: read_service(name, service, images[name], shared) for name, service in services.items()}
    check_shared_volumes({name: service.spec for name, service in read.items()}, services)
    _check_order(read)
    plan = Plan(
        builds=builds.plans,
        services=_named(read, services, environment),
        compose=root.data,
        asked_capabilities={name: service.asked for name, service in read.items() if service.asked},
    )
    return replace(plan, notes=notes.lines())


def _read(folder: Folder, values: Mapping[str, str], environment: Environment, notes: Notes) -> tuple[Value, Given]:
    """The file's data with its variables replaced, and what its services are given."""
    file = _find(folder, notes)
    try:
        document = read_yaml(folder.text(file))
    except DocumentError as error:
        where = f"{file}:{error.line}" if error.line else file
        raise refuse("compose.yaml", error.message, where=where, hint="check it with `docker compose config`") from None
    defaults = read_env(folder.text(".env", limit=MAX_BYTES), ".env", values) if folder.is_file(".env") else {}
    known = {**defaults, **values}
    root = Value(document.data, document, file)
    if not isinstance(root.data, dict):
        root.wrong("a mapping with `services`")
    interpolation = Interpolation(known, notes, tuple(environment.variables) or tuple(values))
    root = Value(interpolation.apply(root), Document(None, document.lines), file)
    if "include" in root.data:
        hint = "write everything into one file"
        raise refuse("compose.forbidden", "`include` is not accepted", where=root.child("include").where, hint=hint)
    check_known(root, _TOP_KEYS, file)
    return root, Given(folder, known, notes)


def _find(folder: Folder, notes: Notes) -> str:
    there = [name for name in FILES if folder.is_file(name)]
    if not there:
        raise refuse(
            "submission.missing",
            f"there is no {FILES[0]} in the submission's folder",
            where=FILES[0],
            hint=f"hand in one of {', '.join(FILES)}, at the top of the folder",
        )
    for name in (*there[1:], *(name for name in OVERRIDES if folder.is_file(name))):
        notes.add(f"{name}: not read; only {there[0]} is")
    return there[0]


def _services(root: Value, environment: Environment, notes: Notes) -> dict[str, Value]:
    """The services that are started, in the file's order."""
    found: dict[str, Value] = {}
    for name, service in root.child("services").items():
        _check_name(name, service, environment)
        if service.data is None:
            service.wrong("a mapping")
        profiles = dict(service.items()).get("profiles")
        if profiles is not None and profiles.elements():
            notes.add(f"{service.where}: {name} has profiles and is not started")
        else:
            found[name] = service
    where = root.child("services").where
    missing = [name for name in environment.required if name not in found]
    if missing or not found:
        message = (
            f"the lab needs the service{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            if missing
            else "no services"
        )
        hint = f"name it exactly so; the file has {shown(', '.join(found), 200) or 'none'}"
        raise refuse("compose.required", message, where=where, hint=hint)
    if len(found) > environment.max_services:
        message = f"{len(found)} services, and this lab starts {environment.max_services} at the most"
        raise refuse("compose.too-many", message, where=where, hint="give those that are not needed a profile")
    return found


def _check_name(name: str, service: Value, environment: Environment) -> None:
    taken = name in {own.name for own in environment.services}
    if taken or not _SERVICE_NAME.fullmatch(name):
        message = f"{shown(name)} is {'the name of a service of the lab' if taken else 'no name for a service'}"
        hint = "use lower-case letters, digits and dashes, and another name than the lab's"
        raise refuse("compose.service-name", message, where=service.where, hint=hint)


def _images(services: Mapping[str, Value], builds: Builds, environment: Environment) -> dict[str, str | LabImage]:
    """What each service runs: `build:<key>`, or one of the lab's images."""
    found: dict[str, str | LabImage] = {}
    by_name: dict[str, str] = {}
    for name, service in services.items():
        build, image = service.child("build"), service.child("image")
        if build.data is None:
            continue
        key = BUILD_PREFIX + builds.compose(name, build)
        found[name] = key
        if image.data is not None:
            by_name[normal(image.text())] = key
    for name, service in services.items():
        if name not in found:
            found[name] = _image(name, service, by_name, environment)
    return found


def _image(name: str, service: Value, by_name: Mapping[str, str], environment: Environment) -> str | LabImage:
    image = service.child("image")
    if image.data is None:
        hint = "add `build: .`, or `image:` with one of the lab's images"
        raise refuse(
            "compose.image", f"service {shown(name)} has neither build nor image", where=service.where, hint=hint
        )
    built = by_name.get(normal(image.text()))
    if built is not None:
        return built
    known = lookup(image.text(), environment.images)
    if known is None:
        raise refuse(
            "compose.image",
            f"service {shown(name)}: the image {shown(image.text(), 120)} is not one that this lab has",
            where=image.where,
            hint=f"the lab has {', '.join(environment.images) or 'none'}; everything else is built from a Dockerfile",
        )
    return LabImage(known, environment.images[known])


def _shared(root: Value, environment: Environment, given: Given) -> Shared:
    return Shared(
        environment=environment,
        given=given,
        volumes=check_volumes(root.child("volumes"), given.notes),
        networks=("default", *_networks(root.child("networks"))),
        secrets=read_sources(root.child("secrets"), "secret", given),
        configs=read_sources(root.child("configs"), "config", given),
    )


def _networks(networks: Value) -> tuple[str, ...]:
    for name, network in networks.items():
        if not _NETWORK_NAME.fullmatch(name):
            raise refuse(
                "compose.network", f"{shown(name)} is no name for a network", where=network.where, hint="use letters"
            )
        check_known(network, _NETWORK_KEYS, f"network {shown(name)}")
        for key, option in network.items():
            plain = key in _NETWORK_PLAIN or key.startswith("x-") or option.data in (None, False, {}, "", "false")
            if not plain and not (key == "driver" and option.data in ("bridge", "default")):
                message = f"network {shown(name)}: `{key}` is not accepted"
                hint = "leave the network's options empty; the lab makes it"
                raise refuse("compose.network", message, where=option.where, hint=hint)
    return tuple(name for name, _ in networks.items() if name != "default")


def _check_order(read: Mapping[str, Read]) -> None:
    """Every service of `depends_on` is started, and none waits for itself."""
    done: set[str] = set()
    for name, service in read.items():
        for other, value in service.after.items():
            if other not in read:
                message = f"service {shown(name)} depends on {shown(other)}, which is not started"
                raise refuse("compose.depends-on", message, where=value.where, hint="name a service of this file")
    while len(done) < len(read):
        ready = [name for name, service in read.items() if name not in done and service.after.keys() <= done]
        if not ready:
            circle = sorted(read.keys() - done)
            where = next(iter(read[circle[0]].after.values())).where
            message = f"depends_on goes round in a circle among {shown(', '.join(circle), 200)}"
            raise refuse("compose.cycle", message, where=where, hint="let one of them start without the others")
        done.update(ready)


def _named(
    read: Mapping[str, Read], services: Mapping[str, Value], environment: Environment
) -> tuple[ServiceSpec, ...]:
    """The specs with every further name that the file gives them; nobody takes another's name."""
    aliases = {name: list(service.spec.aliases) for name, service in read.items()}
    for name, service in read.items():
        for other, alias in service.links.items():
            if other not in read:
                message = f"service {shown(name)} links to {shown(other)}, which is not started"
                raise refuse("compose.depends-on", message, where=services[name].where, hint="remove the link")
            aliases[other] += [alias] if alias else []
    taken = {**{own.name: own.name for own in environment.services}, **{name: name for name in read}}
    for name, mine in aliases.items():
        for alias in mine:
            if taken.setdefault(alias.lower(), name) != name:
                message = f"service {name}: the further name {shown(alias)} is another service's"
                raise refuse("compose.alias", message, where=services[name].where, hint="use another name")
    return tuple(
        replace(service.spec, aliases=tuple(alias for alias in dict.fromkeys(aliases[name]) if alias != name))
        for name, service in read.items()
    )
