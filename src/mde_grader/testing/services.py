"""One container of the fake engine."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any
from urllib.parse import urlsplit

from mde_grader.errors import EngineError, StartFailedError
from mde_grader.runtimes.base import ServiceSpec, ServiceState, Stopped
from mde_grader.runtimes.failures import KILLED, REFUSED, Stage, Trouble, blame
from mde_grader.testing.programs import FakePlace, FakeProgram


class FakeService:
    """See `base.Service`."""

    def __init__(self, place: FakePlace, name: str, spec: ServiceSpec) -> None:
        self._place = place
        self.original = spec
        self.disturbed = False
        self.running = False
        self.exit_code: int | None = None
        self.oom = False
        self._name = name
        self._spec = spec
        self._starts = 0
        self._new()

    def _new(self) -> None:
        number = next(self._place.numbers)
        self._id = hashlib.sha256(str(number).encode()).hexdigest()
        self._address = f"10.213.{number // 250 % 250}.{number % 250 + 1}"
        self._starts = 0

    @property
    def name(self) -> str:
        """See `base.Service`."""
        return self._name

    @property
    def spec(self) -> ServiceSpec:
        """See `base.Service`."""
        return self._spec

    @property
    def program(self) -> FakeProgram:
        """What it does."""
        return self._place.programs[self._spec.image]

    @property
    def container_id(self) -> str:
        """See `base.Service`."""
        return self._id

    @property
    def address(self) -> str:
        """See `base.Service`."""
        return self._address if self._place.network else "127.0.0.1"

    def state(self) -> ServiceState:
        """See `base.Service`."""
        limits = self._spec.limits
        return ServiceState(
            running=self.running,
            exit_code=self.exit_code,
            oom_killed=self.oom,
            started_at="2026-01-01T00:00:00Z",
            restarts=max(0, self._starts - 1),
            user=self._spec.user or "",
            read_only=self._spec.read_only,
            capabilities=self._spec.capabilities,
            limits={
                "memory_mb": limits.memory_mb,
                "memory_swap_mb": limits.memory_mb,
                "cpus": limits.cpus,
                "pids": limits.pids,
                "nofile": limits.nofile,
                "file_mb": limits.file_mb,
                "no_new_privileges": True,
                "privileged": False,
            },
        )

    def logs(self, *, limit: int = 262_144) -> str:
        """See `base.Service`."""
        return (self.program.said * max(1, self._starts))[-limit:]

    def read(self, path: str, *, limit: int = 1_048_576) -> bytes:
        """See `base.Service`."""
        files = {**self.program.files, **self._spec.files}
        if path in files:
            if len(files[path]) > limit:
                raise ValueError(f"{path} has {len(files[path])} bytes, more than the {limit} that are read")
            return files[path]
        if any(name.startswith(path.rstrip("/") + "/") for name in files):
            raise ValueError(f"{path} is not a regular file")
        raise FileNotFoundError(path)

    def volumes(self) -> dict[str, bytes]:
        """Files on the one volume that it mounts, kept as long as the stack; no other number of volumes is played."""
        if len(self._spec.mounts) != 1:
            return {}
        return self._place.volumes.setdefault(self._spec.mounts[0].volume, {})

    def stop(self, *, signal: str | None = None, seconds: float | None = None) -> Stopped:
        """See `base.Service`."""
        self.disturbed = True
        if not self.running:
            return Stopped(0.0, self.exit_code or 0, killed=False)
        grace = self._spec.stop_seconds if seconds is None else seconds
        killed = signal != "SIGKILL" and (self.program.ignores_stop or self.program.stop_seconds > grace)
        code = KILLED if killed or signal == "SIGKILL" else self.program.stop_code
        self._end(code)
        return Stopped(grace if killed else self.program.stop_seconds, code, killed)

    def kill(self) -> None:
        """See `base.Service`."""
        self.disturbed = True
        if self.running:
            self._end(KILLED)

    def start(self) -> None:
        """See `base.Service`."""
        self.disturbed = True
        if not self.running:
            self.launch()

    def recreate(self, **changes: Any) -> None:  # noqa: ANN401
        """See `base.Service`."""
        self.disturbed = True
        self._spec = dataclasses.replace(self._spec, **changes)
        self._new()
        self.launch()

    def launch(self) -> None:
        """Start without marking it as disturbed."""
        self._starts += 1
        self.running, self.exit_code, self.oom = True, None, False
        self.program.started(self.volumes())
        if self.program.memory_mb > self._spec.limits.memory_mb:
            self.oom = True
            self._end(KILLED)
        elif self.program.exit_code is not None:
            self._end(self.program.exit_code)

    def check_ready(self, seconds: float) -> None:
        """Raise what a wait for readiness would."""
        after = self.program.ready_after
        late = bool(self._spec.ready) and (after is None or after > seconds)
        if self.running and not late:
            return
        trouble = Trouble(
            Stage.READY,
            service=self._name,
            candidate=self._spec.candidate,
            exit_code=self.exit_code,
            oom=self.oom,
            said=self.logs(),
            last=REFUSED,
            port=urlsplit(self._spec.ready).port or 0,
            memory_mb=self._spec.limits.memory_mb,
            seconds=seconds,
        )
        found = blame(trouble)
        if found.owner == "grader":
            raise EngineError(f"{found.message} ({found.rule})")
        raise StartFailedError(found.rule, found.message, hint=found.hint, said=self.logs())

    def _end(self, code: int) -> None:
        self.running, self.exit_code = False, code
