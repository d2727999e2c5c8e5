"""Watches a grading process from outside: its memory, its time, and the engine's disk. Linux only, as the engine is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_INTERVAL = 0.05


@dataclass(frozen=True)
class Observed:
    """What one run did.

    Attributes:
        exit: Exit code; None when it had to be killed.
        seconds: Wall time.
        stdout: Standard output.
        stderr: Standard error.
        peak_memory: Most bytes that the process and its descendants held at once.
        peak_disk: Most bytes that the engine's disk lost while it ran.
        left_processes: Descendants that outlived it, as `pid command`.
    """

    exit: int | None
    seconds: float
    stdout: bytes
    stderr: bytes
    peak_memory: int
    peak_disk: int
    left_processes: tuple[str, ...]


@dataclass
class _Sampler:
    session: int
    free: Callable[[], int]
    free_before: int = 0
    peak_memory: int = 0
    peak_disk: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.wait(_INTERVAL):
            self.look()

    def look(self) -> None:
        self.peak_memory = max(self.peak_memory, sum(_resident(pid) for pid in of_session(self.session)))
        self.peak_disk = max(self.peak_disk, self.free_before - self.free())


def of_session(session: int) -> list[int]:
    """Processes of a session, its leader included."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(path.name)) == session:
                    found.append(int(path.name))
    return found


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _high_water(pid: int) -> int:
    """The most that one process ever held, which sampling may miss."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    return "?"


def watch(  # noqa: PLR0913
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float, free: Callable[[], int], to: Path
) -> Observed:
    """Run a command to its end, or kill it after `seconds`, and say what it did.

    Args:
        command: What to run, in a session of its own.
        cwd: Where.
        env: Its whole environment.
        seconds: When it is killed.
        free: Bytes that are free on the engine's disk now.
        to: Folder for its output, which may be a flood.
    """
    with (to / "stdout").open("wb") as out, (to / "stderr").open("wb") as err:
        before = free()
        started = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    sampler = _Sampler(process.pid, free, before)
    thread = threading.Thread(target=sampler.run, daemon=True)
    thread.start()
    own, code = _await(process, started + seconds)
    took = time.monotonic() - started
    sampler.stop.set()
    thread.join()
    sampler.look()
    left = tuple(f"{pid} {_command(pid)}" for pid in of_session(process.pid))
    return Observed(
        exit=code,
        seconds=took,
        stdout=(to / "stdout").read_bytes(),
        stderr=(to / "stderr").read_bytes(),
        peak_memory=max(sampler.peak_memory, own),
        peak_disk=sampler.peak_disk,
        left_processes=left,
    )


def _await(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, int | None]:
    """Wait for the end; high-water mark of the process itself, and its exit code (None when we killed it)."""
    most = 0
    while process.poll() is None:
        most = max(most, _high_water(process.pid))
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            return most, None
        time.sleep(_INTERVAL)
    return most, process.returncode
