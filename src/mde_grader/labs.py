"""Finds and loads labs. A lab is a folder with a `lab.yaml`; nothing else is read until it is asked for."""

from __future__ import annotations

import difflib
import hashlib
import os
import shutil
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath
from types import ModuleType

from mde_grader.codec.documents import Document
from mde_grader.codec.environments import environment_from
from mde_grader.codec.labs import lab_from
from mde_grader.codec.nodes import document_from
from mde_grader.environments import Environment
from mde_grader.errors import LabInvalidError, UsageError
from mde_grader.model import Lab
from mde_grader.places import data_root
from mde_grader.submissions import valid_name
from mde_grader.variants import Values, Variant, variant_of

GRADING_FILES = ("lab.yaml", "environment.yaml", "packages.lock")
"""Files whose content can change a score, besides everything under checks/ and the graders that checks import."""

SOLUTIONS = "solutions"
"""Name of the folder of a lab's solutions."""

SALT_VARIABLE = "MDE_GRADE_SALT"
"""Environment variable with the course's secret, without which nobody can work out another candidate's variant."""


@dataclass(frozen=True)
class LabFolder:
    """A lab on disk, as one candidate gets it.

    Attributes:
        root: Its folder.
        candidate: Whose variant it is; None for the practice variant. Of no effect for a lab without parameters.
        salt: The course's secret.
    """

    root: Path
    candidate: str | None = None
    salt: str = field(default="", repr=False)

    def given_to(self, candidate: str | None, *, salt: str | None = None) -> LabFolder:
        """The same lab as a candidate gets it.

        Args:
            candidate: The candidate's name; None for the practice variant.
            salt: The course's secret; what `MDE_GRADE_SALT` says when None.

        Raises:
            UsageError: The name is none that a submission can have.
            LabInvalidError: lab.yaml cannot be read or contradicts itself.
        """
        name = None if candidate is None else valid_name(candidate)
        given = LabFolder(self.root, name, os.environ.get(SALT_VARIABLE, "") if salt is None else salt)
        vars(given)["declared"] = self.declared  # the same for everybody, and what takes the longest to read
        return given

    @cached_property
    def lab(self) -> Lab:
        """What lab.yaml declares, in the words of this variant, with the digest of the lab's grading files.

        Raises:
            LabInvalidError: It cannot be read or contradicts itself.
        """
        if self.variant is None:
            return self.declared
        texts = self._render_text
        rows = [replace(row, title=texts(row.title), hint=texts(row.hint)) for row in self.declared.requirements]
        return replace(self.declared, requirements=tuple(rows))

    @cached_property
    def declared(self) -> Lab:
        """What lab.yaml declares, with its templates as they are written.

        Raises:
            LabInvalidError: It cannot be read or contradicts itself.
        """
        path = self.root / "lab.yaml"
        document = document_from(self._read("lab.yaml"), file=str(path))
        return lab_from(document, file=str(path), digest=self._digest())

    @cached_property
    def variant(self) -> Variant | None:
        """The lab's parameters as this candidate gets them; None when it has none."""
        return variant_of(self.declared, self.candidate, salt=self.salt)

    @property
    def values(self) -> Values:
        """What templates and checks may name; empty for a lab without parameters."""
        return {} if self.variant is None else self.variant.values

    def document(self, name: str) -> Document:
        """Read one of the lab's YAML files, as this variant has it.

        Raises:
            LabInvalidError: It is missing or not YAML.
        """
        content = self._read(name)
        text = content if self.variant is None else self._render_text(content.decode("utf-8", "surrogateescape"), name)
        return document_from(text, file=str(self.root / name))

    def environment(self) -> Environment:
        """What environment.yaml declares.

        Raises:
            LabInvalidError: It cannot be read or contradicts its schema.
        """
        return environment_from(self.document("environment.yaml"), file=str(self.root / "environment.yaml"))

    def brief(self) -> str:
        """The candidate's text, Markdown."""
        text = (self.root / "README.md").read_text(encoding="utf-8")
        return text if self.variant is None else self._render_text(text, "README.md")

    def lay_out(self, source: Path, target: Path) -> None:
        """Copy one of the lab's folders, as this variant has it, over what is in `target`.

        Raises:
            LabInvalidError: A template in it cannot be rendered; names file and line.
        """
        if self.variant is None:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            _templates().render_tree(source, target, self.values)

    def place(self, path: str) -> str:
        """A path inside one of the lab's folders, as this variant has it."""
        return path if self.variant is None else str(_templates().render_path(PurePath(path), self.values))

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
        return self.root / SOLUTIONS

    def _read(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise LabInvalidError(f"{self.root / name} cannot be read: {error.strerror}") from None

    def _render_text(self, text: str, name: str = "lab.yaml") -> str:
        rendered: str = _templates().render(text, self.values, file=str(self.root / name))
        return rendered

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


def _templates() -> ModuleType:
    """The templates, which bring Jinja2 with them: what lists labs, or reads one without parameters, does without."""
    from mde_grader import templates  # noqa: PLC0415

    return templates


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
