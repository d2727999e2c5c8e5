"""A tenant's releases on disk, which its processes can read and nobody but the target can write."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from graders.images.serving.words import Refused, shown
from graders.images.target.archives import Release, release_of

MOST = 12
WHOLE = 24 << 20
"""Releases of a tenant, and bytes of all that is in them."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Kept:
    """A release that is here.

    Attributes:
        name: What its pipeline calls it.
        sha256: Of the archive.
        version: Full SHA that it says to be made of.
        size: Bytes of the archive.
        migrations: Names of its SQL files, in order.
    """

    name: str
    sha256: str
    version: str
    size: int
    migrations: tuple[str, ...]


class Releases:
    """One tenant's.

    Args:
        folder: Where they are put; nothing is there yet.
        gid: Group that may read them, one of this process's own.
    """

    def __init__(self, folder: Path, gid: int) -> None:
        self._folder = folder
        self._kept: dict[str, Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700)
        os.chown(folder, -1, gid)
        # What is made in a folder with this bit has the folder's group.
        folder.chmod(0o2750)

    def keep(self, name: str, data: bytes) -> Kept:
        """Keep a release.

        Args:
            name: A name that was looked at.
            data: The archive.

        Raises:
            Refused: It is none, another one has its name, or there is no room.
        """
        release = release_of(data)
        with self._lock:
            old = self._kept.get(name)
            if old is not None and old.sha256 == release.sha256:
                return old
            if old is not None:
                raise Refused(
                    f"{name} is here with other bytes (sha256 {old.sha256}) and never changes; give it another name"
                )
            size = sum(map(len, release.files.values()))
            if len(self._kept) >= MOST or self._bytes + size > WHOLE:
                raise Refused(f"the target keeps {MOST} releases and {WHOLE >> 20} MiB; upload fewer")
            self._write(name, release, data)
            self._bytes += size
            kept = Kept(name, release.sha256, release.version, len(data), tuple(release.migrations))
            self._kept[name] = kept
        return kept

    def _write(self, name: str, release: Release, data: bytes) -> None:
        try:
            write(self.path(name), release)
            (self._folder / f".{name}").write_bytes(data)
            (self._folder / f".{name}").chmod(0o600)
        except OSError as error:
            shutil.rmtree(self.path(name), ignore_errors=True)
            raise Refused(f"the target has no room for {name} ({error.strerror}); upload less") from None

    def path(self, name: str) -> Path:
        """The folder of a release."""
        return self._folder / name

    def get(self, name: str) -> Kept:
        """A release by name.

        Raises:
            Refused: It is not here.
        """
        kept = self._kept.get(name)
        if kept is None:
            there = ", ".join(self._kept) or "none"
            raise Refused(f"there is no release {shown(name)} here (there is: {there}); upload it first")
        return kept

    def archive(self, name: str) -> bytes:
        """The archive that a release came in.

        Raises:
            Refused: It is not here.
        """
        self.get(name)
        return (self._folder / f".{name}").read_bytes()

    def migration(self, name: str, file: str) -> str:
        """The text of a release's SQL file.

        Raises:
            Refused: There is none, or it is no text.
        """
        kept = self.get(name)
        if file not in kept.migrations:
            there = ", ".join(kept.migrations) or "none"
            raise Refused(f"{name} has no migrations/{file} (it has: {there}); name one of these")
        try:
            return (self.path(name) / "migrations" / file).read_text(encoding="utf-8")
        except ValueError:
            raise Refused(f"migrations/{file} of {name} is no UTF-8; write it as that") from None

    def all(self) -> list[Kept]:
        """All that are here, in the order of their arrival."""
        return list(self._kept.values())

    def remove(self) -> None:
        """Remove everything."""
        with self._lock:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._kept.clear()


def write(folder: Path, release: Release) -> None:
    """Write what is in a release. No link is ever made here, so that no path leads out of the folder.

    Raises:
        OSError: There is no room, or something is there already.
    """
    folder.mkdir(mode=0o750)
    for inner in release.folders:
        (folder / inner).mkdir(mode=0o750)
    for inner, content in release.files.items():
        with os.fdopen(os.open(folder / inner, _NEW, 0o640), "wb") as file:
            file.write(content)
