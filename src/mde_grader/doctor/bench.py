"""Throw-away containers and builds to measure with; all carry an owner's labels and a deadline, and are removed."""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import Owner
from mde_grader.runtimes.docker.client import Engine
from mde_grader.runtimes.docker.logs import read_log
from mde_grader.runtimes.janitor import this_process

IMAGES = ("mde-grade/tools", "mde-grade/side")
"""Images of ours with a Python in them, best first."""
SECONDS = 10.0
"""One measurement's deadline."""
LIFETIME = 120.0
"""Seconds after which anybody may remove what a doctor that died left."""
LOG_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """How a container ended: exit code, the engine's word on the memory, its output, and the seconds from its start."""

    exit_code: int
    oom_killed: bool
    output: str
    seconds: float


class Bench:
    """Where measurements run.

    Args:
        engine: The engine.
        image: An image with `python3`.
    """

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine = engine
        self.image = image
        self.name = f"doctor-{secrets.token_hex(4)}"
        owner = Owner(self.name, this_process(), "", time.time() + LIFETIME)
        self.labels = owner.labels()

    def run(self, script: str, *, host: Mapping[str, Any] | None = None, network: str = "none") -> Ran:
        """Run a Python script in a container without privileges.

        Args:
            script: Its source.
            host: Fields of the engine's HostConfig, on top of ours.
            network: Name of its network.

        Raises:
            EngineError: The engine did not answer, or the script did not end in time.
        """
        container = self._create(script, host or {}, network)
        try:
            began = time.monotonic()
            self.engine.ask("POST", f"/containers/{container}/start")
            code = self._wait(container)
            seconds = time.monotonic() - began
            state = self.engine.ask("GET", f"/containers/{container}/json")["State"]
            output = read_log(self.engine, container, limit=LOG_LIMIT)
            return Ran(code, bool(state.get("OOMKilled")), output, seconds)
        finally:
            self.engine.quietly("DELETE", f"/containers/{container}", params={"force": 1, "v": 1})

    def _create(self, script: str, host: Mapping[str, Any], network: str) -> str:
        body = {
            "Image": self.image,
            "Entrypoint": ["python3", "-I", "-S", "-c", script],
            "Cmd": [],
            "User": "65534:65534",
            "Labels": self.labels,
            "HostConfig": {**_harmless(), "NetworkMode": network, **host},
        }
        return str(self.engine.ask("POST", "/containers/create", body=body)["Id"])

    def _wait(self, container: str) -> int:
        return int(self.engine.ask("POST", f"/containers/{container}/wait", timeout=SECONDS)["StatusCode"])

    @contextlib.contextmanager
    def network(self, subnet: str) -> Iterator[str]:
        """A network of the kind that stacks get, removed at the end; its name.

        Raises:
            RefusalError: The subnet is taken.
        """
        name = f"mde-{self.name}"
        body = {
            "Name": name,
            "Internal": True,
            "Labels": self.labels,
            "IPAM": {"Config": [{"Subnet": subnet}]},
            "Options": {"com.docker.network.bridge.inhibit_ipv4": "true"},
        }
        self.engine.ask("POST", "/networks/create", body=body)
        try:
            yield name
        finally:
            self.engine.quietly("DELETE", f"/networks/{name}")

    def context(self, dockerfile: str) -> bytes:
        """A build's context that holds only this Dockerfile, put on top of the measuring image."""
        text = f"FROM {self.image}\n{dockerfile}\n".encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo("Dockerfile")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        return buffer.getvalue()


def _harmless() -> dict[str, Any]:
    """Limits of every measuring container, so that a limit that does not bind cannot hurt the machine."""
    return {
        "Memory": 128 << 20,
        "MemorySwap": 128 << 20,
        "PidsLimit": 64,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": {"Type": "local", "Config": {"max-size": "1m", "max-file": "2"}},
        "RestartPolicy": {"Name": "no"},
        "Init": False,
    }


def measuring_image(engine: Engine) -> str:
    """An image of ours to measure with.

    Raises:
        EngineError: There is none on this engine.
    """
    rows = engine.ask("GET", "/images/json")
    tags = [tag for row in rows for tag in row.get("RepoTags") or ()]
    for name in IMAGES:
        found = [tag for tag in tags if tag.startswith(f"{name}:")]
        if found:
            return str(found[0])
    raise EngineError(
        "no image of ours is on this engine, so nothing can be measured", hint="run `mde-grade images build`"
    )
