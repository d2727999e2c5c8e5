"""Finds and loads labs. A lab is a folder with a `lab.yaml`; nothing else is read until it is asked for."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mde_grader.codec.documents import Document
from mde_grader.codec.environments import environment_from
from mde_grader.codec.labs import lab_from
from mde_grader.codec.nodes import document_from
from mde_grader.environments import Environment
from mde_grader.errors import LabInvalidError, UsageError
from mde_grader.model import Lab
from mde_grader.places import data_root

GRADING_FILES = ("lab.yaml", "environment.yaml", "packages.lock")
"""Files whose content can change a score, besides everything under checks/ and the graders that checks import."""


@dataclass(frozen=True)
class LabFolder:
    """A lab on disk."""

    root: Path

    @cached_property
    def lab(self) -> Lab:
        """What lab.yaml declares, with the digest of the lab's grading files.

        Raises:
            LabInvalidError: It cannot be read or contradicts itself.
        """
        return lab_from(self.document("lab.yaml"), file=str(self.root / "lab.yaml"), digest=self._digest())

    def document(self, name: str) -> Document:
        """Read one of the lab's YAML files.

        Raises:
            LabInvalidError: It is missing or not YAML.
        """
        path = self.root / name
        try:
            return document_from(path.read_bytes(), file=str(path))
        except OSError as error:
            raise LabInvalidError(f"{path} cannot be read: {error.strerror}") from None

    def environment(self) -> Environment:
        """What environment.yaml declares.

        Raises:
            LabInvalidError: It cannot be read or contradicts its schema.
        """
        return environment_from(self.document("environment.yaml"), file=str(self.root / "environment.yaml"))

    def brief(self) -> str:
        """The candidate's text, Markdown."""
        return (self.root / "README.md").read_text(encoding="utf-8")

    @property
    def checks(self) -> Path:
        """Folder of the lab's checks."""
        return self.root / "checks"

    @property
    def starter(self) -> Path:
        """Folder that a candidate starts from."""
        return self.root / "starter"

    @property
    def solutions(self) -> Path:
        """Folder of the solutions that prove the lab; absent where the lab was installed from a wheel."""
        return self.root / "solutions"

    def _digest(self) -> str:
        shared = self.root.parent.parent / "graders"
        files = [self.root / name for name in GRADING_FILES]
        files += sorted(self.checks.rglob("*.py")) + sorted(shared.rglob("*.py"))
        digest = hashlib.sha256()
        for path in files:
            if path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(self.root.parent.parent)}\0{content}\n".encode())
        return f"sha256:{digest.hexdigest()}"


def find_labs(extra: Path | None = None) -> list[LabFolder]:
    """Return all labs, sorted by id: those of `extra` first where an id is there twice.

    Args:
        extra: A folder of labs, or one lab's folder, besides the ones that come with the grader.
    """
    found: dict[str, LabFolder] = {}
    for parent in filter(None, (extra, data_root() / "labs")):
        for path in [parent, *sorted(parent.iterdir())] if parent.is_dir() else []:
            if (path / "lab.yaml").is_file():
                found.setdefault(path.resolve().name, LabFolder(path.resolve()))
    return [found[name] for name in sorted(found)]


def load_lab(name: str, extra: Path | None = None) -> LabFolder:
    """Return one lab by its id, or by the path of its folder.

    Raises:
        UsageError: There is no such lab; the nearest names are in the message.
        LabInvalidError: Its lab.yaml cannot be read.
    """
    if "/" in name and (Path(name) / "lab.yaml").is_file():
        return _checked(LabFolder(Path(name).resolve()))
    labs = {folder.root.name: folder for folder in find_labs(extra)}
    if name in labs:
        return _checked(labs[name])
    near = difflib.get_close_matches(name, labs, n=3)
    known = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(labs) or 'none'}"
    raise UsageError(f"there is no lab “{name}”; {known}", hint="`mde-grade list` shows all labs")


def _checked(folder: LabFolder) -> LabFolder:
    if folder.lab.id != folder.root.name:
        raise LabInvalidError(f"{folder.root / 'lab.yaml'}: its id is {folder.lab.id}, its folder {folder.root.name}")
    return folder
