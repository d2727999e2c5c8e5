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
"""Labs whose attempts take more than a minute: of their broken solutions only what they say they lose is graded, and
what that needs, unless MDE_PROVE says `all`, as `nox -s labs` does."""


def is_quick(lab: LabFolder) -> bool:
    return lab.root.name in LONG and os.environ.get("MDE_PROVE") != "all"


@functools.cache
def proofs(lab: LabFolder) -> dict[str, SolutionProof]:
    return {row.name: row for row in verify(lab, jobs=SIDE_BY_SIDE, quick=is_quick(lab)).rows}


def test_there_are_labs() -> None:
    assert LABS


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.root.name)
def test_its_files_agree(lab: LabFolder, tmp_path: Path) -> None:
    assert lint(lab, log=tmp_path / "log") == []


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lab", "solution"),
    [pytest.param(lab, one.name, id=f"{lab.root.name}-{one.name}") for lab in LABS for one in read_solutions(lab)],
)
def test_a_solution_loses_exactly_what_it_declares(lab: LabFolder, solution: str) -> None:
    row = proofs(lab)[solution]
    if not row.ok:
        # A machine that stood still for a moment is no fault of the lab's; that it was needed is shown in the summary.
        warnings.warn(f"{solution}: {row.why}; graded again, alone", stacklevel=1)
        (row,) = verify(lab, only=(solution,), quick=is_quick(lab)).rows
    assert row.ok, f"{solution}: {row.why}"
