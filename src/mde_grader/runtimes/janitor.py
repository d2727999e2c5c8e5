"""Who is alive: the rule by which a grader may take away what another one started. Pure, but for `Here.look`.

A grader marks everything with `bootid:pidns:pid:starttime`. Whoever shares its boot and its PID namespace can see for
certain whether that very process still runs. Anybody else cannot, and waits until the mark has expired.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEAD_STATES = frozenset("ZXx")
"""A zombie holds its number and does nothing any more."""

_PARTS = 4
_STATE, _START = 0, 19
"""Fields of /proc/PID/stat behind the command's closing bracket (proc(5) counts them as 3 and 22)."""


@dataclass(frozen=True, slots=True)
class Here:
    """What one process can see of others.

    Attributes:
        boot: The kernel's boot id.
        pidns: Inode of our PID namespace.
        start_of: Start time (clock ticks after boot) of a living process by its number, None when there is none.
    """

    boot: str
    pidns: str
    start_of: Callable[[int], str | None]

    @classmethod
    def look(cls, proc: Path = Path("/proc")) -> Here:
        """Our own place. Outside Linux everything is foreign, and only expiry counts."""
        try:
            boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
            pidns = str((proc / "self/ns/pid").stat().st_ino)
        except OSError:
            return cls("unknown", "0", lambda _: None)
        return cls(boot, pidns, lambda pid: start_time(proc, pid))


def start_time(proc: Path, pid: int) -> str | None:
    """When a process started, in clock ticks after boot; None when it is gone or a zombie."""
    try:
        text = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if len(fields) <= _START or fields[_STATE] in DEAD_STATES:
        return None
    return fields[_START]


def this_process(here: Here | None = None) -> str:
    """The mark of this process, for `Owner.process`."""
    place = here or Here.look()
    pid = os.getpid()
    return f"{place.boot}:{place.pidns}:{pid}:{place.start_of(pid) or 0}"


def is_dead(process: str, expires: str, *, here: Here, now: float) -> bool:
    """Whether what that process started may be taken away.

    Args:
        process: An `Owner.process`.
        expires: The `expires` label, Unix seconds; what is no number never expires by itself.
        here: What we can see.
        now: Unix seconds.
    """
    if expires.isascii() and expires.isdigit() and now > int(expires):
        return True
    parts = process.split(":")
    if len(parts) != _PARTS or not (parts[2].isascii() and parts[2].isdigit()):
        return False
    boot, pidns, pid, started = parts
    if (boot, pidns) != (here.boot, here.pidns) or boot == "unknown":
        return False
    return here.start_of(int(pid)) != started
