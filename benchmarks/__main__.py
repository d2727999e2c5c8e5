"""`python -m benchmarks [NAME...]`: run the named benchmarks (all when none is named) and print their ratios."""

from __future__ import annotations

import sys

from benchmarks import attempt, facts, memory, startup, trivial

BENCHMARKS = {
    "startup": startup.run,
    "facts": facts.run,
    "trivial": trivial.run,
    "attempt": attempt.run,
    "memory": memory.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks; 1 when a goal is missed."""
    met = True
    for name in names or list(BENCHMARKS):
        for ratio in BENCHMARKS[name]():
            print(ratio.line(), flush=True)
            met = met and ratio.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
