"""A release as a pipeline hands it over: what is in it, and what it must have; pure."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, field

from graders.images.serving.words import Refused, shown
from graders.images.target.tars import ENTRIES, Entry, entries

PACKED = 4 << 20
UNPACKED = 16 << 20
"""Most bytes of an archive, and of what is in it; the labs' application has 60 kB."""
DEPTH = 10
PART = 100
_VERSION = re.compile(r"[0-9a-f]{40}")
LAYOUT = "pack with ferry/, migrations/ and VERSION at its top"


@dataclass
class Release:
    """What is in an archive.

    Attributes:
        sha256: Of the archive's bytes.
        version: Full SHA of the commit that it says to be made of.
        files: Path to content.
        folders: Paths, each after the one that it is in.
    """

    sha256: str
    version: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, None] = field(default_factory=dict)

    @property
    def migrations(self) -> list[str]:
        """Names of the SQL files, in order."""
        inner = (path.removeprefix("migrations/") for path in self.files if path.startswith("migrations/"))
        return sorted(name for name in inner if name.endswith(".sql") and "/" not in name)


def release_of(data: bytes) -> Release:
    """Read a release.

    Raises:
        Refused: It is no safe archive, or no release.
    """
    release = Release(hashlib.sha256(data).hexdigest())
    for entry in entries(unpacked(data)):
        _add(release, entry)
    if "ferry" not in release.folders or "migrations" not in release.folders or "VERSION" not in release.files:
        tops = sorted({path.split("/")[0] for path in (*release.files, *release.folders)})
        raise Refused(f"the archive has {', '.join(map(shown, tops[:6])) or 'nothing'} at its top; {LAYOUT}")
    release.version = release.files["VERSION"][:200].decode("utf-8", "replace").strip()
    if not _VERSION.fullmatch(release.version):
        raise Refused(f"VERSION is {shown(release.version)}; write the full SHA of the commit into it")
    return release


def unpacked(data: bytes) -> bytes:
    """The tar archive in gzip's wrapping.

    Raises:
        Refused: It is none, or far too large.
    """
    if len(data) > PACKED:
        raise Refused(f"the archive is larger than {PACKED} bytes; leave out what the release does not need", 413)
    found = bytearray()
    while data:
        opened = zlib.decompressobj(wbits=31)
        try:
            found += opened.decompress(data, UNPACKED + 1 - len(found))
        except zlib.error:
            raise Refused("this is no gzip file, or a damaged one; make it with tar -czf") from None
        if len(found) > UNPACKED:
            raise Refused(f"the archive unpacks to more than {UNPACKED} bytes; leave out what is not needed", 413)
        if not opened.eof:
            raise Refused("the archive is cut off; send all of it")
        data = opened.unused_data.lstrip(b"\0")
    return bytes(found)


def _add(release: Release, entry: Entry) -> None:
    path = _path(entry.name, folder=entry.content is None)
    if not path:
        return
    _add_folders(release, path)
    if path in release.files or (entry.content is not None and path in release.folders):
        raise Refused(f"{shown(path)} is in the archive twice; put it in once")
    if entry.content is not None:
        release.files[path] = entry.content
    else:
        release.folders[path] = None
    if len(release.files) + len(release.folders) > ENTRIES:
        raise Refused(f"the archive has more than {ENTRIES} files and folders; leave out what is not needed")


def _add_folders(release: Release, path: str) -> None:
    """Tar archives need not name the folders that their files are in."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder in release.files:
            raise Refused(f"{shown(folder)} in the archive is both a file and a folder; {LAYOUT}")
        release.folders[folder] = None


def _path(name: str, *, folder: bool) -> str:
    """A name as a path below the release's folder; empty for that folder itself."""
    path = name
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    path = path.rstrip("/") if folder else path
    if path in {"", "."} and folder:
        return ""
    parts = path.split("/")
    if any(part in {"", ".", ".."} or len(part.encode()) > PART or not part.isprintable() for part in parts):
        raise Refused(
            f"{shown(name)} in the archive leads elsewhere or is no plain name; use paths such as ferry/web.py"
        )
    if len(parts) > DEPTH:
        raise Refused(f"{shown(name)} in the archive is deeper than {DEPTH} levels; {LAYOUT}")
    return path
