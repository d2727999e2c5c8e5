"""Proves a lab against its own solutions: each must lose exactly what it declares, and nothing may error.

Every solution is graded by its own process through the command line, as a candidate would do it, so that nothing of
one attempt can reach another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from mde_grader.codec.scorecards import scorecard_from
from mde_grader.durations import longest_first, remember
from mde_grader.errors import UsageError
from mde_grader.labs import SALT_VARIABLE, LabFolder
from mde_grader.model import Scorecard, Status, VariantIdentity, Verdict
from mde_grader.solutions import Solution, lay_out, read_solutions

_MARGIN = 120.0
"""Seconds that a process may take beyond three times the lab's deadline: start, sweep and teardown."""

FOREIGN = "another-variant"
"""Name of the row for the reference as it was laid out for another variant, which must not pass."""

_DRAWS = 100
"""How often, for each variant that is wanted, one is drawn that differs from those before it."""


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
        graded: Requirements that were looked at; None for all.
    """

    name: str
    declares: tuple[str, ...] | None
    lost: tuple[str, ...]
    verdict: str
    points: float
    seconds: float
    ok: bool
    why: str = ""
    graded: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """All solutions of a lab under one variant; the requirements are the matrix's columns.

    Attributes:
        lab: Id of the lab.
        requirements: Its requirements' ids.
        rows: How its solutions fared.
        variant: Under which variant; None for a lab without parameters.
        candidate: Whose variant that is; None for the practice variant.
    """

    lab: str
    requirements: tuple[str, ...]
    rows: tuple[SolutionProof, ...]
    variant: VariantIdentity | None = None
    candidate: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the lab is proven."""
        return all(row.ok for row in self.rows)

    @property
    def incomplete(self) -> bool:
        """Whether something of ours failed, so that nothing was proven either way."""
        return any(row.verdict in {"", Verdict.INCOMPLETE} for row in self.rows)


def variants(folder: LabFolder, count: int, seed: int) -> list[LabFolder]:
    """The lab in its practice variant and in `count` others, all different; the same ones for the same seed.

    They are those of the candidates `verify-SEED-NUMBER`. No salt takes part, so a proof can be repeated elsewhere.

    Args:
        folder: A lab with parameters.
        count: How many others.
        seed: Which others.

    Raises:
        UsageError: The lab has too few of them.
    """
    found = [folder.given_to(None, salt="")]
    for number in range(1, count * _DRAWS + 1):
        if len(found) > count:
            break
        drawn = folder.given_to(f"verify-{seed}-{number}", salt="")
        found += [] if any(other.values == drawn.values for other in found) else [drawn]
    if len(found) <= count:
        raise UsageError(f"{folder.lab.id} has too few variants for that", hint=f"try --variants {len(found) - 1}")
    return found


def verify(  # noqa: PLR0913 - everything after the lab is by name
    folder: LabFolder,
    *,
    only: tuple[str, ...] = (),
    jobs: int = 1,
    listener: Callable[[SolutionProof], None] = lambda _: None,
    other: LabFolder | None = None,
    quick: bool = False,
) -> Proof:
    """Grade a lab's solutions, laid out for its variant, and compare with what they declare.

    Args:
        folder: The lab, in the variant that is graded.
        only: Names of solutions; all when empty.
        jobs: How many are graded side by side.
        listener: Told each solution as it ends.
        other: The lab in another variant, whose reference must not pass here.
        quick: Grade of each broken solution no more than what it says it loses, and what that needs: its checks are
            seen to fail, and whether others fail with them is not.

    Raises:
        UsageError: The lab has no solutions, or none of that name.
        LabInvalidError: A declaration is wrong.
    """
    wanted = _wanted(folder, only, other)
    done: dict[str, SolutionProof] = {}
    with tempfile.TemporaryDirectory(prefix="mde-grade-verify-") as place, ThreadPoolExecutor(jobs) as pool:
        order = longest_first(folder.lab.id, [solution.name for solution in wanted])
        sequence = sorted(wanted, key=lambda solution: order.index(solution.name))
        futures = [pool.submit(_prove, folder, one, Path(place), other, one.loses if quick else ()) for one in sequence]
        try:
            for future in as_completed(futures):
                row = future.result()
                done[row.name] = row
                listener(row)
        except BaseException:
            # The pool would otherwise grade all that is left before it lets anybody stop.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not quick:
        remember(folder.lab.id, {row.name: row.seconds for row in done.values() if row.seconds})
    names = tuple(row.id for row in folder.lab.requirements)
    rows = tuple(done[solution.name] for solution in wanted)
    variant = folder.variant.identity if folder.variant else None
    return Proof(folder.lab.id, names, rows, variant, folder.candidate)


def _wanted(folder: LabFolder, only: tuple[str, ...], other: LabFolder | None) -> list[Solution]:
    if not folder.solutions.is_dir():
        raise UsageError(
            f"{folder.lab.id} has no solutions here", hint="an installed wheel carries none; use a checkout"
        )
    solutions = read_solutions(folder)
    if other is not None:
        title = "The reference, made for another variant"
        solutions.append(Solution(FOREIGN, title, "", (), (), "failed", exact=False))
    known = {solution.name for solution in solutions}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no solution “{name}”", hint=f"there are: {', '.join(sorted(known))}")
    return [solution for solution in solutions if not only or solution.name in only]


def _prove(
    folder: LabFolder, solution: Solution, place: Path, other: LabFolder | None, only: tuple[str, ...]
) -> SolutionProof:
    target = place / solution.name
    if other is not None and solution.name == FOREIGN:
        lay_out(other, replace(solution, name="reference"), target / "submission")
    else:
        lay_out(folder, solution, target / "submission")
    output = target / "run"
    candidate = solution.name if folder.variant is None else folder.candidate
    command = [
        *(sys.executable, "-I", "-m", "mde_grader", "grade", str(folder.root), str(target / "submission")),
        *("--format", "json", "--output", str(output), "-q"),
        *(("--candidate", candidate) if candidate else ()),
        *(word for name in only for word in ("--only", name)),
    ]
    seconds = folder.environment().deadline * 3 + _MARGIN
    environment = {**os.environ, SALT_VARIABLE: folder.salt}
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, cwd=place, env=environment
    )
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
        graded=tuple(row.requirement.id for row in card.results) if card.partial else None,
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
    if solution.verdict and card.verdict != solution.verdict and not card.partial:
        parts.append(f"verdict {card.verdict}, declared {solution.verdict}")
    return "; ".join(parts)
