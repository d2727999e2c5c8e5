"""Where a container engine may answer, in the order in which we ask. Reads files and the environment, opens nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM_SOCKETS = ("/var/run/docker.sock",)
USER_SOCKETS = ("docker.sock", "podman/podman.sock")
PODMAN_SOCKETS = ("/run/podman/podman.sock",)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to try.

    Attributes:
        why: What named it, for the message that says what was tried.
        url: `unix://...`, `tcp://...`, `https://...` or `ssh://...`.
        tls: Folder with ca.pem, cert.pem and key.pem, or None.
    """

    why: str
    url: str
    tls: Path | None = None


def endpoints(environ: Mapping[str, str], home: Path) -> list[Endpoint]:
    """Every place where an engine may answer, best first, each once.

    `DOCKER_HOST` is a decision of the user: where it is set nothing else is tried.
    """
    host = environ.get("DOCKER_HOST", "").strip()
    if host:
        tls = Path(environ.get("DOCKER_CERT_PATH") or home / ".docker") if environ.get("DOCKER_TLS_VERIFY") else None
        return [Endpoint("DOCKER_HOST", host, tls)]
    found: dict[str, Endpoint] = {}
    for endpoint in (*_context(environ, home), *_sockets(environ)):
        found.setdefault(endpoint.url, endpoint)
    return list(found.values())


def _sockets(environ: Mapping[str, str]) -> Iterator[Endpoint]:
    for path in SYSTEM_SOCKETS:
        yield Endpoint("system socket", f"unix://{path}")
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for name in USER_SOCKETS:
        yield Endpoint("user socket", f"unix://{runtime}/{name}")
    for path in PODMAN_SOCKETS:
        yield Endpoint("podman socket", f"unix://{path}")


def _context(environ: Mapping[str, str], home: Path) -> Iterator[Endpoint]:
    """The context that `docker context use` chose; a broken file is as good as none."""
    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    name = environ.get("DOCKER_CONTEXT") or _json(folder / "config.json").get("currentContext")
    if not isinstance(name, str) or name in {"", "default"}:
        return
    digest = hashlib.sha256(name.encode()).hexdigest()
    places = _json(folder / "contexts" / "meta" / digest / "meta.json").get("Endpoints")
    docker = places.get("docker") if isinstance(places, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if isinstance(host, str) and host:
        tls = folder / "contexts" / "tls" / digest / "docker"
        yield Endpoint(f"context {name}", host, tls if tls.is_dir() else None)


def _json(path: Path) -> dict[str, object]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
