"""What images there are and what each is made of, read from `graders/images/catalog.toml`; no engine is asked here."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mde_grader.places import PACKAGE, data_root
from mde_grader.runtimes.images.materials import Material, read_materials

PREFIX = "mde-grade/"
"""Repository of every image of ours; a public name is never used as a tag."""

HASH_LENGTH = 12
"""Characters of the content hash in a tag: 48 bits, ample for a handful of images."""

INDEX_PYTHON = "3.11"
"""Version of Python that the labs' package indexes carry wheels for, as the Python bases of the catalogue have it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one image of ours is made.

    Attributes:
        name: Short name; the image is `mde-grade/<name>`.
        files: Path in the build context to file on disk; empty for an image that is bootstrapped.
        needs: Build argument to the name of the image of ours whose tag it gets.
        wheels: Requirements file with hashes, whose wheels go to `wheels/` of the context.
        python: Version of Python those wheels are for.
        names: Public names that this image serves in a submission's FROM.
        pull: Public name that is used where a registry answers.
        pulled_files: The context that is built on top of what was pulled.
        materials: What is taken from the machine that makes it. It is no part of the digest: an image that was made
            elsewhere and brought here is as good.
    """

    name: str
    files: Mapping[str, Path] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    wheels: Path | None = None
    python: str = INDEX_PYTHON
    names: tuple[str, ...] = ()
    pull: str = ""
    pulled_files: Mapping[str, Path] = field(default_factory=dict)
    materials: tuple[Material, ...] = ()

    def digest(self, stamps: Mapping[str, str]) -> str:
        """Hash of everything that goes in: files, locks, public name, and the stamps of the images that it needs.

        Args:
            stamps: Name of an image to what identifies its present content.

        Returns:
            12 hexadecimal digits.
        """
        state = hashlib.sha256()
        for part in self._parts(stamps):
            state.update(len(part).to_bytes(8, "big"))
            state.update(part)
        return state.hexdigest()[:HASH_LENGTH]

    def _parts(self, stamps: Mapping[str, str]) -> Iterator[bytes]:
        yield from (text.encode() for text in (self.name, self.pull, self.python))
        for argument, needed in sorted(self.needs.items()):
            yield f"{argument}={needed}:{stamps[needed]}".encode()
        for files in (self.files, self.pulled_files):
            for target, source in sorted(files.items()):
                yield target.encode()
                yield source.read_bytes()
        if self.wheels:
            yield self.wheels.read_bytes()


def load_catalog(root: Path | None = None) -> dict[str, Recipe]:
    """Every image of ours by name: the catalogue's, and one package index a lab that has a `packages.lock`.

    Args:
        root: Folder with `labs/` and `graders/`; the installation's own when None.
    """
    root = root or data_root()
    images = root / "graders" / "images"
    tables: dict[str, dict[str, Any]] = tomllib.loads((images / "catalog.toml").read_text(encoding="utf-8"))
    recipes = {name: _recipe(name, table, images) for name, table in tables.items()}
    for lock in sorted(root.glob("labs/*/packages.lock")):
        name = f"index-{lock.parent.name}"
        recipes[name] = Recipe(name, files=_files(images / "index"), needs={"BASE": "tools"}, wheels=lock)
    return recipes


def _recipe(name: str, table: Mapping[str, Any], images: Path) -> Recipe:
    files = dict(_files(images / table.get("folder", name)))
    for target, source in table.get("package", {}).items():
        files |= {f"{target}/{inner}": path for inner, path in _files(PACKAGE / source).items()}
    pull = table.get("pull", "")
    return Recipe(
        name=name,
        files=files,
        needs=table.get("needs", {}),
        wheels=images / table["wheels"] if "wheels" in table else None,
        python=table.get("python", INDEX_PYTHON),
        names=tuple(table.get("names", ())),
        pull=pull,
        pulled_files=_files(images / "derived") if pull else {},
        materials=read_materials(table.get("material", {}), images),
    )


def _files(folder: Path) -> dict[str, Path]:
    """Files of a build context, by path in it; none when there is no such folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in found}


def ordered(names: tuple[str, ...], catalog: Mapping[str, Recipe]) -> list[Recipe]:
    """The named images and all that they need, each after what it needs.

    Raises:
        KeyError: There is no image of that name.
    """
    done: dict[str, Recipe] = {}

    def visit(name: str) -> None:
        if name not in done:
            for needed in catalog[name].needs.values():
                visit(needed)
            done[name] = catalog[name]

    for name in names:
        visit(name)
    return list(done.values())
