"""What comes from the network: zip archives, pinned by checksum and kept in the cache once they are right."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from mde_grader.errors import EngineError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images.materials import AUTHORITY_VARIABLES, Source

SECONDS = 30.0
"""Silence of the network after which it counts as unreachable."""
CHUNK = 1 << 20


def download(source: Source, address: str) -> Path:
    """Fetch a source's archive and unpack the members that it names, unless the cache has them.

    Args:
        source: What is wanted; nothing that lacks its checksum is kept.
        address: Where the archive is.

    Returns:
        Folder with the members, at their paths below `source.to`.

    Raises:
        EngineError: No answer, or a checksum differs.
    """
    whole = cache_folder() / "materials" / _key(source)
    if whole.is_dir():
        return whole
    whole.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="partial-", dir=whole.parent) as folder:
        archive = Path(folder) / "archive.zip"
        fetch(address, archive)
        _check(archive, source.archive, address)
        target = Path(folder) / "whole"
        _unpack(archive, source, target, address)
        target.rename(whole)
    return whole


def _key(source: Source) -> str:
    pins = [source.value, source.archive, source.to, *(f"{name}={pin}" for name, pin in sorted(source.members.items()))]
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:24]


def fetch(address: str, target: Path) -> None:
    """Write what an address answers to a file, by the user's proxies and with the authorities that the user trusts.

    Raises:
        EngineError: No answer.
    """
    known = Path(next((os.environ[name] for name in AUTHORITY_VARIABLES if os.environ.get(name)), ""))
    trusted = ssl.create_default_context()
    try:
        if known != Path():
            trusted.load_verify_locations(**{"capath" if known.is_dir() else "cafile": str(known)})
        with (
            urllib.request.urlopen(address, timeout=SECONDS, context=trusted) as answer,  # noqa: S310 - pinned
            target.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file, CHUNK)
    except (OSError, ValueError) as error:
        raise EngineError(f"{address} cannot be fetched: {getattr(error, 'reason', None) or error}") from error


def _check(path: Path, wanted: str, what: str) -> None:
    with path.open("rb") as content:
        seen = hashlib.file_digest(content, "sha256").hexdigest()
    if wanted and seen != wanted:
        raise EngineError(f"{what} has the checksum {seen} and should have {wanted}; nothing of it was kept")


def _unpack(archive: Path, source: Source, target: Path, address: str) -> None:
    folder = target / source.to
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as content:
            for member, pin in source.members.items():
                path = folder / Path(member).name
                with content.open(member) as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file, CHUNK)
                path.chmod(0o755)
                _check(path, pin, f"{member} of {address}")
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise EngineError(f"{address} is not the archive that was expected: {error}") from error
