"""Walk a service's files by descriptor: never by name from the top, through a link, or into /proc and the like."""

from __future__ import annotations

import fnmatch
import os
import stat as modes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .files import opened, pieces
from .limits import Deadline, OpError
from .mounts import PSEUDO, mount_table
from .net import decode
from .rooted import Target, enter

MAX_DEPTH = 32
MAX_HITS = 1000
MAX_VISITED = 500_000


@dataclass(frozen=True)
class Found:
    """One entry of the walk: its path in the service, the folder's descriptor and its name there."""

    path: str
    folder: int
    entry: os.DirEntry[str]


class Walk:
    """A walk below one folder; `complete` tells whether everything was seen."""

    def __init__(self, target: Target, depth: int, deadline: Deadline) -> None:
        self._depth = min(max(depth, 0), MAX_DEPTH)
        self._deadline = deadline
        self._skipped = {mount.device for mount in mount_table(target.proc) if mount.fstype in PSEUDO}
        self._visited = 0
        self.complete = True

    def below(self, folder: int, path: str, level: int = 0) -> Iterator[Found]:
        """Entries below a folder, depth first."""
        with os.scandir(folder) as scan:
            for entry in scan:
                self._visited += 1
                if self._deadline.remaining() <= 0 or self._visited > MAX_VISITED:
                    self.complete = False
                    return
                here = f"{path.rstrip('/')}/{entry.name}"
                yield Found(here, folder, entry)
                if entry.is_dir(follow_symlinks=False):
                    yield from self._into(folder, entry.name, here, level)

    def _into(self, parent: int, name: str, path: str, level: int) -> Iterator[Found]:
        if level >= self._depth:
            return
        try:
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            return
        try:
            device = os.fstat(fd).st_dev
            if f"{os.major(device)}:{os.minor(device)}" not in self._skipped:
                yield from self.below(fd, path, level + 1)
        finally:
            os.close(fd)


def find(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `find`: paths whose last part fits one of the patterns."""
    deadline = Deadline(request.get("seconds", 10))
    limit = min(int(request.get("limit", 100)), MAX_HITS)
    names = [str(name) for name in request["names"]]
    paths: list[str] = []
    path = request.get("path", "/")
    with enter(request.get("service", "")) as target, opened(target, path, os.O_RDONLY | os.O_DIRECTORY) as fd:
        walk = Walk(target, int(request.get("depth", MAX_DEPTH)), deadline)
        for found in walk.below(fd, path):
            if any(fnmatch.fnmatchcase(found.entry.name, name) for name in names):
                if len(paths) >= limit:
                    walk.complete = False
                    break
                paths.append(found.path)
    return {"paths": sorted(paths), "truncated": not walk.complete}


def search(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `search`: regular files that hold one of the needles (each a byte string, base64)."""
    deadline = Deadline(request.get("seconds", 10))
    limit = min(int(request.get("limit", 100)), MAX_HITS)
    needles = [decode(needle) or b"" for needle in request["needles"]]
    if not needles or not all(needles):
        raise OpError("bad-request", "search needs needles, none of them empty")
    hits: list[dict[str, Any]] = []
    files = 0
    path = request.get("path", "/")
    with enter(request.get("service", "")) as target, opened(target, path, os.O_RDONLY | os.O_DIRECTORY) as fd:
        walk = Walk(target, MAX_DEPTH, deadline)
        for found in walk.below(fd, path):
            if not found.entry.is_file(follow_symlinks=False):
                continue
            files += 1
            hits += [{"path": found.path, "needle_index": index} for index in _matches(found, needles, walk, deadline)]
            if len(hits) >= limit:
                walk.complete = False
                break
    return {"hits": hits[:limit], "truncated": not walk.complete, "files_read": files}


def _matches(found: Found, needles: list[bytes], walk: Walk, deadline: Deadline) -> list[int]:
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        place = os.open(found.entry.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found.folder)
    except OSError:
        return []
    try:
        if not modes.S_ISREG(os.fstat(place).st_mode):
            return []
        fd = os.open(f"/proc/self/fd/{place}", flags & ~os.O_NOFOLLOW)
    except OSError:
        return []
    finally:
        os.close(place)
    try:
        return _scan(fd, needles, deadline)
    except (OSError, OpError):
        walk.complete = False
        return []
    finally:
        os.close(fd)


def _scan(fd: int, needles: list[bytes], deadline: Deadline) -> list[int]:
    overlap = max(map(len, needles)) - 1
    tail = b""
    hits: set[int] = set()
    for piece in pieces(fd, 1 << 40, deadline):
        window = tail + piece
        hits |= {index for index, needle in enumerate(needles) if needle in window}
        tail = window[-overlap:] if overlap else b""
    return sorted(hits)
