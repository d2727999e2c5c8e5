"""The engine itself under the suite; apart from the other kit, since what speaks to it is slow to import."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mde_grader.runtimes.base import Runtime
from mde_grader.runtimes.docker import DockerRuntime, connect
from mde_grader.runtimes.docker.client import sdk_client
from mde_grader.runtimes.images import require
from tests.conformance.kits import PROGRAMS


@dataclass
class DockerKit:
    """The engine with the side container of this checkout; `latest` may be another's."""

    moment: float = 0.5

    def __post_init__(self) -> None:
        self.docker: DockerRuntime = connect()
        self.side = self.base = require(["side"], sdk_client(self.docker.engine))["side"].tag
        self.runtime: Runtime = self.docker

    def other(self) -> Runtime:
        return connect()

    def image(self, program: str) -> str:
        assert program in {*PROGRAMS, "shell"}
        return self.side

    def count(self, attempt: str) -> int:
        filters = json.dumps({"label": [f"mde-grade.attempt={attempt}"]})
        ask = self.docker.engine.ask
        containers = ask("GET", "/containers/json", params={"all": 1, "filters": filters})
        networks = ask("GET", "/networks", params={"filters": filters})
        volumes = ask("GET", "/volumes", params={"filters": filters})["Volumes"] or []
        return len(containers) + len(networks) + len(volumes)
