"""Find a service's processes, and open paths that cannot leave its root.

`/proc/PID/root` followed by a path would resolve an absolute link in *our* root, so that every path goes through
`openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)`. There is no fallback: without it nothing is opened.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .limits import OpError

PROC = os.environ.get("MDE_PROC", "/proc")
"""Where processes are looked for; another folder in tests."""
MAX_CGROUP_BYTES = 16 * 1024
_SYS_OPENAT2 = 437  # the same on every architecture since Linux 5.6
_RESOLVE = 0x02 | 0x10  # RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT
_ID_LENGTH = 64
_TRIES = 16
_LIBC = ctypes.CDLL(None, use_errno=True)
_known: dict[str, int] = {}


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@dataclass(frozen=True)
class Target:
    """A service that was entered: its main process, and descriptors of that process's /proc folder and root."""

    pid: int
    proc: int
    root: int


def open_in(root: int, path: str, flags: int, *, resolve: int = _RESOLVE) -> int:
    """Open a path of a service; links, `..` and absolute ones included, stay inside its root.

    Args:
        root: Descriptor of the folder that is the root.
        path: What to open.
        flags: As for open(2).
        resolve: openat2's own flags, in place of those that keep all inside the root.

    Raises:
        OSError: As open(2) does.
        OpError: `bad-request` for an impossible path, `gone` where the kernel or the engine forbids openat2.
    """
    name = os.fsencode(path)
    if not name or b"\0" in name:
        raise OpError("bad-request", f"not a path: {path[:100]!r}")
    how = _How(flags | os.O_CLOEXEC, 0, resolve)
    for _ in range(_TRIES):
        fd = _LIBC.syscall(_SYS_OPENAT2, root, name, ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return int(fd)
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break  # EAGAIN: something was renamed while the kernel was looking
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EPERM):
        raise OpError("gone", f"openat2 is not allowed here ({os.strerror(code)}, {platform.release()})")
    raise OSError(code, os.strerror(code), path)


def reopen(fd: int, flags: int) -> int:
    """A readable descriptor for what an O_PATH descriptor stands for; the name is not looked up again."""
    return os.open(f"/proc/self/fd/{fd}", flags | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)


def small_file(directory: int, name: str, limit: int) -> bytes:
    """Up to `limit` bytes of a file of a /proc folder."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        data = bytearray()
        while len(data) < limit:
            piece = os.read(fd, min(65536, limit - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)
    finally:
        os.close(fd)


def start_time(directory: int) -> int:
    """Clock ticks after boot at which the process of a /proc folder started."""
    stat = small_file(directory, "stat", 4096)
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


@contextmanager
def process_folder(pid: int | str) -> Iterator[int]:
    """An open /proc folder; when its process ends, reads fail instead of finding a new one of that number."""
    fd = os.open(f"{PROC}/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def belongs(directory: int, service: str) -> bool:
    """Whether the process of a /proc folder is in the service's control group."""
    if not service:
        return small_file(directory, "cgroup", MAX_CGROUP_BYTES) == _own_cgroup()
    return service.encode() in small_file(directory, "cgroup", MAX_CGROUP_BYTES)


def _own_cgroup() -> bytes:
    with process_folder("self") as directory:
        return small_file(directory, "cgroup", MAX_CGROUP_BYTES)


def pids(service: str) -> list[int]:
    """The service's processes, the oldest (its main one) first.

    Raises:
        OpError: `denied`, when none is visible: it ended, or does not share the side container's PID namespace.
    """
    check_id(service)
    found: list[tuple[int, int]] = []
    for name in os.listdir(PROC):  # noqa: PTH208 - pathlib is slow to import
        if name.isdigit():
            try:
                with process_folder(name) as directory:
                    if belongs(directory, service):
                        found.append((start_time(directory), int(name)))
            except (OSError, ValueError):
                continue  # it ended while we looked
    if not found:
        raise OpError("denied", "no process of this service is visible")
    return [pid for _, pid in sorted(found)]


def check_id(service: str) -> None:
    """Refuse what is not a container's id.

    Raises:
        OpError: `bad-request`.
    """
    if service and (len(service) != _ID_LENGTH or not set(service) <= set("0123456789abcdef")):
        raise OpError("bad-request", f"not a container id: {service[:80]!r}")


@contextmanager
def enter(service: str) -> Iterator[Target]:
    """Open a service's main process and its root; `""` is the side container itself.

    Raises:
        OpError: `denied`, when it cannot be looked into, or `bad-request`.
    """
    check_id(service)
    with _main_folder(service) as (pid, directory):
        try:
            root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        except (FileNotFoundError, ProcessLookupError) as error:
            _known.pop(service, None)
            raise OpError("denied", "the service has just ended") from error
        except OSError as error:
            raise OpError("denied", f"its root cannot be entered ({error.strerror})") from error
        try:
            yield Target(pid, directory, root)
        finally:
            os.close(root)


@contextmanager
def _main_folder(service: str) -> Iterator[tuple[int, int]]:
    pid, directory = _open_main(service)
    try:
        yield pid, directory
    finally:
        os.close(directory)


def _open_main(service: str) -> tuple[int, int]:
    for pid in (_known.get(service), None):
        chosen = pid or _main_pid(service)
        try:
            directory = os.open(f"{PROC}/{chosen}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if belongs(directory, service):
                return chosen, directory
        except OSError:
            pass  # it ended between the two
        os.close(directory)
    _known.pop(service, None)
    raise OpError("denied", "the service has just ended")


def _main_pid(service: str) -> int:
    _known[service] = os.getpid() if not service and PROC == "/proc" else pids(service)[0]
    return _known[service]
