"""Cross-checks a lab's files against each other, without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mde_grader.checking.session import CollectedCheck, collect
from mde_grader.errors import LabInvalidError
from mde_grader.labs import LabFolder
from mde_grader.model import Lab
from mde_grader.solutions import Solution, read_solutions
from mde_grader.templates import Template, template_text, unknown_places, walk

DRAWS = 40
"""Variants under which every template of a lab is rendered: the practice variant, and so many others."""


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
        templates = _templates(folder)
        collected = collect(folder.checks, lab, log=log)
    except LabInvalidError as error:
        return [Problem(str(folder.root), f"{error.message} ({error.hint})")]
    problems = [*templates, *_unproven_requirements(lab, collected)]
    problems += [Problem(name, "is missing") for name in ("README.md", "starter") if not (folder.root / name).exists()]
    if folder.solutions.is_dir():
        problems += _solutions(folder, lab)
    return problems


def _templates(folder: LabFolder) -> list[Problem]:
    """What some variant cannot be rendered for; the environment must hold in each, its files only render.

    Raises:
        LabInvalidError: The environment of a variant contradicts its schema.
    """
    if folder.variant is None:
        return []
    drawn = [folder.given_to(None), *(folder.given_to(f"lint-{number}", salt="") for number in range(DRAWS))]
    for one in drawn:
        _ = one.lab, one.environment()
    paths = [path for name in ("README.md", "starter", "solutions") for path in _files(folder.root / name)]
    found = [_template_problem(folder, path, drawn) for path in paths]
    return [problem for problem in found if problem is not None]


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return [path for path in walk(place) if path.is_file() and not path.is_symlink()]
    return [place] if place.is_file() else []


def _template_problem(folder: LabFolder, path: Path, drawn: list[LabFolder]) -> Problem | None:
    name = str(path.relative_to(folder.root))
    unknown = unknown_places(path.relative_to(folder.root), folder.values)
    if unknown:
        return Problem(name, f"stands for “{unknown[0]}” in its name, which is no parameter of this lab")
    text = template_text(path)
    if text is None:
        return None
    try:
        template = Template(text, folder.values, file=name)
        for one in drawn:
            template.render(one.values)
    except LabInvalidError as error:
        return Problem(name, f"{error.message} ({error.hint})")
    return None


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
    return _missing_kinds(solutions) + _unlost(lab, solutions) + _unknown(lab, solutions) + _dialects(lab, solutions)


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


def _dialects(lab: Lab, solutions: list[Solution]) -> list[Problem]:
    """A dialect that no right solution is written in could be one that nobody can pass in."""
    known = [dialect.id for dialect in lab.dialects]
    right = {solution.dialect for solution in solutions if not solution.loses and solution.exact}
    problems = [
        Problem(f"solutions/{solution.name}", f"asks for “{solution.dialect}”, which is no dialect of the lab")
        for solution in solutions
        if solution.dialect and solution.dialect not in known
    ]
    return problems + [
        Problem("solutions/", f"no right solution says `dialect: {name}`") for name in known if name not in right
    ]
