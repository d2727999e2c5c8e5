"""One program of a run, from its start to its end, whatever it leaves running."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

GRACE = 0.5
"""Seconds that the last lines may take after the program has ended; what it left running may hold its output open."""

LONGEST_LINE = 1 << 20
"""Bytes; the rest of a longer line is the next line. act repeats the whole script of a step in each line of it."""

MOST_LINES = 1024
"""Lines that wait for being shown; a program that prints faster waits as well."""

SIGNALLED = 128
"""What is added to a signal's number where a program was ended by it, as shells do."""

_PR_SET_DUMPABLE = 4
"""https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html."""


def shut() -> None:
    """Close this process to others of its user: its memory, its descriptors, and the signals that Python would take."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    line: Callable[[str, float], None],
    tick: Callable[[float], None],
) -> int:
    """Run a program, both outputs as one.

    Args:
        command: Program and arguments.
        folder: Where it runs.
        environment: All that it is given.
        line: Told each line, with the time.
        tick: Called after each line, and often while there is none, with the time.

    Returns:
        Its exit code; 128 and the number of the signal that ended it.
    """
    lines: queue.Queue[str | None] = queue.Queue(MOST_LINES)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output = process.stdout
    if output is None:  # pragma: no cover - a pipe was asked for
        raise AssertionError
    threading.Thread(target=_read, args=(output, lines), daemon=True).start()
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=lambda: ended.put(_wait(process.pid)), daemon=True).start()
    code, until = None, float("inf")
    while True:
        now = time.monotonic()
        if code is None and not ended.empty():
            code, until = ended.get(), now + GRACE
        try:
            text = lines.get(timeout=0.05)
        except queue.Empty:
            text = ""
        else:
            if text is not None:
                line(text, now)
        tick(now)
        if (text is None and code is not None) or now > until:
            return code or 0
        if text is None:
            code, until = ended.get(), now


def _read(output: IO[bytes], lines: queue.Queue[str | None]) -> None:
    for part in iter(lambda: output.readline(LONGEST_LINE), b""):
        lines.put(part.decode(errors="replace").rstrip("\r\n"))
    lines.put(None)


def _wait(pid: int) -> int:
    """Wait for one child. As process 1 of a container this one is given all orphans, and takes them too."""
    while True:
        found, status = os.wait()
        if found == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else SIGNALLED - code
