"""Run the agent as a local process, and speak to it through the real client."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mde_grader.runtimes.inspector import agent as agent_package
from mde_grader.runtimes.inspector.client import AttachedSession

AGENT = Path(agent_package.__file__).with_name("__main__.py")


class PipeStream:
    """A process's pipes, dressed as the engine's multiplexed stream."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin: IO[bytes] = process.stdin
        self._stdout: IO[bytes] = process.stdout
        self._fd = self._stdout.fileno()

    def recv(self, size: int) -> bytes:
        data = os.read(self._fd, size)
        return struct.pack(">BxxxI", 1, len(data)) + data if data else b""

    def sendall(self, data: bytes) -> None:
        self._stdin.write(data)
        self._stdin.flush()

    def shutdown(self, how: int) -> None:
        self._stdin.close()

    def close(self) -> None:
        self._stdout.close()


def start_agent(environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(AGENT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "MDE_BUSYBOX": "/bin/busybox", **(environment or {})},
    )


@contextmanager
def local_session(environment: Mapping[str, str] | None = None) -> Iterator[AttachedSession]:
    process = start_agent(environment)
    session = AttachedSession(PipeStream(process))
    try:
        yield session
    finally:
        session.close()
        assert process.wait(5) == 0
