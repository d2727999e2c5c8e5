"""The processes of a service, as the kernel tells them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .limits import OpError
from .rooted import belongs, pids, process_folder, small_file, start_time

MAX_PROCESSES = 1024
_MAX_CMDLINE = 16 * 1024
_MAX_ENVIRON = 256 * 1024
_MAX_STATUS = 16 * 1024


def list_all(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `processes`; `main` is the oldest one. `rss` is bytes, `started` clock ticks after boot."""
    service = request.get("service", "")
    found = []
    for place, pid in enumerate(pids(service)[:MAX_PROCESSES]):
        try:
            with process_folder(pid) as folder:
                found.append({**_described(pid, folder), "main": place == 0})
        except OSError:
            continue  # it ended meanwhile
    return {"processes": found}


def _described(pid: int, folder: int) -> dict[str, Any]:
    status = _status(folder)
    cmdline = small_file(folder, "cmdline", _MAX_CMDLINE)
    return {
        "pid": pid,
        "ppid": _number(status, "PPid"),
        "uid": _number(status, "Uid"),
        "gid": _number(status, "Gid"),
        "name": status.get("Name", ""),
        "cmdline": _words(cmdline),
        "state": status.get("State", "?")[:1],
        "started": start_time(folder),
        "rss": _number(status, "VmRSS") * 1024,
        "threads": _number(status, "Threads"),
        "cap_eff": status.get("CapEff", ""),
        "no_new_privs": status.get("NoNewPrivs") == "1",
        "env_names": sorted(_environ(folder)),
    }


def _status(folder: int) -> dict[str, str]:
    text = small_file(folder, "status", _MAX_STATUS).decode(errors="replace")
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _number(status: Mapping[str, str], name: str) -> int:
    """The second column of `Uid` is the effective one; the others have a single number."""
    words = status.get(name, "").split()
    column = 1 if name in ("Uid", "Gid") else 0
    return int(words[column]) if len(words) > column and words[column].isdigit() else 0


def _words(data: bytes) -> list[str]:
    return [word.decode(errors="replace") for word in data.removesuffix(b"\0").split(b"\0")] if data else []


def _environ(folder: int) -> dict[str, str]:
    try:
        words = _words(small_file(folder, "environ", _MAX_ENVIRON))
    except OSError:
        return {}
    return {name: value for name, separator, value in (word.partition("=") for word in words) if separator}


def environ(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `environ`: the environment that a process of the service was started with.

    Raises:
        OpError: `missing`, when that process is not the service's or has ended.
    """
    service = request.get("service", "")
    pid = int(request.get("pid") or pids(service)[0])
    try:
        with process_folder(pid) as folder:
            if not belongs(folder, service):
                raise OpError("missing", f"process {pid} is not of this service")
            return {"environ": _environ(folder)}
    except OSError as error:
        raise OpError("missing", f"process {pid}: {os.strerror(error.errno or 0)}") from error
