"""What is mounted in a service, from the kernel's table and not from the service's words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .limits import OpError
from .rooted import Target, enter, open_in, small_file

PSEUDO = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "devtmpfs", "debugfs", "tracefs"})
"""Kinds of file system that hold no files of anybody's."""
_MAX_TABLE = 1 << 20
_NOT_TOLD = ("ro", "rw", "lowerdir=", "upperdir=", "workdir=")  # the mount's own ro or rw counts; paths of the host


@dataclass(frozen=True)
class Mount:
    """One line of the table; `device` is `major:minor`."""

    target: str
    fstype: str
    options: tuple[str, ...]
    device: str


def mount_table(proc: int) -> list[Mount]:
    """The mounts of the process of a /proc folder."""
    text = small_file(proc, "mountinfo", _MAX_TABLE).decode(errors="surrogateescape")
    return [mount for line in text.splitlines() if (mount := _parse(line))]


def _parse(line: str) -> Mount | None:
    left, separator, right = line.partition(" - ")
    fields, kinds = left.split(" "), right.split(" ")
    if not separator or len(fields) < 6 or len(kinds) < 3:  # noqa: PLR2004 - proc_pid_mountinfo(5)
        return None
    own = fields[5].split(",")
    shared = [option for option in kinds[2].split(",") if not option.startswith(_NOT_TOLD)]
    options = dict.fromkeys([*own, *shared])
    return Mount(_unescape(fields[4]), kinds[0], tuple(options), fields[2])


def _unescape(text: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text


def list_all(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `mounts`; sizes are bytes, None where they cannot be known."""
    with enter(request.get("service", "")) as target:
        return {"mounts": [_described(target, mount) for mount in mount_table(target.proc)]}


def _described(target: Target, mount: Mount) -> dict[str, Any]:
    size, used = _usage(target, mount.target)
    return {
        "target": mount.target,
        "fstype": mount.fstype,
        "options": list(mount.options),
        "size": size,
        "used": used,
    }


def _usage(target: Target, path: str) -> tuple[int | None, int | None]:
    try:
        fd = open_in(target.root, path, os.O_PATH)
    except (OSError, OpError):
        return None, None
    try:
        facts = os.fstatvfs(fd)
    except OSError:
        return None, None
    finally:
        os.close(fd)
    return facts.f_blocks * facts.f_frsize, (facts.f_blocks - facts.f_bfree) * facts.f_frsize
