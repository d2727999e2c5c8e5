"""A stack of the fake engine."""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from mde_grader.errors import EngineError, ImageMissingError, StartFailedError
from mde_grader.runtimes.base import Service, ServiceSpec, StackSpec
from mde_grader.runtimes.commands import OUTPUT_LIMIT, SCRATCH, Ran, VolumeFiles
from mde_grader.runtimes.inspector.session import Session, SessionError
from mde_grader.testing.programs import FakeCommand, FakePlace, FakeProgram
from mde_grader.testing.services import FakeService
from mde_grader.testing.sessions import FakeSession
from mde_grader.testing.volumes import FakeFiles


class FakeStack:
    """See `base.Stack`. `session.answers` may be changed by a test."""

    def __init__(self, programs: Mapping[str, FakeProgram], spec: StackSpec, gone: Callable[[FakeStack], None]) -> None:
        self.place = FakePlace(programs, spec.network)
        self.closed = False
        self._gone = gone
        self._spec = spec
        self._session = FakeSession({"hello": _hello, "dns": self._dns, "http": self._http, "tcp": self._tcp,
                                     "wait": self._wait, "detach": lambda _: {}})  # fmt: skip
        self._services: dict[str, FakeService] = {}
        self._replicas: dict[str, FakeService] = {}

    @property
    def spec(self) -> StackSpec:
        """See `base.Stack`."""
        return self._spec

    @property
    def session(self) -> Session:
        """See `base.Stack`."""
        return self._session

    def __getitem__(self, name: str) -> Service:
        """See `base.Stack`."""
        return self._service(name)

    def __iter__(self) -> Iterator[str]:
        """See `base.Stack`."""
        return iter(self._services)

    def run(  # noqa: PLR0913
        self,
        workspace: str,
        command: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> Ran:
        """See `base.Stack`."""
        spec = self._workspace(workspace)
        if self.closed:
            raise EngineError("the stack was closed")
        asked = FakeCommand(
            words=tuple(command),
            environment={**spec.environment, **(environment or {})},
            working_dir=working_dir or spec.working_dir or SCRATCH,
            seconds=seconds,
            files=self._volume(spec.work_volume) if spec.mounts else {},
        )
        ran = self.place.programs[spec.image].run(asked)
        return dataclasses.replace(ran, out=ran.out[:limit], err=ran.err[:limit])

    def files(self, workspace: str) -> VolumeFiles:
        """See `base.Stack`."""
        return FakeFiles(self._volume(self._workspace(workspace).work_volume))

    def _volume(self, name: str) -> dict[str, bytes]:
        return self.place.volumes.setdefault(name, {})

    def _workspace(self, name: str) -> ServiceSpec:
        for spec in self._spec.workspaces:
            if spec.name == name:
                return spec
        names = ", ".join(spec.name for spec in self._spec.workspaces)
        raise KeyError(f"no workspace {name}; there are {names or 'none'}")

    def start(self) -> None:
        """Start everything, each after what it requires."""
        for spec in (*self._spec.services, *self._spec.workspaces):
            if spec.image not in self.place.programs:
                raise ImageMissingError(f"the image {spec.image} is not on this engine")
        left = list(self._spec.services)
        while left:
            ready = [spec for spec in left if {*spec.requires, *spec.awaits} <= set(self._services)]
            if not ready:
                raise StartFailedError("start.requires", "the services cannot be started in any order")
            for spec in ready:
                service = self._services[spec.name] = FakeService(self.place, spec.name, spec)
                service.launch()
                service.check_ready(spec.ready_seconds)
            left = [spec for spec in left if spec not in ready]

    def replica(self, name: str) -> Service:
        """See `base.Stack`."""
        first = self._service(name)
        number = next(number for number in count(2) if f"{name}-{number}" not in self._replicas)
        service = self._replicas[f"{name}-{number}"] = FakeService(self.place, f"{name}-{number}", first.spec)
        service.launch()
        return service

    def remove(self, service: Service) -> None:
        """See `base.Stack`."""
        if self._replicas.pop(service.name, None) is None:
            raise KeyError(f"{service.name} is no replica of this stack")

    def wait_ready(self, *names: str, seconds: float | None = None) -> float:
        """See `base.Stack`."""
        chosen = [self._service(name) for name in names] if names else self.everything()
        for service in chosen:
            service.check_ready(service.spec.ready_seconds if seconds is None else seconds)
        return 0.0

    def restore(self) -> None:
        """See `base.Stack`."""
        self._replicas.clear()
        for service in self._services.values():
            if service.spec != service.original:
                service.recreate(
                    **{each.name: getattr(service.original, each.name) for each in dataclasses.fields(service.original)}
                )
            elif not service.running:
                service.start()
            service.disturbed = False
        self.wait_ready()

    def keep(self) -> str:
        """See `base.Stack`."""
        self.closed = True
        return "\n".join(f"docker exec -it {service.container_id[:12]} sh" for service in self._services.values())

    def close(self) -> None:
        """See `base.Stack`."""
        if not self.closed:
            self.closed = True
            self.vanish()

    def vanish(self) -> None:
        """Leave the engine, whoever decided it."""
        self._session.close()
        self._gone(self)

    def everything(self) -> list[FakeService]:
        """All services and replicas."""
        return [*self._services.values(), *self._replicas.values()]

    def _service(self, name: str) -> FakeService:
        found = self._services.get(name) or self._replicas.get(name)
        if found is None:
            raise KeyError(f"no service {name}; there are {', '.join([*self._services, *self._replicas])}")
        return found

    def _at(self, host: str) -> FakeService:
        for service in self.everything():
            if host in {service.spec.name, service.name, service.address, *service.spec.aliases} and service.running:
                if service.program.ready_after is None:
                    raise SessionError("refused", "connection refused")
                return service
        raise SessionError("timeout" if re.fullmatch(r"[\d.]+", host) else "resolve", f"nothing at {host}")

    def _dns(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        found = [each.address for each in self.everything() if each.running and name in {each.spec.name, each.name}]
        if not found:
            raise SessionError("resolve", f"no address for {name}")
        return {"addresses": found}

    def _http(self, request: dict[str, Any]) -> dict[str, Any]:
        service = self._at(urlsplit(request["url"]).hostname or "")
        body = base64.b64encode(service.program.serve(service.volumes())).decode()
        return {"status": 200, "reason": "OK", "headers": [], "body": body, "truncated": False, "seconds": 0.0,
                "peer": f"{service.address}:80"}  # fmt: skip

    def _tcp(self, request: dict[str, Any]) -> dict[str, Any]:
        self._at(str(request["host"]))
        return {"data": "", "closed": False, "seconds": 0.0}

    def _wait(self, request: dict[str, Any]) -> dict[str, Any]:
        service = self._at(urlsplit(request["url"]).hostname or "")
        after = service.program.ready_after
        if after is None or after > request["seconds"]:
            raise SessionError("timeout", f"not ready within {request['seconds']} s")
        return {"seconds": after, "attempts": 1, "last": "status 200"}


def _hello(_: dict[str, Any]) -> dict[str, Any]:
    return {"version": "fake", "pid": 1}
