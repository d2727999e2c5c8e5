"""`mde-grade lab verify [LAB]`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mde_grader.cli.matrix import matrix, summary
from mde_grader.cli.options import LabName, labs_option, loudness_options
from mde_grader.cli.terminal import note, say, speaks_unicode, width
from mde_grader.errors import LabInvalidError, MdeGradeError
from mde_grader.labs import LabFolder, find_labs, load_lab
from mde_grader.proving import Proof, SolutionProof, verify

PROVEN = 0


@click.command("verify")
@click.argument("lab", type=LabName(), required=False)
@click.option("--only", multiple=True, metavar="SOLUTION", help="Only this solution; can be given again.")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Solutions side by side.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Do it all that often.")
@labs_option
@loudness_options
def command(  # noqa: PLR0913 - one argument an option
    *,
    lab: str | None,
    only: tuple[str, ...],
    jobs: int,
    repeat: int,
    labs: Path | None,
    quiet: bool,
    verbose: int,  # noqa: ARG001 - accepted everywhere
) -> int:
    """Grade the solutions of LAB (of all labs when none is named) and compare with what they declare.

    Ends with 0 when every solution lost exactly what it declares, with 4 when one did not or when repetitions differ,
    and with 3 when something of ours failed.
    """
    folders = [load_lab(lab, labs)] if lab else find_labs(labs)
    return max((_verified(folder, only, jobs, repeat, quiet=quiet) for folder in folders), default=PROVEN)


def _verified(folder: LabFolder, only: tuple[str, ...], jobs: int, repeat: int, *, quiet: bool) -> int:
    proofs: list[Proof] = []
    for turn in range(1, repeat + 1):
        if repeat > 1 and not quiet:
            note(f"{folder.lab.id}: turn {turn} of {repeat}")
        proof = verify(folder, only=only, jobs=jobs, listener=_silent if quiet else _tell)
        say(matrix(proof, columns=width(), unicode=speaks_unicode(sys.stdout)))
        say(summary(proof))
        proofs.append(proof)
    differing = unsteady(proofs)
    for name in differing:
        say(f"{folder.lab.id}: {name} did not come out the same each time")
    return LabInvalidError.exit_code if differing else max(map(exit_code, proofs))


def exit_code(proof: Proof) -> int:
    """0 proven, 4 proven wrong, 3 when something of ours failed and nothing was proven wrong."""
    if proof.ok:
        return PROVEN
    wrong = any(not row.ok and row.verdict not in {"", "incomplete"} for row in proof.rows)
    return LabInvalidError.exit_code if wrong else MdeGradeError.exit_code


def unsteady(proofs: list[Proof]) -> list[str]:
    """Solutions that lost other requirements, or got another verdict, from one repetition to the next."""
    seen: dict[str, set[tuple[tuple[str, ...], str]]] = {}
    for proof in proofs:
        for row in proof.rows:
            seen.setdefault(row.name, set()).add((row.lost, row.verdict))
    return [name for name, results in seen.items() if len(results) > 1]


def _tell(row: SolutionProof) -> None:
    note(f"{row.name}: {'as declared' if row.ok else row.why} ({row.seconds:.1f} s)")


def _silent(_row: SolutionProof) -> None:
    pass
