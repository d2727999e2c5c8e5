"""The solutions that prove a lab: what each declares, and how it is laid out on disk.

A solution is a folder under `solutions/`. Its `solution.yaml` may name a `base` (another solution, or `starter`) whose
files come first, files of the base to `remove`, and the requirements that it `loses`: exactly those that do not pass.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mde_grader.codec.nodes import document_from
from mde_grader.errors import LabInvalidError
from mde_grader.labs import SOLUTIONS, LabFolder

DECLARATION = "solution.yaml"
_FIELDS = {"schema", "title", "base", "remove", "loses", "verdict"}


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution of a lab.

    Attributes:
        name: Its folder's name; `starter` for what candidates start from.
        title: One line that says what is special about it.
        base: Name of the solution (or `starter`) that it changes; empty when it stands alone.
        remove: Paths of the base that it does without.
        loses: The requirements that do not pass, exactly; None when only the verdict is declared.
        verdict: The verdict that it must get.
    """

    name: str
    title: str
    base: str
    remove: tuple[str, ...]
    loses: tuple[str, ...]
    verdict: str
    exact: bool = True


def read_solutions(folder: LabFolder) -> list[Solution]:
    """Return a lab's solutions, the reference first, with its starter as the last.

    Raises:
        LabInvalidError: A declaration is missing or wrong.
    """
    paths = sorted(path for path in folder.solutions.iterdir() if path.is_dir())
    found = [_read(path) for path in paths]
    found.sort(key=lambda solution: (_rank(solution.name), solution.name))
    starter = Solution("starter", "What candidates start from", "", (), (), "failed", exact=False)
    return [*found, starter]


def solution_at(path: Path) -> tuple[Path, str] | None:
    """The lab whose solution a folder is, or lies in, and that solution's name; None for any other folder.

    What lies there is what `lay_out` makes a submission from: a template, or what changes of another solution.

    Args:
        path: Any folder; for the folder of all of a lab's solutions the name is empty.
    """
    place = path.resolve()
    for folder in (place, *place.parents):
        if folder.name == SOLUTIONS and os.access(folder.parent / "lab.yaml", os.R_OK):
            return folder.parent, next(iter(place.relative_to(folder).parts), "")
    return None


def _rank(name: str) -> int:
    kinds = ("reference", "also-right-", "broken-")
    return next((rank for rank, kind in enumerate(kinds) if name.startswith(kind)), len(kinds))


def _read(path: Path) -> Solution:
    declaration = path / DECLARATION
    right = path.name == "reference" or path.name.startswith("also-right-")
    try:
        data = document_from(declaration.read_bytes(), file=str(declaration)).data
    except OSError as error:
        raise LabInvalidError(f"{declaration} cannot be read: {error.strerror}") from None
    if not isinstance(data, dict) or set(data) - _FIELDS:
        raise LabInvalidError(f"{declaration}: may hold only {', '.join(sorted(_FIELDS))}")
    loses = tuple(str(name) for name in data.get("loses") or ())
    if right == bool(loses):
        raise LabInvalidError(f"{declaration}: {'must not' if right else 'must'} name requirements that it loses")
    return Solution(
        name=path.name,
        title=str(data.get("title", "")),
        base=str(data.get("base") or ""),
        remove=tuple(str(name) for name in data.get("remove") or ()),
        loses=loses,
        verdict=str(data.get("verdict", "passed" if right else "")),
    )


def lay_out(folder: LabFolder, solution: Solution, target: Path) -> None:
    """Write a solution's files, its base's first, as `folder`'s variant has them, into the empty or missing `target`.

    Raises:
        LabInvalidError: Its base is unknown, bases go round in a circle, or a template cannot be rendered.
    """
    known = {found.name: found for found in read_solutions(folder)}
    chain = [solution]
    while chain[-1].base:
        base = known.get(chain[-1].base)
        if base is None or base in chain:
            raise LabInvalidError(f"solutions/{chain[-1].name}: its base “{chain[-1].base}” cannot be used")
        chain.append(base)
    target.mkdir(parents=True, exist_ok=True)
    for layer in reversed(chain):
        for name in layer.remove:
            _remove(target / folder.place(name))
        source = folder.starter if layer.name == "starter" else folder.solutions / layer.name
        folder.lay_out(source, target)
    (target / DECLARATION).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
