"""Give up, for good, whatever a program of ours does not need inside a candidate's root."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION = 0x20080522
_DAC_READ_SEARCH = 1 << 2
_MEMORY = 512 * 1024 * 1024
_FILE_BYTES = 1024 * 1024
_NOFILE = 256
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
        ("effective_high", ctypes.c_uint32),
        ("permitted_high", ctypes.c_uint32),
        ("inheritable_high", ctypes.c_uint32),
    )


def enter_root(root: int, cpu: int) -> None:
    """Make `root` our root, then keep only CAP_DAC_READ_SEARCH.

    no_new_privs is what keeps uid 0 from getting the rest back at exec.

    Raises:
        OSError: The kernel refused a step; nothing may be started then.
    """
    os.setsid()
    os.fchdir(root)
    os.chroot(".")
    os.chdir("/")
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _limits(cpu)
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _drop()


def _limits(cpu: int) -> None:
    for what, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _NOFILE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (allowed, allowed))


def _drop() -> None:
    header = _Header(_CAPABILITY_VERSION, 0)
    sets = _Sets()
    _check(_LIBC.capget(ctypes.byref(header), ctypes.byref(sets)))
    kept = sets.permitted & _DAC_READ_SEARCH
    _check(_LIBC.capset(ctypes.byref(header), ctypes.byref(_Sets(kept, kept))))


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
