"""The run profile: what the engine is told about a container, and what it says it does. Pure.

Every flag's reason stands in docs/explanation; the defaults' figures were measured with Docker Engine 20.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mde_grader.runtimes.base import Limits, ServiceSpec

MIB = 1 << 20
CPU_NANOS = 1_000_000_000

LOG = {"Type": "local", "Config": {"max-size": "1m", "max-file": "2", "compress": "false"}}
"""json-file without a cap took 154 MB in 5 s. Uncompressed, so that 2 MB is what reading it costs at the most."""

SIDE_CAPABILITIES = ("SYS_PTRACE", "DAC_READ_SEARCH", "SYS_CHROOT")
"""To look into services of other users. No service has them, so none can look into the side container."""

WRITE_CAPABILITIES = ("SETGID", "SETUID")
"""To write files of a workspace as its user; the side container of a stack without one does not have them."""

SIDE_LIMITS = Limits(memory_mb=256, cpus=2.0, pids=256, nofile=4096, file_mb=8)
INDEX_LIMITS = Limits(memory_mb=256, cpus=1.0, pids=64, nofile=1024, file_mb=64)

LEAST_SECONDS = 30
"""A side container with less to live would end while its stack starts, and take the services with it."""

NAMESPACE_SHARED = "container:"


RESOLVER: dict[str, Any] = {"Dns": ["127.0.0.1"], "DnsOptions": ["timeout:1", "attempts:1"]}
"""What the engine does with names that it does not know. It would ask the host's resolver, which is a way out of the
network where that resolver is local, and takes 10 s to fail where it is not (both seen). Asking a loopback on which
nobody listens, once and for one second, makes the name of a stopped service fail after a second."""


def service_config(  # noqa: PLR0913
    spec: ServiceSpec,
    *,
    image: str,
    user: str,
    labels: Mapping[str, str],
    side: str,
    network: str | None,
    share_pid: bool,
    volumes: Mapping[str, str],
) -> dict[str, Any]:
    """The body of the create call for a service.

    Args:
        spec: The service.
        image: Image to run, which is `spec.image` but where files were added to it.
        user: User that it runs as, the image's or its own.
        labels: Our labels.
        side: Name of the side container.
        network: Name of the stack's network; None to join the side container's.
        share_pid: Whether the service lives in the side container's PID namespace; never for root.
        volumes: Target path to the volume's name on the engine.
    """
    host = _hardened(spec.limits, capabilities=spec.capabilities, read_only=spec.read_only)
    host["NetworkMode"] = network or f"{NAMESPACE_SHARED}{side}"
    if network is not None:
        host |= RESOLVER
    if share_pid:
        host["PidMode"] = f"{NAMESPACE_SHARED}{side}"
    else:
        host["Init"] = True
    host["Tmpfs"] = {path: tmpfs_options(spec.limits, options, user) for path, options in map(_split, spec.tmpfs)}
    read_only = {mount.target for mount in spec.mounts if mount.read_only}
    host["Mounts"] = [
        {"Type": "volume", "Source": volume, "Target": target, "ReadOnly": target in read_only}
        for target, volume in volumes.items()
    ]
    config: dict[str, Any] = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
    }
    if network is not None:
        config["Hostname"] = spec.name
        aliases = list(dict.fromkeys((spec.name, *spec.aliases)))
        config["NetworkingConfig"] = {"EndpointsConfig": {network: {"Aliases": aliases}}}
    return config | _overrides(spec)


def _overrides(spec: ServiceSpec) -> dict[str, Any]:
    """What the image would say otherwise. An entrypoint of one's own disables the image's command, as in Compose."""
    found: dict[str, Any] = {}
    if spec.entrypoint is not None:
        found["Entrypoint"] = list(spec.entrypoint)
    if spec.command is not None:
        found["Cmd"] = list(spec.command)
    if spec.user is not None:
        found["User"] = spec.user
    if spec.working_dir is not None:
        found["WorkingDir"] = spec.working_dir
    if spec.stop_signal is not None:
        found["StopSignal"] = spec.stop_signal
    return found


def command_config(spec: ServiceSpec, *, user: str, labels: Mapping[str, str], network: str | None,
                   volumes: Mapping[str, str]) -> dict[str, Any]:  # fmt: skip
    """The body of the create call for one command of a workspace: a candidate's service that has nothing to answer to.

    Args:
        spec: The workspace; its entrypoint is the command.
        user: `uid:gid`, never root's.
        labels: Our labels.
        network: Name of the stack's network; None for none at all.
        volumes: Target path to the volume's name on the engine.
    """
    body = service_config(
        replace(spec, read_only=True, capabilities=(), user=user),
        image=spec.image,
        user=user,
        labels=labels,
        side="",
        network=network or "none",
        share_pid=False,
        volumes=volumes,
    )
    host = body["HostConfig"]
    # Its output comes over the attached stream; what an image holds at a volume's place is not to be copied there.
    host["LogConfig"] = {"Type": "none"}
    for mount in host["Mounts"]:
        mount["VolumeOptions"] = {"NoCopy": True}
    for path, options in map(_split, spec.tmpfs):
        if "exec" in options.split(","):
            host["Tmpfs"][path] += ",exec"
    body["NetworkingConfig"] = {"EndpointsConfig": {network: {}} if network else {}}
    return body


def side_config(
    image: str, *, labels: Mapping[str, str], network: str | None, seconds: float, writes: bool = False
) -> dict[str, Any]:
    """The body of the create call for the side container: our eyes and our voice, attached before it starts.

    Args:
        image: Its image.
        labels: Our labels.
        network: Name of the stack's network; None for none at all.
        seconds: How long it may live.
        writes: Whether it writes files of a workspace.
    """
    capabilities = SIDE_CAPABILITIES + (WRITE_CAPABILITIES if writes else ())
    host = _hardened(SIDE_LIMITS, capabilities=capabilities, read_only=True)
    host["NetworkMode"] = network or "none"
    if network is not None:
        host |= RESOLVER
    host["Init"] = True
    # What it says goes to us over the attached stream; a log would write every answer to disk as well.
    host["LogConfig"] = {"Type": "none"}
    return {
        "Image": image,
        "Env": [f"MDE_DEADLINE_SECONDS={max(LEAST_SECONDS, int(seconds))}"],
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "User": "0:0",
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host,
    }


def index_config(image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """The body of the create call for a build's package index: no network but the loopback that the build shares."""
    host = _hardened(INDEX_LIMITS, capabilities=(), read_only=True)
    host["NetworkMode"] = "none"
    host["Init"] = True
    return {"Image": image, "Labels": dict(labels), "Healthcheck": {"Test": ["NONE"]}, "HostConfig": host}


def _hardened(limits: Limits, *, capabilities: tuple[str, ...], read_only: bool) -> dict[str, Any]:
    memory = limits.memory_mb * MIB
    file_size = limits.file_mb * MIB
    return {
        "ReadonlyRootfs": read_only,
        "CapDrop": ["ALL"],
        "CapAdd": list(capabilities),
        "SecurityOpt": ["no-new-privileges"],
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(limits.cpus * CPU_NANOS),
        "PidsLimit": limits.pids,
        "Ulimits": [
            {"Name": "fsize", "Soft": file_size, "Hard": file_size},
            {"Name": "nofile", "Soft": limits.nofile, "Hard": limits.nofile},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "IpcMode": "private",
        "ShmSize": 16 * MIB,
        "LogConfig": LOG,
        "RestartPolicy": {"Name": "no"},
        "OomScoreAdj": 500,
        "PublishAllPorts": False,
    }


def _split(entry: str) -> tuple[str, str]:
    path, _, options = entry.partition(":")
    return path, options


def tmpfs_options(limits: Limits, asked: str, user: str = "") -> str:
    """Mount options of a tmpfs: ours for size and number of files, the candidate's only for mode and owner.

    A tmpfs takes the mode of the folder under it and root as its owner, so that a folder of the service's own would be
    closed to it; where its uid is plain, the tmpfs is given to it.
    """
    kept = [part for part in asked.split(",") if part.split("=")[0] in {"mode", "uid", "gid"}]
    if not any(part.startswith("mode=") for part in kept):
        kept.append("mode=1777")
    uid = user.partition(":")[0]
    if uid.isascii() and uid.isdigit() and not any(part.startswith("uid=") for part in kept):
        kept.append(f"uid={uid}")
    return ",".join(("rw", "nosuid", "nodev", f"size={limits.tmp_mb}m", f"nr_inodes={limits.tmp_inodes}", *kept))


def effective(about: Mapping[str, Any]) -> dict[str, Any]:
    """The limits that the engine has in force for a container, from its own description."""
    host = about["HostConfig"]
    ulimits = {entry["Name"]: entry["Hard"] for entry in host.get("Ulimits") or ()}
    return {
        "memory_mb": int(host.get("Memory") or 0) // MIB,
        "memory_swap_mb": int(host.get("MemorySwap") or 0) // MIB,
        "cpus": int(host.get("NanoCpus") or 0) / CPU_NANOS,
        "pids": int(host.get("PidsLimit") or 0),
        "nofile": ulimits.get("nofile", 0),
        "file_mb": ulimits.get("fsize", 0) // MIB,
        "core": ulimits.get("core", -1),
        "no_new_privileges": any(option.startswith("no-new-privileges") for option in host.get("SecurityOpt") or ()),
        "cap_drop": tuple(host.get("CapDrop") or ()),
        "privileged": bool(host.get("Privileged")),
        "log": (host.get("LogConfig") or {}).get("Type", ""),
        "ipc": host.get("IpcMode", ""),
        "tmpfs": dict(host.get("Tmpfs") or {}),
        "binds": tuple(host.get("Binds") or ()),
        "ports": tuple(host.get("PortBindings") or ()),
        "restart": (host.get("RestartPolicy") or {}).get("Name", ""),
    }
