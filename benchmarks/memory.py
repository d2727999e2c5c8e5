"""(d) The most memory that the grader ever has in use while it grades the reference of lab-02."""

from __future__ import annotations

import os
import subprocess
import tempfile

from benchmarks.ground import CONTAINERS, ROOT, command, environment, reference
from benchmarks.pairs import Ceiling
from mde_grader.labs import load_lab

GOAL = 120.0
"""MB (10^6 bytes) of resident memory."""


def run(pairs: int = 3) -> list[Ceiling]:
    """Measure `pairs` attempts, and tell the largest.

    The kernel counts this process's own memory in until the other has begun, so that what is small could not be told.
    """
    line = command(CONTAINERS, reference(load_lab(str(CONTAINERS))))
    with tempfile.TemporaryDirectory(prefix="mde-runs-") as state:
        ours = [peak(line, state) for _ in range(pairs)]
    return [Ceiling("peak memory, lab-02", max(ours), GOAL, "MB", pairs)]


def peak(arguments: list[str], state: str) -> float:
    """Peak resident memory of one process in MB, as the kernel counted it.

    Raises:
        RuntimeError: It failed.
    """
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment(state))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments[-1]} ended with {process.returncode}")
    return usage.ru_maxrss * 1024 / 1e6
