"""A second engine in namespaces of its own on a disk of its own, so that what an attack leaves can be counted exactly.

Everything in it ends with one `kill`: the PID namespace takes every container along, the mount namespace the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

_SIZE = "12G"
_TOOLS = ("unshare", "dockerd", "mkfs.ext4", "ip")
_START = """
set -e
mount -o loop "$1/disk.img" "$1/data"
ip link set lo up
mkdir -p /run/docker && mount -t tmpfs none /run/docker
exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" -H "unix://$1/docker.sock"
"""


@dataclass(frozen=True)
class EngineUnderTest:
    """An engine that attacks are run against.

    Attributes:
        address: What `DOCKER_HOST` is to be; empty for the default engine.
        data_root: Where its disk can be measured from here.
        pid: A process inside its network namespace; None for this one.
        private: Whether nobody else uses it.
    """

    address: str
    data_root: Path
    pid: int | None
    private: bool

    def client(self) -> docker.DockerClient:
        """A new connection."""
        return docker.DockerClient(base_url=self.address) if self.address else docker.from_env()

    def free(self) -> int:
        """Bytes that are free on its disk."""
        found = os.statvfs(self.data_root)
        return found.f_bfree * found.f_frsize

    def inside(self, command: list[str]) -> list[str]:
        """The command, to be run in the engine's network namespace."""
        return ["nsenter", "-t", str(self.pid), "-n", *command] if self.pid else command


def can_make_cells() -> bool:
    """Whether this machine lets us have an engine of our own."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and all(shutil.which(tool) for tool in _TOOLS)


@contextmanager
def cell(folder: Path) -> Iterator[EngineUnderTest]:
    """An engine of our own for as long as the block runs; `folder` must be short, for its socket's path."""
    for name in ("data", "exec"):
        (folder / name).mkdir()
    subprocess.run(["truncate", "-s", _SIZE, str(folder / "disk.img")], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(folder / "disk.img")], check=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", _START, "sh", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"unix://{folder}/docker.sock"
        _wait_for(address, process, folder / "log")
        inner = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        yield EngineUnderTest(address, Path(f"/proc/{inner}/root{folder}/data"), inner, private=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client = docker.DockerClient(base_url=address)
            client.ping()
            client.close()
        except (docker.errors.DockerException, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the engine of the cell did not start: {log.read_text(errors='replace')[-2000:]}")


def default_engine() -> EngineUnderTest:
    """The engine that a user of this machine would get."""
    root = Path(docker.from_env().info()["DockerRootDir"])
    return EngineUnderTest("", root if root.is_dir() else Path("/"), None, private=False)


def copy_images(tags: list[str], source: docker.DockerClient, target: docker.DockerClient) -> None:
    """Bring images from one engine to another under the same tags, layers that they share only once."""
    address = f"{source.api.base_url}/v{source.api.api_version}/images/get"
    with source.api.get(address, params={"names": tags}, stream=True) as archive:
        for _ in target.api.load_image(archive.iter_content(1 << 20)):  # type: ignore[no-untyped-call]
            pass  # it is loaded only as its answer is read
