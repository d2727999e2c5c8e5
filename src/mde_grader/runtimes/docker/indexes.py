"""The package index of a build: a grader-owned container on no network, whose loopback the build's steps share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mde_grader.errors import EngineError, ImageMissingError
from mde_grader.runtimes.base import Owner
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError, hang_up
from mde_grader.runtimes.docker.logs import demultiplexed
from mde_grader.runtimes.docker.names import ROLE_LABEL
from mde_grader.runtimes.docker.profile import index_config

READY_SECONDS = 10.0
"""An index answers within 0.3 s; this is for a loaded machine."""

LOG_LIMIT = 262_144

_REQUEST = re.compile(r"(?:^|\")(?:GET|HEAD) (?P<path>/\S*)")


class Index:
    """A running package index.

    Args:
        engine: The engine.
        container: Its id, for `networkmode=container:<id>`.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self.container = container

    def requests(self) -> tuple[str, ...]:
        """End it and tell which paths it was asked for, in order."""
        self._engine.quietly("POST", f"/containers/{self.container}/kill")
        self._engine.ask("POST", f"/containers/{self.container}/wait", timeout=READY_SECONDS)
        return asked_paths(logs_of(self._engine, self.container))


@contextmanager
def index(engine: Engine, image: str, name: str, owner: Owner) -> Iterator[Index]:
    """Start an index under that name, wait until it listens, and remove it at the end."""
    try:
        config = index_config(image, {**owner.labels(), ROLE_LABEL: "index"})
        made = engine.ask("POST", "/containers/create", params={"name": name}, body=config)
    except RefusalError as refusal:
        if refusal.status == NOT_FOUND:
            raise ImageMissingError(f"the package index {image} is not on this engine") from refusal
        raise EngineError(f"the package index cannot be made: {refusal.message}") from refusal
    try:
        engine.ask("POST", f"/containers/{made['Id']}/start")
        _wait_listening(engine, made["Id"])
        yield Index(engine, made["Id"])
    except RefusalError as refusal:
        raise EngineError(f"the package index does not start: {refusal.message}") from refusal
    finally:
        engine.quietly("DELETE", f"/containers/{made['Id']}", params={"force": 1, "v": 1})


def _wait_listening(engine: Engine, container: str) -> None:
    """An index prints a line when it listens; wait for it on the log's stream."""
    until = time.monotonic() + READY_SECONDS
    params = {"stdout": 1, "stderr": 1, "follow": 1}
    response = engine.open("GET", f"/containers/{container}/logs", params=params, timeout=READY_SECONDS)
    try:
        for piece in demultiplexed(response, until=until):
            if piece:
                return
        raise EngineError("the package index ended at once")
    finally:
        hang_up(response)


def logs_of(engine: Engine, container: str) -> str:
    """All that a short-lived container of ours printed, capped."""
    with engine.answer("GET", f"/containers/{container}/logs", params={"stdout": 1, "stderr": 1}) as response:
        data = bytearray()
        for piece in demultiplexed(response, until=time.monotonic() + READY_SECONDS):
            data += piece
            if len(data) > LOG_LIMIT:
                break
    return data.decode(errors="replace")


def asked_paths(log: str) -> tuple[str, ...]:
    """The paths in a log of requests, in order."""
    return tuple(match.group("path") for line in log.splitlines() if (match := _REQUEST.search(line)))
