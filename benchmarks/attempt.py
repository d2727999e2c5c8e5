"""(a) Grading the reference of lab-02, against a script that does the same on the engine and nothing else."""

from __future__ import annotations

import subprocess
import tempfile

from benchmarks import floor
from benchmarks.ground import CONTAINERS, ROOT, command, environment, ground
from benchmarks.pairs import Ratio, measure

GOAL = 1.10
"""The whole process, with the interpreter's start and the scorecard, warm: the images and the build cache are there."""


def run(pairs: int = 20) -> list[Ratio]:
    """Measure whole attempts, as a candidate starts them."""
    found = ground(CONTAINERS)
    changed = floor.Changed(found.folder)
    try:
        with tempfile.TemporaryDirectory(prefix="mde-runs-") as state:

            def ours() -> None:
                line = command(CONTAINERS, found.folder)
                subprocess.run(line, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment(state))

            name = "mde-grade lab-02, the reference"
            return [measure(name, lambda: floor.attempt(found, changed), ours, pairs=pairs, goal=GOAL)]
    finally:
        changed.close()
        found.engine.runtime.close()
