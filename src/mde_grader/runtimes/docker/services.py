"""One container of a stack, through the engine's API."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import ServiceSpec, ServiceState, Stopped
from mde_grader.runtimes.docker.archives import read_file
from mde_grader.runtimes.docker.client import RefusalError
from mde_grader.runtimes.docker.logs import read_log
from mde_grader.runtimes.docker.profile import effective
from mde_grader.runtimes.docker.watch import End

if TYPE_CHECKING:
    from mde_grader.runtimes.docker.crew import Crew

LOOPBACK = "127.0.0.1"
END_SECONDS = 15.0
"""How long a killed container may take to end; 0.1 to 0.3 s were seen, 6 s on a machine under heavy load."""


class DockerService:
    """See `base.Service`.

    Args:
        crew: Makes, starts and removes the containers of one stack.
        name: The service's name; a replica's has a number.
        spec: What it is started from.
    """

    def __init__(self, crew: Crew, name: str, spec: ServiceSpec) -> None:
        self._crew = crew
        self._engine = crew.engine
        self._name = name
        self._spec = spec
        self._container = ""
        self._end: Future[End] | None = None
        self._starts = 0
        self.disturbed = False
        self.original = spec

    @property
    def name(self) -> str:
        """See `base.Service`."""
        return self._name

    @property
    def spec(self) -> ServiceSpec:
        """See `base.Service`."""
        return self._spec

    @property
    def container_id(self) -> str:
        """See `base.Service`."""
        return self._container

    @property
    def end(self) -> Future[End]:
        """Done when the container has ended; the same future until the next start."""
        if self._end is None:
            raise EngineError(f"service {self._name} was never started")
        return self._end

    @property
    def ended(self) -> bool:
        """Whether its end was heard."""
        return self._end is not None and self._end.done()

    @property
    def address(self) -> str:
        """See `base.Service`."""
        if self._crew.network is None:
            return LOOPBACK
        found = self._inspect()["NetworkSettings"]["Networks"].get(self._crew.network) or {}
        return str(found.get("IPAddress") or "")

    def state(self) -> ServiceState:
        """See `base.Service`."""
        about = self._inspect()
        state, host = about["State"], about["HostConfig"]
        running = bool(state["Running"])
        return ServiceState(
            running=running,
            exit_code=None if running else int(state["ExitCode"]),
            oom_killed=bool(state["OOMKilled"]) or self._crew.watch.out_of_memory(self._container, seconds=0),
            started_at=str(state["StartedAt"]),
            restarts=max(0, self._starts - 1),
            user=str(about["Config"].get("User") or ""),
            read_only=bool(host["ReadonlyRootfs"]),
            capabilities=tuple(host.get("CapAdd") or ()),
            limits=effective(about),
        )

    def logs(self, *, limit: int = 262_144) -> str:
        """See `base.Service`."""
        return read_log(self._engine, self._container, limit=limit)

    def read(self, path: str, *, limit: int = 1_048_576) -> bytes:
        """See `base.Service`."""
        return read_file(self._engine, self._container, path, limit=limit)

    def stop(self, *, signal: str | None = None, seconds: float | None = None) -> Stopped:
        """See `base.Service`."""
        self.disturbed = True
        began = time.monotonic()
        grace = self._spec.stop_seconds if seconds is None else seconds
        self._signal(signal or self._spec.stop_signal or self._crew.stop_signal(self._spec.image))
        killed = False
        try:
            end = self.end.result(timeout=grace)
        except FutureTimeoutError:
            killed = True
            self._signal("SIGKILL")
            end = self._wait_end()
        return Stopped(max(0.0, end.at - began), end.exit_code, killed)

    def kill(self) -> None:
        """See `base.Service`."""
        self.disturbed = True
        self._signal("SIGKILL")
        self._wait_end()

    def start(self) -> None:
        """See `base.Service`."""
        self.disturbed = True
        if self._end is None or self.ended:
            self.launch()

    def recreate(self, **changes: Any) -> None:  # noqa: ANN401
        """See `base.Service`."""
        self.disturbed = True
        self.remove()
        self._spec = dataclasses.replace(self._spec, **changes)
        self.create()
        self.launch()

    def assign(self, image: str) -> None:
        """Take the image that was not there yet."""
        self._spec = self.original = dataclasses.replace(self._spec, image=image)

    def create(self) -> None:
        """Make the container; it does not run yet."""
        self._container = self._crew.create(self._name, self._spec)
        self._starts = 0

    def launch(self) -> None:
        """Run the container and hear when it ends.

        Raises:
            StartFailedError: It cannot run, and that is the candidate's doing.
        """
        self._end = self._crew.watch.expect(self._container)
        self._crew.launch(self._container, self._spec)
        self._starts += 1

    def remove(self) -> None:
        """Remove the container, whatever it does; safe when there is none."""
        if self._container:
            self._crew.remove(self._container)
            self._container = ""

    def _signal(self, name: str) -> None:
        self._engine.quietly("POST", f"/containers/{self._container}/kill", params={"signal": name})

    def _wait_end(self) -> End:
        try:
            return self.end.result(timeout=END_SECONDS)
        except FutureTimeoutError:
            raise EngineError(f"the engine could not end service {self._name} in {END_SECONDS:.0f} s") from None

    def _inspect(self) -> dict[str, Any]:
        try:
            about: dict[str, Any] = self._engine.ask("GET", f"/containers/{self._container}/json")
        except RefusalError as refusal:
            raise EngineError(f"the engine cannot show service {self._name}: {refusal.message}") from refusal
        return about
