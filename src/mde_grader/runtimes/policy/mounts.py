"""`volumes` and `tmpfs` of a service: named volumes and scratch space, and nothing of the host."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mde_grader.runtimes.base import Mount
from mde_grader.runtimes.policy.keys import check_known
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.values import Notes, Value

_TARGET = re.compile(r"/[A-Za-z0-9._/@+-]{0,500}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_SYSTEM = ("/proc", "/sys", "/dev")
_LONG = {"type", "source", "src", "target", "dst", "destination", "read_only", "volume", "tmpfs", "bind", "consistency"}
_BIND_HINT = (
    "COPY what the service needs into its image; for data use a named volume, for one file `configs:` with `file:`"
)


@dataclass(frozen=True, slots=True)
class Mounts:
    """Where a service gets volumes and scratch space."""

    volumes: tuple[Mount, ...]
    tmpfs: tuple[str, ...]


def read_mounts(service: str, volumes: Value, tmpfs: Value, declared: Iterable[str], notes: Notes) -> Mounts:
    """The mounts of one service.

    Args:
        service: Its name; anonymous volumes are called after it.
        volumes: Its `volumes`, short or long.
        tmpfs: Its `tmpfs`.
        declared: Names of the top-level `volumes`.
        notes: Told of what has no effect.

    Raises:
        SubmissionRefusedError: A bind mount, an unknown volume, or a target that is not accepted.
    """
    found: list[Mount] = []
    scratch = [target_path(element.text().split(":", 1)[0], element) for element in tmpfs.elements()]
    names = set(declared)
    for index, element in enumerate(volumes.elements()):
        kind, source, target, read_only = _entry(element)
        path = target_path(target, element)
        if kind == "tmpfs":
            scratch.append(path)
            continue
        if not source:
            source = f"anonymous-{service}-{index}"
            notes.add(f"{element.where}: the volume at {path} has no name; it is kept for this attempt only")
        elif source not in names:
            raise refuse(
                "compose.volume-undeclared",
                f"the volume {shown(source)} is not declared",
                where=element.where,
                hint=f"add `{shown(source)}:` under the top-level `volumes:`",
            )
        found.append(Mount(source, path, read_only))
    _check_twice([*(mount.target for mount in found), *scratch], volumes if found else tmpfs)
    return Mounts(tuple(found), tuple(scratch))


def target_path(text: str, value: Value) -> str:
    """A place inside a service, in its plain form.

    Raises:
        SubmissionRefusedError: Not absolute, not plain, or where the system's own files are.
    """
    path = posixpath.normpath("/" + text.lstrip("/")) if text.startswith("/") else text
    system = any(path == place or path.startswith(place + "/") for place in _SYSTEM) and path != "/dev/shm"  # noqa: S108
    if not _TARGET.fullmatch(text) or ".." in text.split("/") or path == "/" or system:
        raise refuse(
            "compose.target",
            f"nothing can be mounted at {shown(text) or 'an empty path'}",
            where=value.where,
            hint="use an absolute path of letters, digits and . _ @ + - outside /proc, /sys and /dev",
        )
    return path


def check_volumes(volumes: Value, notes: Notes) -> tuple[str, ...]:
    """Names of the top-level `volumes`, each of which must be plain and local.

    Raises:
        SubmissionRefusedError: External, with a driver, or with driver options (which can be a bind mount).
    """
    for name, volume in volumes.items():
        if not _NAME.fullmatch(name):
            raise refuse(
                "compose.volume", f"{shown(name)} is no name for a volume", where=volume.where, hint="use letters"
            )
        check_known(volume, {"driver", "driver_opts", "external", "labels", "name"}, f"volume {shown(name)}")
        for key, option in volume.items():
            plain = key in {"labels", "name"} or option.data in (None, False, {}, "", "false")
            if plain or key.startswith("x-") or (key == "driver" and option.data == "local"):
                continue
            raise refuse(
                "compose.volume",
                f"volume {shown(name)}: `{key}` is not accepted",
                where=option.where,
                hint="leave the volume's options empty",
            )
        if "name" in (volume.data or {}):
            notes.add(f"{volume.where}: volumes are made new for each attempt; `name` has no effect")
    return tuple(name for name, _ in volumes.items())


def _entry(element: Value) -> tuple[str, str, str, bool]:
    """Kind, source, target and read-only of one entry."""
    if isinstance(element.data, dict):
        return _long(element)
    parts = element.text().split(":")
    if len(parts) == 1:
        return "volume", "", parts[0], False
    options = parts[2].split(",") if len(parts) > 2 else []  # noqa: PLR2004
    if not _NAME.fullmatch(parts[0]) or len(parts) > 3 or not set(options) <= {"rw", "ro", "z", "Z", "nocopy", ""}:  # noqa: PLR2004
        _refuse_bind(parts[0], element)
    return "volume", parts[0], parts[1], "ro" in options


def _long(element: Value) -> tuple[str, str, str, bool]:
    entry = dict(element.items())
    kind = entry["type"].text() if "type" in entry else "volume"
    source = next((entry[key].text() for key in ("source", "src") if key in entry), "")
    if kind not in {"volume", "tmpfs"} or "bind" in entry:
        _refuse_bind(source or kind, element)
    check_known(element, _LONG, "this volume")
    if "volume" in entry:
        check_known(entry["volume"], {"nocopy", "labels"}, "this volume")
    if source and not _NAME.fullmatch(source):
        _refuse_bind(source, element)
    target = next((entry[key].text() for key in ("target", "dst", "destination") if key in entry), "")
    return kind, source, target, "read_only" in entry and entry["read_only"].boolean()


def _refuse_bind(source: str, element: Value) -> None:
    socket = "docker.sock" in source
    message = "the engine's socket is not handed to a service" if socket else f"{shown(source)} is a bind mount"
    hint = "remove it: whoever holds the socket holds the machine" if socket else _BIND_HINT
    raise refuse("compose.bind", message, where=element.where, hint=hint)


def _check_twice(targets: list[str], value: Value) -> None:
    twice = next((target for target, count in Counter(targets).items() if count > 1), None)
    if twice is not None:
        raise refuse("compose.target", f"two mounts stand at {twice}", where=value.where, hint="remove one of them")
