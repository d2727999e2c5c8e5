"""How long a candidate waits before anything happens: `--help` and `list` against a bare interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.pairs import Ratio, measure

GOAL = 6.0


def run(pairs: int = 20) -> list[Ratio]:
    """Measure both commands."""
    return [_against_bare(name, pairs) for name in ("--help", "list")]


def _against_bare(argument: str, pairs: int) -> Ratio:
    def floor() -> None:
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)

    def ours() -> None:
        subprocess.run([sys.executable, "-I", "-m", "mde_grader", argument], check=True, stdout=subprocess.DEVNULL)

    return measure(f"mde-grade {argument}", floor, ours, pairs=pairs, goal=GOAL)
