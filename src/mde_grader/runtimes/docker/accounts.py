"""The files that the engine itself opens in a container's root before it starts the container.

Docker Engine (20.10.24, seen) opens /etc/passwd and /etc/group plainly, whatever USER is: a pipe there hangs that
container's start for ever, and then nothing but a restart of the engine can remove the container; a device would be
opened on the host. So they are looked at first, which opens nothing.
"""

from __future__ import annotations

import base64
import json

from mde_grader.errors import StartFailedError
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError

PLACES = ("/etc/passwd", "/etc/group")

_STAT = "X-Docker-Container-Path-Stat"
_LINK = 1 << 27
_SPECIAL = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21
"""Bits of Go's os.FileMode, which the header carries: device, pipe, socket, character device."""


def insist_on_plain_accounts(engine: Engine, container: str, service: str) -> None:
    """Look at the account files of a container that does not run.

    Args:
        engine: The engine.
        container: Its id.
        service: Its name, for the candidate.

    Raises:
        StartFailedError: One is a pipe, a socket or a device.
        EngineError: The engine did not answer.
    """
    for place in PLACES:
        if _mode(engine, container, place) & _SPECIAL:
            raise StartFailedError(
                "start.accounts",
                f"service {service} cannot start: {place} in its image is not a file",
                hint=f"leave {place} as the base image has it, and add users with useradd or adduser",
            )


def _mode(engine: Engine, container: str, place: str) -> int:
    """Mode bits of what is there at the end of all links; 0 when there is nothing."""
    mode, target = _stat(engine, container, place)
    return _stat(engine, container, target)[0] if mode & _LINK and target else mode


def _stat(engine: Engine, container: str, place: str) -> tuple[int, str]:
    try:
        with engine.answer("HEAD", f"/containers/{container}/archive", params={"path": place}) as response:
            told = json.loads(base64.b64decode(response.headers.get(_STAT, "")) or b"{}")
    except RefusalError as refusal:
        if refusal.status == NOT_FOUND:
            return 0, ""
        raise StartFailedError(
            "start.accounts", f"{place} cannot be looked at: {refusal.message}", hint="leave it as the base has it"
        ) from refusal
    return int(told.get("mode", 0)), str(told.get("linkTarget", ""))
