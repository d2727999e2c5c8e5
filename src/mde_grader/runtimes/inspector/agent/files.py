"""What a service's files are, without opening anything that could block or act: no FIFO, no device, no link out."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat as modes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .limits import Deadline, OpError, byte_cap
from .net import encode
from .rooted import Target, enter, open_in, reopen

MAX_ENTRIES = 10_000
MAX_DIGEST_BYTES = 1 << 30
_CHUNK = 256 * 1024
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_KINDS = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFLNK: "link",
    modes.S_IFIFO: "fifo",
    modes.S_IFSOCK: "socket",
    modes.S_IFCHR: "device",
    modes.S_IFBLK: "device",
}


def kind_of(mode: int) -> str:
    """`file`, `directory`, `link`, `fifo`, `socket` or `device`."""
    return _KINDS.get(modes.S_IFMT(mode), "device")


@contextmanager
def opened(target: Target, path: str, flags: int) -> Iterator[int]:
    """A descriptor of a path of the service.

    Raises:
        OpError: `missing` or `denied`.
    """
    try:
        fd = open_in(target.root, path, flags)
    except OSError as error:
        kind = "missing" if error.errno in _ABSENT else "denied"
        raise OpError(kind, f"{path}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def regular(target: Target, path: str) -> Iterator[tuple[int, int]]:
    """A readable descriptor of a regular file, and its size.

    Raises:
        OpError: `missing`, `denied`, or `refused` when it is not a regular file.
    """
    with opened(target, path, os.O_PATH) as place:
        facts = os.fstat(place)
        if not modes.S_ISREG(facts.st_mode):
            raise OpError("refused", f"{path} is a {kind_of(facts.st_mode)}, not a regular file")
        try:
            fd = reopen(place, os.O_RDONLY)
        except OSError as error:
            raise OpError("denied", f"{path}: {error.strerror}") from error
        try:
            yield fd, facts.st_size
        finally:
            os.close(fd)


def stat(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `stat`."""
    path = request["path"]
    flags = os.O_PATH if request.get("follow", True) else os.O_PATH | os.O_NOFOLLOW
    with enter(request.get("service", "")) as target:
        try:
            with opened(target, path, flags) as fd:
                return _facts(target, fd)
        except OpError as error:
            if error.kind != "missing":
                raise
    return {"exists": False, "kind": None, "target": None, "resolved": None}


def _facts(target: Target, fd: int) -> dict[str, Any]:
    facts = os.fstat(fd)
    kind = kind_of(facts.st_mode)
    return {
        "exists": True,
        "kind": kind,
        "size": facts.st_size,
        "mode": modes.S_IMODE(facts.st_mode),
        "uid": facts.st_uid,
        "gid": facts.st_gid,
        "mtime": facts.st_mtime,
        "ctime": facts.st_ctime,
        "inode": facts.st_ino,
        "target": os.readlink("", dir_fd=fd) if kind == "link" else None,
        "resolved": _resolved(target, fd),
    }


def _resolved(target: Target, fd: int) -> str:
    root = os.readlink(str(target.root), dir_fd=_own_descriptors()).rstrip("/")
    return os.readlink(str(fd), dir_fd=_own_descriptors()).removeprefix(root) or "/"


@functools.cache
def _own_descriptors() -> int:
    return os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def pieces(fd: int, limit: int, deadline: Deadline) -> Iterator[bytes]:
    """Up to `limit` bytes of a file, in pieces."""
    left = limit
    while left > 0:
        deadline.left()
        piece = os.read(fd, min(_CHUNK, left))
        if not piece:
            return
        left -= len(piece)
        yield piece


def read(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `read`: up to `limit` bytes from the start."""
    deadline = Deadline(request.get("seconds", 10))
    limit = byte_cap(request.get("limit", 1 << 20))
    with enter(request.get("service", "")) as target, regular(target, request["path"]) as (fd, size):
        data = b"".join(pieces(fd, limit + 1, deadline))
    return {"data": encode(data[:limit]), "truncated": len(data) > limit, "size": size}


def digest(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `digest`: a hash over a whole file, refused above 1 GiB."""
    deadline = Deadline(request.get("seconds", 10))
    algorithm = request.get("algorithm", "sha256")
    if algorithm not in ("sha256", "md5"):
        raise OpError("bad-request", f"no such digest: {algorithm!r}")
    total = hashlib.new(algorithm, usedforsecurity=False)
    with enter(request.get("service", "")) as target, regular(target, request["path"]) as (fd, size):
        if size > MAX_DIGEST_BYTES:
            raise OpError("too-large", f"{request['path']} has {size} bytes, more than {MAX_DIGEST_BYTES}")
        for piece in pieces(fd, MAX_DIGEST_BYTES, deadline):
            total.update(piece)
    return {"digest": total.hexdigest(), "size": size}


def entries_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `list`: the entries of a folder, sorted by name."""
    limit = min(int(request.get("limit", MAX_ENTRIES)), MAX_ENTRIES)
    entries: list[dict[str, Any]] = []
    with (
        enter(request.get("service", "")) as target,
        opened(target, request["path"], os.O_RDONLY | os.O_DIRECTORY) as fd,
        os.scandir(fd) as scan,
    ):
        for entry in scan:
            if len(entries) >= limit:
                return {"entries": entries, "truncated": True}
            entries.append(_entry(entry))
    return {"entries": sorted(entries, key=lambda entry: str(entry["name"])), "truncated": False}


def _entry(entry: os.DirEntry[str]) -> dict[str, Any]:
    facts = entry.stat(follow_symlinks=False)
    return {
        "name": entry.name,
        "kind": kind_of(facts.st_mode),
        "size": facts.st_size,
        "mode": modes.S_IMODE(facts.st_mode),
        "uid": facts.st_uid,
        "gid": facts.st_gid,
    }
