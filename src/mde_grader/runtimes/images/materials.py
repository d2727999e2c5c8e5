"""What an image takes from the machine that makes it: a program on PATH, a folder, packages, or a pinned download.

Some tools are in no package mirror, yet on the machine of everybody who works with them. The catalogue lists where to
look, best first; what was taken is told by its names, sizes and times, so that nothing large is read to see that
nothing changed.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mde_grader.errors import ImageMissingError

KINDS_VARIABLE = "MDE_GRADE_MATERIAL"
"""Environment variable that names the kinds of sources to try, with commas between them; all when unset."""

PLACE = "material"
"""Folder of the build context that materials are put into; its files keep their x bits."""

AUTHORITY_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
"""Where a user may have named the certificate authorities to trust, first wins."""

_ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
"""e_machine of the ELF header; https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html."""
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


class MaterialMissingError(ImageMissingError):
    """What an image is made from is neither on this machine nor to be had."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place where a material may be.

    Attributes:
        kind: `program` (on PATH), `tree` (a folder), `wheels` (from the package index), `npm` (packages of a lock
            file, from the npm registry) or `url` (a zip archive).
        value: Name of the program; pattern of the folder below its root; lock file; address.
        roots: For a tree, the patterns of folders that it may be below.
        variables: For a tree, environment variables that name such folders.
        archive: For a url, SHA-256 of the archive; empty when every member has its own.
        members: For a url, name in the archive to SHA-256 of the file.
        to: For a url, the folder that the members go to.
    """

    kind: str
    value: str
    roots: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    archive: str = ""
    members: Mapping[str, str] = field(default_factory=dict)
    to: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """One thing that an image is made from and that is not ours.

    Attributes:
        name: Folder below `material/` of the context.
        title: What it is, for people.
        hint: What to do when it is missing.
        sources: Where to look, best first.
    """

    name: str
    title: str
    hint: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A material as it was found.

    Attributes:
        files: Path in the context to file.
        identity: Changes with the files; made from names, sizes and times, never from content.
        where: Its place, for people.
    """

    files: Mapping[str, Path]
    identity: str
    where: str


def read_materials(tables: Mapping[str, Mapping[str, Any]], folder: Path) -> tuple[Material, ...]:
    """Read the catalogue's `material` tables; lock files are taken from `folder`."""
    return tuple(
        Material(name, table["title"], table["hint"], tuple(_source(row, folder) for row in table["sources"]))
        for name, table in tables.items()
    )


def _source(row: Mapping[str, Any], folder: Path) -> Source:
    kind = next(kind for kind in ("program", "tree", "wheels", "npm", "url") if kind in row)
    value = str(folder / row[kind]) if kind in {"wheels", "npm"} else row[kind]
    roots, variables = tuple(row.get("below", ())), tuple(row.get("variables", ()))
    return Source(kind, value, roots, variables, row.get("sha256", ""), row.get("members", {}), row.get("to", ""))


def wanted(material: Material, environ: Mapping[str, str]) -> list[Source]:
    """The sources to try, in order."""
    kinds = {kind.strip() for kind in environ.get(KINDS_VARIABLE, "").split(",") if kind.strip()}
    return [source for source in material.sources if not kinds or source.kind in kinds]


def look(material: Material, architecture: str, environ: Mapping[str, str] | None = None) -> Found | None:
    """Find a material on this machine; nothing is fetched.

    Args:
        material: What to look for.
        architecture: The engine's, `x86_64`; a program of another one is passed over.
        environ: The environment; the process's own when None.
    """
    environ = os.environ if environ is None else environ
    for source in wanted(material, environ):
        path = {"program": _program, "tree": _tree}.get(source.kind, _nothing)(source, architecture, environ)
        if path:
            return _found(material.name, *path)
    return None


def _nothing(_source: Source, _architecture: str, _environ: Mapping[str, str]) -> None:
    return None


def _program(source: Source, architecture: str, environ: Mapping[str, str]) -> tuple[Path, Path] | None:
    place = shutil.which(source.value, path=environ.get("PATH"))
    path = Path(place).resolve() if place else None
    return (path.parent, path) if path and runs_on(path, architecture) else None


def runs_on(path: Path, architecture: str) -> bool:
    """Whether a file is a program for Linux on that architecture; scripts that only find one are not."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError:
        return False
    return head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") == _ELF_MACHINES.get(architecture)


def _tree(source: Source, architecture: str, environ: Mapping[str, str]) -> tuple[Path, Path] | None:
    roots = [environ[name] for name in source.variables if environ.get(name)]
    roots += [os.path.expanduser(root) for root in source.roots]  # noqa: PTH111 - a pattern, no path
    pattern = source.value.format(architecture=_GO_NAMES.get(architecture, architecture))
    for root in (Path(place) for named in roots for place in sorted(glob.glob(named))):  # noqa: PTH207 - from the root
        matches = sorted((path for path in root.glob(pattern) if path.is_dir()), key=_version)
        if matches:
            return root, matches[-1]
    return None


def _version(path: Path) -> list[tuple[int, str]]:
    return [(int(number or 0), word) for number, word in re.findall(r"(\d*)(\D*)", path.as_posix())]


def _found(name: str, root: Path, path: Path) -> Found:
    files = [path] if path.is_file() else [inner for inner in sorted(path.rglob("*")) if inner.is_file()]
    return found_in(name, root, files, str(path))


def found_in(name: str, root: Path, files: list[Path], where: str) -> Found:
    """Files below `root` as a material; each keeps its path from there."""
    placed = {f"{PLACE}/{name}/{file.relative_to(root).as_posix()}": file for file in files}
    return Found(placed, " ".join(_identity(placed)), where)


def _identity(files: Mapping[str, Path]) -> Iterator[str]:
    for target, file in sorted(files.items()):
        facts = file.stat()
        yield f"{target}:{facts.st_size}:{int(facts.st_mtime)}"
