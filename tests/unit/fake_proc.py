"""A made-up /proc with services in it, and a session that does the agent's operations in this process."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mde_grader.runtimes.inspector.agent import rooted, serve
from mde_grader.runtimes.inspector.agent.limits import OpError
from mde_grader.runtimes.inspector.session import SessionError

WEB = "ab" * 32
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENERS = (
    HEAD
    + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0\n"
    "   1: 0B00007F:A3F1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0\n"
    "   2: 0200A8C0:1F90 0900A8C0:D431 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1\n"
)
LISTENERS6 = HEAD + (
    "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000     0        0 4 1 0 100 0 0 10 0\n"
)
UNIX = (
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "0: 00000002 00000000 00010000 0001 01 10 /run/app.sock\n"
    "1: 00000003 00000000 00000000 0001 03 11\n"
)


class FakeProc:
    """Processes as folders; all are in one network.

    Attributes:
        base: The made-up /proc.
        root: Root of every process's files.
        net: Tables of the network.
    """

    def __init__(self, base: Path) -> None:
        self.base = base / "proc"
        self.root = base / "root"
        self.net = base / "net"
        for folder in (self.base, self.root, self.net):
            folder.mkdir()
        for table, text in (("tcp", LISTENERS), ("tcp6", LISTENERS6), ("udp", HEAD), ("unix", UNIX)):
            (self.net / table).write_text(text)
        self.add("self", "side", cgroup="/docker/" + "00" * 32)

    def add(self, pid: int | str, name: str, *, cgroup: str, started: int = 100, **status: str) -> Path:
        folder = self.base / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "net").symlink_to(self.net)
        (folder / "ns" / "net").symlink_to("net:[1]")
        (folder / "root").symlink_to(self.root)
        (folder / "cgroup").write_text(f"3:pids:{cgroup}\n0::{cgroup}\n")
        fields = " ".join(["S", "0", *["0"] * 17, str(started), "0", "0"])
        (folder / "stat").write_text(f"{pid} (a) b) {fields}\n")
        (folder / "cmdline").write_bytes(name.encode() + b"\0--secret\0")
        (folder / "environ").write_bytes(b"PATH=/app/bin:/usr/bin\0TOKEN=x=y\0broken\0")
        (folder / "mountinfo").write_text(
            "1 0 0:5 / / ro,relatime - overlay overlay rw,lowerdir=/host/x,size=1k\n"
            "2 1 0:6 / /with\\040space rw - tmpfs tmpfs rw\nnonsense\n"
        )
        lines = {
            "Name": name,
            "State": "S (sleeping)",
            "PPid": "0",
            "Uid": "1000\t1000\t1000\t1000",
            "Gid": "1000\t1000\t1000\t1000",
            "VmRSS": "2048 kB",
            "Threads": "3",
            "CapEff": "0000000000000000",
            "NoNewPrivs": "1",
            **status,
        }
        (folder / "status").write_text("".join(f"{key}:\t{value}\n" for key, value in lines.items()))
        return folder

    def write(self, path: str, content: bytes | str = b"", mode: int = 0o644) -> Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(mode)
        return place


class DirectSession:
    """A `Session` without a process in between."""

    def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:
        try:
            return serve.operation(op)({"seconds": seconds, **arguments})
        except OpError as error:
            raise SessionError(error.kind, error.message) from error

    def submit(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        try:
            future.set_result(self.call(op, seconds=seconds, **arguments))
        except SessionError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProc:
    """A made-up /proc with the service WEB, whose main process is 20 and whose younger one is 7."""
    fake = FakeProc(tmp_path)
    fake.add(20, "web", cgroup=f"/docker/{WEB}")
    fake.add(7, "worker", cgroup=f"/system.slice/docker-{WEB}.scope", started=101)
    fake.add(5, "other", cgroup="/docker/" + "cd" * 32, started=1)
    monkeypatch.setattr(rooted, "PROC", str(fake.base))
    monkeypatch.setattr(rooted, "_known", {})
    return fake
