"""How well an engine keeps containers apart, read from what `/info` says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LEVELS = ("userns", "rootless")
_FILTERS = ("seccomp", "apparmor", "selinux")


def isolation_of(info: Mapping[str, Any]) -> str:
    """The level of isolation, as scorecards and `doctor` tell it: `docker`, `docker+userns`, `docker+rootless`...

    `gvisor` is told where gVisor is what containers run in by default.
    """
    levels = [level for level in _LEVELS if level in _options(info)]
    if info.get("DefaultRuntime") == "runsc":
        levels.append("gvisor")
    return "+".join(["docker", *levels])


def filters_of(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The kernel's filters that the engine puts on every container, such as `seccomp`."""
    return tuple(name for name in _FILTERS if name in _options(info))


def _options(info: Mapping[str, Any]) -> set[str]:
    """Names of the security options; each reads like `name=seccomp,profile=default`."""
    given = info.get("SecurityOptions") or ()
    return {str(option).partition(",")[0].removeprefix("name=") for option in given}
