"""`lab.yaml` to `Lab`, with the line of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mde_grader.codec.documents import Document
from mde_grader.codec.nodes import Node
from mde_grader.codec.parameters import parameters_from
from mde_grader.model import Dialect, Lab, Requirement

SCHEMA = "mde-grade/lab/1"
LEVELS = ("foundation", "professional", "advanced")

_ID = r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?"
_FILES = r"(?!.*\.\./)[A-Za-z0-9_.*?-]+(/[A-Za-z0-9_.*?-]+)*"
_REQUIRED = ("schema", "id", "title", "category", "level", "track", "minutes", "pass_mark", "requirements")
_OPTIONAL = ("summary", "parameters", "version", "dialects")
_MAX_POINTS = 1000
_MAX_MINUTES = 10_080  # one week
_MAX_VERSION = 1_000_000


def lab_from(document: Document, *, file: str = "lab.yaml", digest: str = "") -> Lab:
    """Read one lab.

    Args:
        document: What `lab.yaml` holds.
        file: Its name, for errors.
        digest: Digest of the lab's files, which the file itself cannot know.

    Raises:
        LabInvalidError: Names file, line and key of the first thing that is wrong.
    """
    root = Node(document.data, file, document.lines)
    parts = root.fields(_REQUIRED + _OPTIONAL, _REQUIRED)
    parts["schema"].choice([SCHEMA])
    requirements = tuple(_requirement(node) for node in parts["requirements"].entries())
    _cross_check(parts["requirements"], requirements)
    return Lab(
        id=parts["id"].text(pattern=_ID),
        title=parts["title"].text(),
        category=parts["category"].text(pattern=_ID),
        level=parts["level"].choice(LEVELS),
        track=parts["track"].text(pattern=_ID),
        minutes=parts["minutes"].integer(1, _MAX_MINUTES),
        pass_mark=parts["pass_mark"].integer(1, 100),
        requirements=requirements,
        summary=parts["summary"].text(empty=True).strip() if "summary" in parts else "",
        digest=digest,
        parameters=parameters_from(parts["parameters"]) if "parameters" in parts else {},
        version=parts["version"].integer(1, _MAX_VERSION) if "version" in parts else 1,
        dialects=dialects_from(parts["dialects"]) if "dialects" in parts else (),
    )


def dialects_from(node: Node) -> tuple[Dialect, ...]:
    """Read the dialects of a lab.

    Args:
        node: What stands under `dialects`.

    Raises:
        LabInvalidError: Names file, line and key of the first thing that is wrong.
    """
    found = []
    for name, entry in node.items():
        if not re.fullmatch(_ID, name):
            entry.fail(f"must have a name that matches {_ID}")
        parts = entry.fields(("title", "files", "line"), ("title", "files"))
        files = parts["files"].words(pattern=_FILES)
        if not files:
            parts["files"].fail("must name at least one pattern")
        line = parts["line"].text() if "line" in parts else ""
        try:
            re.compile(line)
        except re.error as error:
            parts["line"].fail(f"is no regular expression: {error}")
        found.append(Dialect(name, " ".join(parts["title"].text().split()), files, line))
    if not found:
        node.fail("must name at least one")
    return tuple(found)


def _requirement(node: Node) -> Requirement:
    parts = node.fields(("id", "title", "points", "hint", "needs", "gate", "hidden"), ("id", "title", "points"))
    return Requirement(
        id=parts["id"].text(pattern=_ID),
        title=" ".join(parts["title"].text().split()),
        points=parts["points"].integer(1, _MAX_POINTS),
        hint=" ".join(parts["hint"].text().split()) if "hint" in parts else "",
        needs=parts["needs"].words(pattern=_ID) if "needs" in parts else (),
        gate=parts["gate"].flag() if "gate" in parts else False,
        hidden=parts["hidden"].flag() if "hidden" in parts else False,
    )


def _cross_check(node: Node, requirements: tuple[Requirement, ...]) -> None:
    if not requirements:
        node.fail("must name at least one requirement")
    seen: set[str] = set()
    known = {requirement.id for requirement in requirements}
    for index, requirement in enumerate(requirements):
        here = node.child(index, None)
        if requirement.id in seen:
            here.child("id", None).fail(f"is {requirement.id!r}, which an earlier requirement has already")
        seen.add(requirement.id)
        unknown = [need for need in requirement.needs if need not in known]
        if unknown:
            here.child("needs", None).fail(f"names {unknown[0]!r}, which is no requirement of this lab")
    circle = _circle(requirements)
    if circle:
        node.fail(f"need each other in a circle: {' -> '.join(circle)}")


def _circle(requirements: Iterable[Requirement]) -> list[str]:
    """Ids that need each other in a circle, the first one repeated at the end; empty when there is none."""
    needs = {requirement.id: requirement.needs for requirement in requirements}
    settled: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in settled:
            return []
        for need in needs[name]:
            found = walk(need, [*trail, name])
            if found:
                return found
        settled.add(name)
        return []

    return next((found for name in needs if (found := walk(name, []))), [])
