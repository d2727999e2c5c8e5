"""A stack from nothing to ready, and back."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from socket import socket
from typing import Any
from urllib.parse import urlsplit

from mde_grader.errors import EngineError, StartFailedError
from mde_grader.runtimes.base import BuiltImage, Service, ServiceSpec, StackSpec
from mde_grader.runtimes.commands import OUTPUT_LIMIT, Ran, VolumeFiles
from mde_grader.runtimes.docker.client import RefusalError
from mde_grader.runtimes.docker.commands import Commands, command_spec
from mde_grader.runtimes.docker.crew import Crew
from mde_grader.runtimes.docker.services import DockerService
from mde_grader.runtimes.failures import KILLED, Stage, Trouble, blame
from mde_grader.runtimes.inspector.held import HeldFiles
from mde_grader.runtimes.inspector.session import Session, SessionError

ANSWER_GRACE = 3.0
"""Seconds past a deadline until the side container is taken for lost."""

SAID = 8192
"""Bytes of a service's last output that a failure shows."""

ONE_THING_SECONDS = 60.0
"""How long a service may take that others wait for to end, a migration for instance."""

OpenSession = Callable[[socket], Session]


class _AbandonedError(Exception):
    """Another service failed first."""


def start_order(services: Iterable[ServiceSpec]) -> list[ServiceSpec]:
    """The services so that each comes after what it requires; otherwise in the order given.

    Raises:
        StartFailedError: They require each other in a circle, or something that is not there.
    """
    left = list(services)
    names = {service.name for service in left}
    ordered: list[ServiceSpec] = []
    while left:
        done = {service.name for service in ordered}
        ready = [service for service in left if done.issuperset((*service.requires, *service.awaits))]
        if not ready:
            missing = sorted({name for service in left for name in (*service.requires, *service.awaits)} - names)
            what = f"no service {missing[0]}" if missing else "a circle: " + ", ".join(service.name for service in left)
            raise StartFailedError("start.requires", f"the services cannot be started in any order, there is {what}")
        ordered += ready
        left = [service for service in left if service not in ready]
    return ordered


class DockerStack:
    """See `base.Stack`.

    Args:
        crew: What the stack has on the engine.
        open_session: Makes a session of the side container's stream.
    """

    def __init__(self, crew: Crew, open_session: OpenSession) -> None:
        self._crew = crew
        self._open_session = open_session
        self._session: Session | None = None
        self._abort: Future[None] = Future()
        order = start_order(crew.spec.services)
        self._services = {spec.name: DockerService(crew, spec.name, spec) for spec in order}
        self._replicas: dict[str, DockerService] = {}
        self._side_end: Future[Any] | None = None
        self._commands = Commands(crew)
        self._closed = False

    @property
    def spec(self) -> StackSpec:
        """See `base.Stack`."""
        return self._crew.spec

    @property
    def session(self) -> Session:
        """See `base.Stack`."""
        if self._session is None:
            raise EngineError("the stack has no session; it was closed, or never started")
        return self._session

    def __getitem__(self, name: str) -> Service:
        """See `base.Stack`."""
        return self._service(name)

    def __iter__(self) -> Iterator[str]:
        """See `base.Stack`."""
        return iter(self._services)

    def start(self, images: Future[dict[str, BuiltImage]] | None = None) -> None:
        """Start everything and wait until it is ready; after an error, `close` removes what there is.

        Args:
            images: Images of the services that have none yet.

        Raises:
            VolumesUnknownError: They declare volumes, which must be known from the start.
        """
        self._crew.prepare()
        pool = ThreadPoolExecutor(max_workers=len(self._services) + 4, thread_name_prefix="mde-up")
        try:
            complete = pool.submit(self._complete, images)
            network = pool.submit(self._crew.make_network)
            made = pool.submit(self._crew.create_side)
            side = pool.submit(self._start_side, network, made)
            begun: dict[str, Future[None]] = {}
            for name, service in self._services.items():
                required = [begun[each] for each in (*service.spec.requires, *service.spec.awaits)]
                # What its image puts into a volume would be lost if the side container did not hold the volume by then.
                # And a container that joins another's namespaces cannot be made before that one.
                first = [side if self._crew.holds_volumes else made, *([] if service.spec.image else [complete])]
                begun[name] = pool.submit(self._bring_up, service, first, [side, *required])
            tasks = [complete, network, made, side, *begun.values()]
            wait(tasks, return_when=FIRST_EXCEPTION)
            self._raise_first(tasks)
        finally:
            with suppress(Exception):
                self._abort.set_result(None)
            pool.shutdown(wait=True)
            self._abort = Future()

    def _complete(self, images: Future[dict[str, BuiltImage]] | None) -> None:
        if images is None:
            return
        signs: set[Future[Any]] = {images, self._abort}
        done, _ = wait(signs, return_when=FIRST_COMPLETED)
        if self._abort in done:
            raise _AbandonedError
        self._crew.complete(images.result())
        for name, service in self._services.items():
            if not service.spec.image:
                service.assign(images.result()[name].id)

    def _raise_first(self, tasks: list[Future[None]]) -> None:
        """Ours before the candidate's, and a cause before those that were given up for it."""
        errors = [error for task in tasks if task.done() and (error := task.exception()) is not None]
        real = [error for error in errors if not isinstance(error, _AbandonedError)]
        for error in sorted(real or errors, key=lambda each: isinstance(each, StartFailedError)):
            raise error

    def _start_side(self, network: Future[None], made: Future[None]) -> None:
        crew = self._crew
        self._after([made])
        self._side_end = crew.watch.expect(crew.side)
        sock = crew.engine.attach_stream(crew.side)
        try:
            self._after([network])
            crew.start_side()
        except BaseException:
            sock.close()
            raise
        self._session = self._open_session(sock)

    def _bring_up(
        self, service: DockerService, before_creation: list[Future[None]], before_launch: list[Future[None]]
    ) -> None:
        self._after(before_creation)
        service.create()
        self._after(before_launch)
        for name in service.spec.awaits:
            self._await_end(self._services[name])
        service.launch()
        self._await_ready(service, service.spec.ready_seconds, self._abort)

    def _after(self, needed: list[Future[None]]) -> None:
        left = set(needed)
        while left:
            done, left_over = wait({*left, self._abort}, return_when=FIRST_COMPLETED)
            if self._abort in done or any(future.exception() for future in done if future is not self._abort):
                raise _AbandonedError
            left = left_over - {self._abort}

    def wait_ready(self, *names: str, seconds: float | None = None) -> float:
        """See `base.Stack`."""
        began = time.monotonic()
        chosen = (
            [self._service(name) for name in names] if names else [*self._services.values(), *self._replicas.values()]
        )
        with ThreadPoolExecutor(max_workers=max(1, len(chosen))) as pool:
            limits = [service.spec.ready_seconds if seconds is None else seconds for service in chosen]
            tasks = [pool.submit(self._await_ready, *each, self._abort) for each in zip(chosen, limits, strict=True)]
            wait(tasks)
        self._raise_first(tasks)
        return time.monotonic() - began

    def _await_end(self, service: DockerService) -> None:
        """Until a service that does one thing has done it."""
        signs: set[Future[Any]] = {service.end, self._abort}
        done, _ = wait(signs, timeout=ONE_THING_SECONDS, return_when=FIRST_COMPLETED)
        if self._abort in done:
            raise _AbandonedError
        if service.end not in done:
            raise StartFailedError(
                "start.not-finished",
                f"service {service.name} did not end within {ONE_THING_SECONDS:.0f} s, and another waits for that",
                hint="depend on it with `service_started` if it is to go on running",
                said=service.logs(limit=SAID),
            )
        if not _did_its_work(service):
            raise self._failure(service)

    def _await_ready(self, service: DockerService, seconds: float, abort: Future[None]) -> None:
        """Until the service is ready or has ended, whichever is first."""
        if _did_its_work(service):
            return
        if service.ended:
            raise self._failure(service)
        if not service.spec.ready:
            return
        asked = self.session.submit("wait", seconds=seconds, url=self._url(service))
        signs: set[Future[Any]] = {asked, service.end, abort}
        done, _ = wait(signs, timeout=seconds + ANSWER_GRACE, return_when=FIRST_COMPLETED)
        if service.end in done:
            raise self._failure(service)
        if asked not in done:
            raise _AbandonedError if abort in done else EngineError("the side container did not answer in time")
        try:
            asked.result()
        except SessionError as error:
            if error.kind == "timeout":
                raise self._failure(service, last=error.message.rpartition("attempts: ")[2], seconds=seconds) from error
            raise EngineError(f"the side container cannot look at {service.name}: {error}") from error

    def _url(self, service: DockerService) -> str:
        """The readiness URL; by address where several containers answer to the name."""
        url = service.spec.ready
        alone = not any(each.spec.name == service.spec.name for each in self._replicas.values())
        if alone or urlsplit(url).hostname != service.spec.name:
            return url
        return url.replace(f"//{service.spec.name}", f"//{service.address}", 1)

    def _failure(self, service: DockerService, *, last: str = "", seconds: float = 0.0) -> Exception:
        crew, container = self._crew, service.container_id
        exit_code = service.end.result().exit_code if service.ended else None
        said = service.logs(limit=SAID)
        found = blame(
            Trouble(
                Stage.READY,
                service=service.name,
                # A service of ours that ran, and does not come back from a restart, was made unfit by those who use it.
                candidate=service.spec.candidate or (service.disturbed and exit_code not in {None, KILLED}),
                exit_code=exit_code,
                oom=self._oom(container),
                layer=container in crew.heavy,
                engine_alive=not self._side_ended,
                said=said,
                last=last,
                port=urlsplit(service.spec.ready).port or 0,
                memory_mb=service.spec.limits.memory_mb,
                seconds=seconds,
            )
        )
        if found.owner == "grader":
            last_words = f", saying: {said.strip()[-400:]}" if said.strip() else ""
            return EngineError(f"{found.message} ({found.rule}){last_words}")
        return StartFailedError(found.rule, found.message, hint=found.hint, said=said)

    @property
    def _side_ended(self) -> bool:
        """Whether the side container ended, or nobody can tell any more; the services die with it."""
        return self._side_end is not None and self._side_end.done()

    def _oom(self, container: str) -> bool:
        """Whether the kernel killed the service, or a child of it, for its memory."""
        try:
            about = self._crew.engine.ask("GET", f"/containers/{container}/json")
        except RefusalError:
            return False
        return bool(about["State"]["OOMKilled"]) or self._crew.watch.out_of_memory(container)

    def replica(self, name: str) -> Service:
        """See `base.Stack`."""
        first = self._service(name)
        if self._crew.network is None:
            raise EngineError("a stack without a network has no room for a replica")
        number = 2
        while f"{name}-{number}" in self._replicas:
            number += 1
        service = DockerService(self._crew, f"{name}-{number}", first.spec)
        self._replicas[service.name] = service
        service.create()
        service.launch()
        return service

    def remove(self, service: Service) -> None:
        """See `base.Stack`."""
        found = self._replicas.pop(service.name, None)
        if found is None:
            raise KeyError(f"{service.name} is no replica of this stack")
        found.remove()

    def restore(self) -> None:
        """See `base.Stack`."""
        for replica in list(self._replicas.values()):
            self.remove(replica)
        touched = [
            service
            for service in self._services.values()
            if (service.disturbed or service.ended) and not _did_its_work(service)
        ]
        for service in touched:
            if service.spec != service.original:
                service.recreate(**_fields(service.original))
            elif service.ended:
                service.start()
        if touched:
            self.wait_ready()
        for service in touched:
            service.disturbed = False

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
        spec = command_spec(self._workspace(workspace), command, environment or {}, working_dir)
        return self._commands.run(spec, seconds=seconds, limit=limit)

    def files(self, workspace: str) -> VolumeFiles:
        """See `base.Stack`."""
        spec = self._workspace(workspace)
        held = self._crew.held(spec.work_volume)
        uid, _, gid = self._crew.numbered_user(spec).partition(":")
        return HeldFiles(self.session, held, int(uid), int(gid))

    def _workspace(self, name: str) -> ServiceSpec:
        for spec in self.spec.workspaces:
            if spec.name == name:
                return spec
        names = ", ".join(spec.name for spec in self.spec.workspaces)
        raise KeyError(f"no workspace {name}; there are {names or 'none'}")

    def keep(self) -> str:
        """See `base.Stack`."""
        try:
            self.session.call("detach")
        except SessionError as error:
            raise EngineError(f"the stack cannot be kept: {error}") from error
        self._closed = True
        self.session.close()
        lines = [
            f"docker exec -it {service.container_id[:12]} sh   # {name}" for name, service in self._services.items()
        ]
        lines += [self._commands.shell(spec) for spec in self.spec.workspaces]
        lines.append(f"docker exec -it {self._crew.side[:12]} sh   # the grader's side container, on the same network")
        return "\n".join(lines)

    def close(self) -> None:
        """See `base.Stack`."""
        if self._closed:
            return
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._crew.close()

    def _service(self, name: str) -> DockerService:
        found = self._services.get(name) or self._replicas.get(name)
        if found is None:
            raise KeyError(f"no service {name}; there are {', '.join([*self._services, *self._replicas])}")
        return found


def _did_its_work(service: DockerService) -> bool:
    """Whether a service that may end has ended well."""
    return service.spec.may_end and service.ended and service.end.result().exit_code == 0


def _fields(spec: ServiceSpec) -> dict[str, Any]:
    return {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
