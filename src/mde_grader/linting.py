"""Cross-checks a lab's files against each other, without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mde_grader.checking.session import CollectedCheck, collect
from mde_grader.errors import LabInvalidError
from mde_grader.labs import LabFolder
from mde_grader.model import Lab
from mde_grader.solutions import Solution, read_solutions


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a lab: the file concerned and what to mend, in one line."""

    where: str
    message: str


def lint(folder: LabFolder, *, log: Path) -> list[Problem]:
    """Return all that is wrong with a lab's files; empty when all is well.

    Args:
        folder: The lab.
        log: File that gets pytest's own output of the collection.
    """
    try:
        lab = folder.lab
        folder.environment()
        collected = collect(folder.checks, lab, log=log)
    except LabInvalidError as error:
        return [Problem(str(folder.root), f"{error.message} ({error.hint})")]
    problems = _unproven_requirements(lab, collected)
    problems += [Problem(name, "is missing") for name in ("README.md", "starter") if not (folder.root / name).exists()]
    if folder.solutions.is_dir():
        problems += _solutions(folder, lab)
    return problems


def _unproven_requirements(lab: Lab, collected: list[CollectedCheck]) -> list[Problem]:
    covered = {found.planned.requirement for found in collected}
    problems = [Problem("checks/", f"no check for “{row.id}”") for row in lab.requirements if row.id not in covered]
    untitled = [found for found in collected if found.title == found.check or not found.title]
    return problems + [Problem(found.check, "has no docstring: it is the candidate's text") for found in untitled]


def _solutions(folder: LabFolder, lab: Lab) -> list[Problem]:
    try:
        solutions = read_solutions(folder)
    except LabInvalidError as error:
        return [Problem("solutions/", error.message)]
    return _missing_kinds(solutions) + _unlost(lab, solutions) + _unknown(lab, solutions)


def _missing_kinds(solutions: list[Solution]) -> list[Problem]:
    names = [solution.name for solution in solutions]
    wanted = {"reference": "reference", "also-right-": "also-right-*", "broken-": "broken-*"}
    return [
        Problem("solutions/", f"has no {shown}")
        for prefix, shown in wanted.items()
        if not any(name.startswith(prefix) for name in names)
    ]


def _unlost(lab: Lab, solutions: list[Solution]) -> list[Problem]:
    lost = {name for solution in solutions if solution.name != "starter" for name in solution.loses}
    return [
        Problem("solutions/", f"no solution loses “{row.id}”, so nothing proves that its checks can fail")
        for row in lab.requirements
        if row.id not in lost
    ]


def _unknown(lab: Lab, solutions: list[Solution]) -> list[Problem]:
    known = {row.id for row in lab.requirements}
    return [
        Problem(f"solutions/{solution.name}", f"loses “{name}”, which is no requirement")
        for solution in solutions
        for name in solution.loses
        if name not in known
    ]
