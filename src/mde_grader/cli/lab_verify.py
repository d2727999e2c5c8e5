"""`mde-grade lab verify [LAB]`."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from mde_grader.cli.matrix import matrix, summary
from mde_grader.cli.options import LabName, labs_option, loudness_options
from mde_grader.cli.terminal import note, say, speaks_unicode, width
from mde_grader.errors import LabInvalidError, MdeGradeError
from mde_grader.labs import LabFolder, find_labs, load_lab
from mde_grader.proving import Proof, SolutionProof, variants, verify

PROVEN = 0
_SEEDS = 1_000_000


@click.command("verify")
@click.argument("lab", type=LabName(), required=False)
@click.option("--only", multiple=True, metavar="SOLUTION", help="Only this solution; can be given again.")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Solutions side by side.")
@click.option("--quick", is_flag=True, help="Of a broken solution grade only what it says it loses.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Do it all that often.")
@click.option(
    "--variants",
    "count",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    metavar="N",
    help="Do it all in N random variants, too, and see that a solution made for another variant does not pass.",
)
@click.option("--seed", type=click.IntRange(0), help="Which variants, as an earlier run told. [default: new ones]")
@labs_option
@loudness_options
def command(  # noqa: PLR0913 - one argument an option
    *,
    lab: str | None,
    only: tuple[str, ...],
    jobs: int,
    quick: bool,
    repeat: int,
    count: int,
    seed: int | None,
    labs: Path | None,
    quiet: bool,
    verbose: int,  # noqa: ARG001 - accepted everywhere
) -> int:
    """Grade the solutions of LAB (of all labs when none is named) and compare with what they declare.

    Ends with 0 when every solution lost exactly what it declares, with 4 when one did not or when repetitions differ,
    and with 3 when something of ours failed.
    """
    folders = [load_lab(lab, labs)] if lab else find_labs(labs)
    chosen = secrets.randbelow(_SEEDS) if seed is None else seed
    task = _Task(only, jobs, quick, repeat, count, chosen, quiet)
    return max((_verified(folder, task) for folder in folders), default=PROVEN)


@dataclass(frozen=True, slots=True)
class _Task:
    """What the options ask for."""

    only: tuple[str, ...]
    jobs: int
    quick: bool
    repeat: int
    count: int
    seed: int
    quiet: bool


def _verified(folder: LabFolder, task: _Task) -> int:
    several = bool(task.count and folder.variant)
    places = variants(folder, task.count, task.seed) if several else [folder]
    proofs: list[Proof] = []
    for turn in range(1, task.repeat + 1):
        if task.repeat > 1 and not task.quiet:
            note(f"{folder.lab.id}: turn {turn} of {task.repeat}")
        for index, place in enumerate(places):
            proofs.append(_proof(place, task, other=places[index - 1] if several else None))
    if several:
        _sum_up(proofs, task)
    differing = unsteady(proofs)
    for name in differing:
        say(f"{folder.lab.id}: {name} did not come out the same each time")
    return LabInvalidError.exit_code if differing else max(map(exit_code, proofs))


def _proof(place: LabFolder, task: _Task, *, other: LabFolder | None) -> Proof:
    if other is not None and not task.quiet:
        note(f"{place.lab.id}: {f'variant of {place.candidate}' if place.candidate else 'practice variant'}")
    told = _silent if task.quiet else _tell
    proof = verify(place, only=task.only, jobs=task.jobs, listener=told, other=other, quick=task.quick)
    brief = place.candidate is not None
    say(matrix(proof, columns=width(), unicode=speaks_unicode(sys.stdout), brief=brief))
    say(summary(proof))
    return proof


def _sum_up(proofs: list[Proof], task: _Task) -> None:
    """One line for all variants, and how to have the same ones again."""
    good = sum(proof.ok for proof in proofs)
    say(f"{proofs[0].lab}: {good} of {len(proofs)} proofs hold; the same variants again: {_again(proofs[0].lab, task)}")


def _again(lab: str, task: _Task) -> str:
    return f"mde-grade lab verify {lab} --variants {task.count} --seed {task.seed}"


def exit_code(proof: Proof) -> int:
    """0 proven, 4 proven wrong, 3 when something of ours failed and nothing was proven wrong."""
    if proof.ok:
        return PROVEN
    wrong = any(not row.ok and row.verdict not in {"", "incomplete"} for row in proof.rows)
    return LabInvalidError.exit_code if wrong else MdeGradeError.exit_code


def unsteady(proofs: list[Proof]) -> list[str]:
    """Solutions that lost other requirements, or got another verdict, from one repetition to the next."""
    seen: dict[tuple[str, str], set[tuple[tuple[str, ...], str]]] = {}
    for proof in proofs:
        for row in proof.rows:
            seen.setdefault((row.name, proof.candidate or ""), set()).add((row.lost, row.verdict))
    return [f"{name} of {of}" if of else name for (name, of), results in seen.items() if len(results) > 1]


def _tell(row: SolutionProof) -> None:
    note(f"{row.name}: {'as declared' if row.ok else row.why} ({row.seconds:.1f} s)")


def _silent(_row: SolutionProof) -> None:
    pass
