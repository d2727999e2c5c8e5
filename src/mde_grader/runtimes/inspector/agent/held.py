"""Files on a volume that the side container holds: written as the user who works there, and never through a link."""

from __future__ import annotations

import base64
import ctypes
import errno
import os
import stat as modes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .files import kind_of, pieces
from .limits import Deadline, OpError, byte_cap
from .net import encode
from .rooted import open_in, reopen

MAX_DEPTH = 64
_BENEATH = 0x01 | 0x02 | 0x08  # RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIBC = ctypes.CDLL(None, use_errno=True)


def make(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `volume-make`: a folder with all above it."""
    with _told(request["folder"]), _as_user(request), _folder(request, make=True):
        return {}


def write(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `volume-write`: one file with the folders above it, in place of what was there."""
    above, name = _split(request["path"])
    with (
        _told(request["path"]),
        _as_user(request),
        _folder(request, make=True) as folder,
        _descend(folder, above, make=True) as parent,
    ):
        _unlink(parent, name)
        _write(parent, name, base64.b64decode(request["data"]), int(request["mode"]))
    return {}


def _unlink(parent: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _write(parent: int, name: str, data: bytes, mode: int) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        os.fchmod(fd, mode & 0o777)
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)


def read(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `volume-read`: up to `limit` bytes of a regular file from `offset` on; links stay in the folder."""
    deadline = Deadline(request.get("seconds", 10))
    limit = byte_cap(request["limit"])
    path = request["path"]
    _parts(path)
    with _told(path), _folder(request, make=False) as folder, _regular(folder, path) as fd:
        os.lseek(fd, max(0, int(request.get("offset", 0))), os.SEEK_SET)
        data = b"".join(pieces(fd, limit, deadline))
        return {"data": encode(data), "size": os.fstat(fd).st_size}


@contextmanager
def _regular(folder: int, path: str) -> Iterator[int]:
    place = open_in(folder, path, os.O_PATH, resolve=_BENEATH)
    try:
        facts = os.fstat(place)
        if not modes.S_ISREG(facts.st_mode):
            raise OpError("refused", f"{path} is a {kind_of(facts.st_mode)}, not a regular file")
        fd = reopen(place, os.O_RDONLY)
    finally:
        os.close(place)
    try:
        yield fd
    finally:
        os.close(fd)


def kind(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `volume-kind`: what is there, links not followed; null when there is nothing."""
    above, name = _split(request["path"])
    try:
        with _told(request["path"]), _folder(request, make=False) as folder, _descend(folder, above) as parent:
            return {"kind": kind_of(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)}
    except OpError as error:
        if error.kind != "missing":
            raise
    return {"kind": None}


def remove(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `volume-remove`: a file, or a folder with all in it."""
    deadline = Deadline(request.get("seconds", 10))
    above, name = _split(request["path"])
    try:
        with (
            _told(request["path"]),
            _as_user(request),
            _folder(request, make=False) as folder,
            _descend(folder, above) as parent,
        ):
            _clear(parent, name, request["volume"], deadline)
    except OpError as error:
        if error.kind != "missing":
            raise
    return {}


def _clear(parent: int, name: str, volume: str, deadline: Deadline) -> None:
    """Remove by moving each folder up to the volume's root first: no depth of folders costs depth of ours."""
    root = os.open(volume, _FOLDER)
    try:
        waiting = [moved] if (moved := _take(parent, name, root)) else []
        while waiting:
            deadline.left()
            fd = os.open(waiting[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
            try:
                names = os.listdir(fd)  # noqa: PTH208 - a descriptor, which pathlib does not know
                found = [moved for name in names if (moved := _take(fd, name, root))]
            finally:
                os.close(fd)
            os.rmdir(waiting.pop(), dir_fd=root)
            waiting += found
    finally:
        os.close(root)


def _take(parent: int, name: str, root: int) -> str:
    """Remove what is no folder; move a folder up, open to its owner, and return its new name."""
    try:
        os.unlink(name, dir_fd=parent)
    except IsADirectoryError:
        pass
    else:
        return ""
    fd = os.open(name, _FOLDER, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{fd}", 0o700)  # noqa: PTH101 - a descriptor, which pathlib does not know
    finally:
        os.close(fd)
    moved = f".removed-{os.urandom(8).hex()}"
    os.rename(name, moved, src_dir_fd=parent, dst_dir_fd=root)
    return moved


def _parts(path: str) -> list[str]:
    """The names of a relative path.

    Raises:
        OpError: `bad-request`, when it is no plain path below where it starts.
    """
    parts = path.split("/") if path else []
    if "\0" in path or len(parts) > MAX_DEPTH or any(part in {"", ".", ".."} for part in parts):
        raise OpError("bad-request", f"not a plain relative path: {path[:100]!r}")
    return parts


def _split(path: str) -> tuple[list[str], str]:
    parts = _parts(path)
    if not parts:
        raise OpError("bad-request", "a path is needed")
    return parts[:-1], parts[-1]


@contextmanager
def _folder(request: Mapping[str, Any], *, make: bool) -> Iterator[int]:
    volume = os.open(request["volume"], _FOLDER)
    try:
        with _descend(volume, _parts(request.get("folder", "")), make=make) as fd:
            yield fd
    finally:
        os.close(volume)


@contextmanager
def _descend(start: int, names: list[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder below another one, one name after the other, so that no link is ever followed."""
    fd = os.dup(start)
    try:
        for name in names:
            if make:
                _mkdir(fd, name)
            below = os.open(name, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _mkdir(parent: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=parent)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Say in our words what the kernel refused.

    Raises:
        OpError: `missing` or `refused`.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise OpError("refused", f"{path} leads out of its folder") from error
        kind = "missing" if error.errno == errno.ENOENT else "refused"
        raise OpError(kind, f"{path}: {error.strerror}") from error


@contextmanager
def _as_user(request: Mapping[str, Any]) -> Iterator[None]:
    """Reach files as another user in this thread alone; the kernel takes our capabilities over files away meanwhile."""
    uid, gid = int(request["uid"]), int(request["gid"])
    own_uid, own_gid = os.geteuid(), os.getegid()
    _switch(_LIBC.setfsgid, gid)
    try:
        _switch(_LIBC.setfsuid, uid)
        yield
    finally:
        _switch(_LIBC.setfsuid, own_uid)
        _switch(_LIBC.setfsgid, own_gid)


def _switch(call: Callable[[int], int], number: int) -> None:
    call(number)
    if call(-1) != number:  # it answers with what is in force, and does nothing for a number that cannot be
        raise OpError("gone", "the side container may not write as another user")
