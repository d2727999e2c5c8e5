"""Packages of an npm lock file: tarballs from the registry, pinned by the lock's integrity and kept in the cache.

npm itself is not needed, and no script of a package is run. The format is lockfileVersion 2 and 3 of
https://docs.npmjs.com/cli/v10/configuring-npm/package-lock-json; an integrity is a Subresource Integrity string,
https://www.w3.org/TR/SRI/#integrity-metadata.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mde_grader.errors import EngineError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images.downloads import fetch

REGISTRY = "https://registry.npmjs.org/"
"""Where npm asks when nobody says otherwise."""

_PLACE = "node_modules/"
_LINE = re.compile(r"^\s*registry\s*=\s*(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Package:
    """One package that a lock file names.

    Attributes:
        place: Its folder, as `node_modules/a/node_modules/b`.
        version: Its exact version.
        digest: SHA-512 of its tarball.
    """

    place: str
    version: str
    digest: bytes

    @property
    def name(self) -> str:
        """Its name in the registry, with its scope."""
        return self.place.rpartition(_PLACE)[2]

    @property
    def address(self) -> str:
        """Its tarball below the registry's address."""
        return f"{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


def locked(lock: Path) -> list[Package]:
    """The packages of a lock file, but for those that only its developers need.

    Raises:
        EngineError: One has no SHA-512, so that nothing would tell it from another.
    """
    table = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return [_package(place, row, lock) for place, row in sorted(table.items()) if place and not row.get("dev")]


def _package(place: str, row: Mapping[str, str], lock: Path) -> Package:
    sums = [word.partition("-")[2] for word in row.get("integrity", "").split() if word.startswith("sha512-")]
    if not sums:
        raise EngineError(f"{lock.name} has no SHA-512 for {place}; nothing was fetched")
    return Package(place, row["version"], base64.b64decode(sums[0]))


def registry(environ: Mapping[str, str]) -> str:
    """The registry that the user's npm would ask: by environment, by `.npmrc`, or npm's own."""
    named = next((value for name, value in environ.items() if name.lower() == "npm_config_registry" and value), "")
    home = environ.get("NPM_CONFIG_USERCONFIG") or f"{environ.get('HOME', '')}/.npmrc"
    try:
        written = _LINE.search(Path(home).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        written = None
    return (named or (written[1] if written else REGISTRY)).rstrip("/") + "/"


def fetch_tarballs(lock: Path, environ: Mapping[str, str]) -> dict[str, Path]:
    """Bring the packages of a lock file here, as far as the cache has them not.

    Returns:
        Path of each package's folder with `.tgz` after it, to the tarball.

    Raises:
        EngineError: No answer, or a tarball is not what the lock says.
    """
    return dict(_each(lock, registry(environ)))


def _each(lock: Path, address: str) -> Iterator[tuple[str, Path]]:
    folder = cache_folder() / "materials"
    folder.mkdir(parents=True, exist_ok=True)
    for package in locked(lock):
        whole = folder / f"{package.digest.hex()[:24]}.tgz"
        if not whole.is_file():
            with tempfile.TemporaryDirectory(prefix="partial-", dir=folder) as place:
                part = Path(place) / whole.name
                fetch(address + package.address, part)
                _check(part, package, address)
                part.rename(whole)
        yield f"{package.place}.tgz", whole


def _check(path: Path, package: Package, address: str) -> None:
    with path.open("rb") as content:
        seen = hashlib.file_digest(content, "sha512").digest()
    if seen != package.digest:
        raise EngineError(f"{address}{package.address} is not what the lock file says; nothing of it was kept")
