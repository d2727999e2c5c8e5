"""`python -m benchmarks [--quick] [NAME...]`: run benchmarks, all when none is named, and print what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks import attempt, cycle, facts, memory, startup, trivial
from benchmarks.pairs import Result

Run = Callable[[int], Sequence[Result]]

QUICK = 3
"""Pairs where only a blunder is to be noticed, as in continuous integration; no figure to publish."""

BENCHMARKS: Mapping[str, tuple[Run, int]] = {
    "startup": (startup.run, 20),
    "facts": (facts.run, 20),
    "trivial": (trivial.run, 20),
    "attempt": (attempt.run, 20),
    "memory": (memory.run, 3),
    "cycle": (cycle.run, 3),
}
"""Each with the pairs, or runs, that its published figures rest on."""


def main(arguments: Sequence[str], benchmarks: Mapping[str, tuple[Run, int]] = BENCHMARKS) -> int:
    """Run benchmarks; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what is claimed about speed.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(benchmarks)}; all when none is named"
    )
    parser.add_argument("--quick", action="store_true", help=f"at most {QUICK} pairs: enough to notice a blunder")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in benchmarks]
    if unknown:
        parser.error(f"there is no benchmark “{unknown[0]}”; there are: {', '.join(benchmarks)}")
    met = True
    for name in options.names or list(benchmarks):
        run, pairs = benchmarks[name]
        for result in run(min(pairs, QUICK) if options.quick else pairs):
            print(result.line(), flush=True)
            met = met and result.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
