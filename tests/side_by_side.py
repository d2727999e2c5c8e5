"""Runs pytest in several processes, each with its share of the test files: `python -m tests.side_by_side ARGUMENTS`.

pytest-xdist shares out single tests, for which every process reads all files, and each test costs five messages to a
process that does nothing else: with tests of three milliseconds that was a third of all processor time. Here a file
goes to the process that its name falls to, so nothing has to be said while they run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

SHARE = "MDE_SHARE"
"""Environment variable with the share of a process, as `2/4`; without it a process has all files."""

SHARES = 4
"""Processes; more than the two cores that we know, since some tests wait for a clock."""

PLUGINS = ("--disable-plugin-autoload", "-phypothesispytest", "-pno:cacheprovider")
"""Each plug-in costs its part of every test; and the cache is one file, which all processes would write."""

MEASURED = ".coverage-"
"""Beginning of the names of the files with each share's coverage, where it is measured; for `coverage combine`."""

_COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?)\b")


def is_others(file: str, share: str) -> bool:
    """Whether a test file belongs to another process than the one whose share it is."""
    number, of = map(int, share.split("/"))
    return zlib.crc32(file.encode()) % of != number - 1


def counted(outputs: Sequence[str]) -> dict[str, int]:
    """What the last lines of several runs of pytest count, added up."""
    found: Counter[str] = Counter()
    for output in outputs:
        for number, what in _COUNTED.findall(output.rstrip().rpartition("\n")[2]):
            found[what] += int(number)
    return dict(found)


def worst(codes: Sequence[int]) -> int:
    """The exit code of all processes; that a share held no test at all is a failure where none of the others did."""
    ran = [code for code in codes if code != pytest.ExitCode.NO_TESTS_COLLECTED]
    return max(ran, key=abs, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


def _start(number: int, arguments: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    own = {SHARE: f"{number}/{SHARES}", "COVERAGE_FILE": f"{MEASURED}{number}"}
    command = [sys.executable, "-m", "pytest", "-q", *PLUGINS, *arguments]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **own})


def main(arguments: Sequence[str]) -> int:
    """Run all shares, show what each said, and add up."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, str(number)) for number in range(1, SHARES + 1)]
        running = []
        for number, file in enumerate(files, start=1):
            with file.open("wb") as output:
                running.append(_start(number, arguments, output))
        for process, file in zip(running, files, strict=True):
            process.wait()
            sys.stdout.write(file.read_text(errors="replace"))
        told = counted([file.read_text(errors="replace") for file in files])
    counts = ", ".join(f"{number} {what}" for what, number in told.items())
    seconds = time.monotonic() - began
    sys.stdout.write(f"\n{SHARES} processes: {counts} in {seconds:.2f}s\n")
    return worst([process.returncode for process in running])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
