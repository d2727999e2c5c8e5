"""Every lab is in order, and its own solutions prove each of its requirements."""

from __future__ import annotations

import functools
import os
import warnings
from pathlib import Path

import pytest

from mde_grader.labs import LabFolder, find_labs
from mde_grader.linting import lint
from mde_grader.proving import SolutionProof, verify
from mde_grader.solutions import read_solutions

LABS = [folder for folder in find_labs() if folder.solutions.is_dir()]
SIDE_BY_SIDE = 2
"""More attempts at once than there are cores measure the machine, not the lab."""


LONG = {"lab-01", "lab-03", "lab-03-config"}
"""Labs whose attempts take more than a minute: of their broken solutions one for each requirement is graded,
unless MDE_PROVE says `all`, as `nox -s labs` does."""


def chosen(lab: LabFolder) -> list[str]:
    solutions = read_solutions(lab)
    names = [solution.name for solution in solutions]
    if lab.root.name not in LONG or os.environ.get("MDE_PROVE") == "all":
        return names
    loses = {solution.name: set(solution.loses) for solution in solutions if solution.loses}
    # For each requirement the one that loses the least besides it: nothing else can be why it is lost.
    wanted = set().union(*loses.values())
    cover = {min((len(lost), name) for name, lost in loses.items() if one in lost)[1] for one in wanted}
    return [name for name in names if name in cover or name not in loses]


@functools.cache
def proofs(lab: LabFolder) -> dict[str, SolutionProof]:
    return {row.name: row for row in verify(lab, only=tuple(chosen(lab)), jobs=SIDE_BY_SIDE).rows}


def test_there_are_labs() -> None:
    assert LABS


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.root.name)
def test_its_files_agree(lab: LabFolder, tmp_path: Path) -> None:
    assert lint(lab, log=tmp_path / "log") == []


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lab", "solution"),
    [pytest.param(lab, name, id=f"{lab.root.name}-{name}") for lab in LABS for name in chosen(lab)],
)
def test_a_solution_loses_exactly_what_it_declares(lab: LabFolder, solution: str) -> None:
    row = proofs(lab)[solution]
    if not row.ok:
        # A machine that stood still for a moment is no fault of the lab's; that it was needed is shown in the summary.
        warnings.warn(f"{solution}: {row.why}; graded again, alone", stacklevel=1)
        (row,) = verify(lab, only=(solution,)).rows
    assert row.ok, f"{solution}: {row.why}"
