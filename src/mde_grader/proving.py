"""Proves a lab against its own solutions: each must lose exactly what it declares, and nothing may error.

Every solution is graded by its own process through the command line, as a candidate would do it, so that nothing of
one attempt can reach another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mde_grader.codec.scorecards import scorecard_from
from mde_grader.durations import longest_first, remember
from mde_grader.errors import UsageError
from mde_grader.labs import LabFolder
from mde_grader.model import Scorecard, Status, Verdict
from mde_grader.solutions import Solution, lay_out, read_solutions

_MARGIN = 120.0
"""Seconds that a process may take beyond three times the lab's deadline: start, sweep and teardown."""


@dataclass(frozen=True, slots=True)
class SolutionProof:
    """How one solution fared against what it declares.

    Attributes:
        name: The solution.
        declares: Requirements that it says it loses; None when only the verdict is declared.
        lost: Requirements that did not pass.
        verdict: The verdict it got; empty when there is no scorecard.
        points: The points it got.
        seconds: Wall time of its attempt.
        ok: Whether all is as declared.
        why: What is not, in one line.
    """

    name: str
    declares: tuple[str, ...] | None
    lost: tuple[str, ...]
    verdict: str
    points: float
    seconds: float
    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """All solutions of a lab; the requirements are the matrix's columns."""

    lab: str
    requirements: tuple[str, ...]
    rows: tuple[SolutionProof, ...]

    @property
    def ok(self) -> bool:
        """Whether the lab is proven."""
        return all(row.ok for row in self.rows)

    @property
    def incomplete(self) -> bool:
        """Whether something of ours failed, so that nothing was proven either way."""
        return any(row.verdict in {"", Verdict.INCOMPLETE} for row in self.rows)


def verify(
    folder: LabFolder,
    *,
    only: tuple[str, ...] = (),
    jobs: int = 1,
    listener: Callable[[SolutionProof], None] = lambda _: None,
) -> Proof:
    """Grade a lab's solutions and compare with what they declare.

    Args:
        folder: The lab.
        only: Names of solutions; all when empty.
        jobs: How many are graded side by side.
        listener: Told each solution as it ends.

    Raises:
        UsageError: The lab has no solutions, or none of that name.
        LabInvalidError: A declaration is wrong.
    """
    wanted = _wanted(folder, only)
    done: dict[str, SolutionProof] = {}
    with tempfile.TemporaryDirectory(prefix="mde-grade-verify-") as place, ThreadPoolExecutor(jobs) as pool:
        order = longest_first(folder.lab.id, [solution.name for solution in wanted])
        sequence = sorted(wanted, key=lambda solution: order.index(solution.name))
        futures = [pool.submit(_prove, folder, solution, Path(place)) for solution in sequence]
        for future in as_completed(futures):
            row = future.result()
            done[row.name] = row
            listener(row)
    remember(folder.lab.id, {row.name: row.seconds for row in done.values() if row.seconds})
    names = tuple(row.id for row in folder.lab.requirements)
    return Proof(folder.lab.id, names, tuple(done[solution.name] for solution in wanted))


def _wanted(folder: LabFolder, only: tuple[str, ...]) -> list[Solution]:
    if not folder.solutions.is_dir():
        raise UsageError(
            f"{folder.lab.id} has no solutions here", hint="an installed wheel carries none; use a checkout"
        )
    solutions = read_solutions(folder)
    known = {solution.name for solution in solutions}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no solution “{name}”", hint=f"there are: {', '.join(sorted(known))}")
    return [solution for solution in solutions if not only or solution.name in only]


def _prove(folder: LabFolder, solution: Solution, place: Path) -> SolutionProof:
    target = place / solution.name
    lay_out(folder, solution, target / "submission")
    output = target / "run"
    command = [
        *(sys.executable, "-I", "-m", "mde_grader", "grade", str(folder.root), str(target / "submission")),
        *("--format", "json", "--output", str(output), "--candidate", solution.name, "-q"),
    ]
    seconds = folder.environment().deadline * 3 + _MARGIN
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=place)
    card = output / "scorecard.json"
    if not card.is_file():
        last = (ran.stderr.strip().splitlines() or ["it said nothing"])[0]
        return SolutionProof(solution.name, solution.loses, (), "", 0.0, 0.0, ok=False, why=f"no scorecard: {last}")
    return compare(solution, scorecard_from(json.loads(card.read_text(encoding="utf-8"))))


def compare(solution: Solution, card: Scorecard) -> SolutionProof:
    """Say whether a scorecard is what its solution declares; pure."""
    lost = tuple(row.requirement.id for row in card.results if row.status is not Status.PASSED)
    why = _difference(solution, card, lost)
    return SolutionProof(
        name=solution.name,
        declares=solution.loses if solution.exact else None,
        lost=lost,
        verdict=card.verdict,
        points=card.points,
        seconds=card.seconds,
        ok=not why,
        why=why,
    )


def _difference(solution: Solution, card: Scorecard, lost: tuple[str, ...]) -> str:
    if card.verdict is Verdict.INCOMPLETE:
        errored = [outcome for row in card.results for outcome in row.outcomes if outcome.status is Status.ERRORED]
        said = card.fault.message if card.fault else (errored[0].reason if errored else "unknown")
        return f"errored: {said}"
    parts: list[str] = []
    if solution.exact:
        unexpected = [name for name in lost if name not in solution.loses]
        kept = [name for name in solution.loses if name not in lost]
        parts += [f"also lost {', '.join(unexpected)}"] if unexpected else []
        parts += [f"did not lose {', '.join(kept)}"] if kept else []
    if solution.verdict and card.verdict != solution.verdict:
        parts.append(f"verdict {card.verdict}, declared {solution.verdict}")
    return "; ".join(parts)
