"""The volumes of a stack: in memory, of a fixed size, held by the side container.

A volume on disk cannot be given a size. One in memory can, and it lives as long as something has it mounted: the side
container does, so that what a service wrote is still there after the service was replaced. Where an image declares a
VOLUME that nobody mounts, the engine would make one without a label; it gets one of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.docker.client import Engine, RefusalError
from mde_grader.runtimes.docker.names import unique

INODES = 16_384
HELD = "/mnt/held"
"""Where the side container holds them; it looks there for a workspace's files alone."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume to make.

    Attributes:
        key: The stack's own name of it, or `service:/path` for what an image declares.
        name: Its name on the engine.
        size_mb: Its size.
        owner: `uid:gid` that its root belongs to; empty for root, as the engine has it.
    """

    key: str
    name: str
    size_mb: int
    owner: str = ""


def declared(spec: ServiceSpec, config: Mapping[str, Any]) -> list[str]:
    """Paths at which the image wants a volume and the service mounts nothing."""
    taken = {mount.target.rstrip("/") for mount in spec.mounts} | {
        entry.partition(":")[0].rstrip("/") for entry in spec.tmpfs
    }
    return [path for path in (config.get("Volumes") or ()) if path.rstrip("/") not in taken]


def declared_key(service: str, path: str) -> str:
    """The key of what an image declares at a path."""
    return f"{service}:{path}"


def wanted(attempt: str, services: Iterable[tuple[ServiceSpec, Mapping[str, Any]]]) -> dict[str, Volume]:
    """Every volume of a stack by its key; one that several mount is as large as the largest of them may write."""
    sizes: dict[str, int] = {}
    for spec, config in services:
        keys = [mount.volume for mount in spec.mounts]
        keys += [declared_key(spec.name, path) for path in declared(spec, config)]
        for key in keys:
            sizes[key] = max(sizes.get(key, 1), spec.limits.layer_mb)
    return {key: Volume(key, unique(attempt, key), size) for key, size in sizes.items()}


def owned(volumes: dict[str, Volume], workspace: ServiceSpec, user: str) -> dict[str, Volume]:
    """The volumes, those that a workspace mounts given to its user."""
    mounted = {mount.volume for mount in workspace.mounts}
    return {key: replace(volume, owner=user) if key in mounted else volume for key, volume in volumes.items()}


def make_volume(engine: Engine, volume: Volume, labels: Mapping[str, str], *, held: bool = True) -> None:
    """Make a volume; one that nothing holds is on disk, for in memory it would not outlive its service's making.

    Raises:
        EngineError: The engine refuses.
    """
    options = f"size={volume.size_mb}m,nr_inodes={INODES},nosuid,nodev"
    if volume.owner:
        uid, _, gid = volume.owner.partition(":")
        options += f",uid={uid},gid={gid},mode=0755"
    memory = {"type": "tmpfs", "device": "tmpfs", "o": options}
    body = {"Name": volume.name, "Driver": "local", "DriverOpts": memory if held else {}, "Labels": dict(labels)}
    try:
        engine.ask("POST", "/volumes/create", body=body)
    except RefusalError as refusal:
        raise EngineError(f"the engine refused a volume: {refusal.message}") from refusal


def held_at(number: int) -> str:
    """Where in the side container a stack's volume of that number is."""
    return f"{HELD}/{number}"


def holding(volumes: Iterable[Volume]) -> list[dict[str, Any]]:
    """The side container's mounts."""
    return [
        {"Type": "volume", "Source": volume.name, "Target": held_at(number), "VolumeOptions": {"NoCopy": True}}
        for number, volume in enumerate(volumes)
    ]
