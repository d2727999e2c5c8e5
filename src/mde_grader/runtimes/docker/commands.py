"""Commands of a workspace, each in a container of its own that is killed at its deadline and removed at its end."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.commands import SCRATCH, Ran
from mde_grader.runtimes.docker.client import RefusalError, hang_up, raw_socket
from mde_grader.runtimes.docker.logs import LateError
from mde_grader.runtimes.docker.outputs import FloodError, Outputs
from mde_grader.runtimes.docker.transcripts import HeadTail
from mde_grader.runtimes.docker.watch import OOM_GRACE, End
from mde_grader.runtimes.failures import KILLED

if TYPE_CHECKING:
    from mde_grader.runtimes.docker.crew import Crew

AT_ONCE = 6
"""Commands that run at once in one stack; its network has 13 addresses. The next one waits, its time not yet begun."""

END_SECONDS = 15.0
"""How long a killed command may take to end; 0.1 to 0.3 s were seen, 6 s on a machine under heavy load."""

CHILD_GRACE = 0.05
"""How long news of an out-of-memory kill are waited for where a command ended badly without being killed itself."""


def command_spec(
    workspace: ServiceSpec, command: Sequence[str], environment: Mapping[str, str], working_dir: str | None
) -> ServiceSpec:
    """What one command is run from. It always has /tmp, and HOME is there unless somebody says otherwise."""
    places = [entry.partition(":")[0].rstrip("/") for entry in workspace.tmpfs]
    return replace(
        workspace,
        entrypoint=tuple(command),
        command=(),
        environment={"HOME": SCRATCH, **workspace.environment, **environment},
        working_dir=working_dir or workspace.working_dir or SCRATCH,
        tmpfs=workspace.tmpfs if SCRATCH in places else (*workspace.tmpfs, SCRATCH),
    )


class Commands:
    """Runs commands in one stack.

    Args:
        crew: Makes and removes the stack's containers.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def run(self, spec: ServiceSpec, *, seconds: float, limit: int) -> Ran:
        """Run one command to its end.

        Raises:
            EngineError: It could not be run, or the stack was closed meanwhile.
        """
        with self._slots:
            container = self._crew.create_command(spec)
            try:
                return self._carry_out(container, spec, seconds, Outputs(HeadTail(limit), HeadTail(limit)))
            finally:
                # It has ended: its removal, 0.1 s, keeps nobody waiting.
                threading.Thread(target=self._remove, args=(container,), name="mde-remove", daemon=True).start()

    def _carry_out(self, container: str, spec: ServiceSpec, seconds: float, outputs: Outputs) -> Ran:
        end = self._crew.watch.expect(container)
        stream = self._crew.engine.attachment(container)
        late = flooded = False
        try:
            self._start(container, spec)
            began = time.monotonic()
            outputs.record(raw_socket(stream), until=began + seconds)
        except LateError:
            late = not end.done()
        except FloodError:
            flooded = not end.done()
        finally:
            # An engine whose stream nobody reads cannot end the container (20.10, seen).
            hang_up(stream)
        if late or flooded:
            self._crew.engine.quietly("POST", f"/containers/{container}/kill")
        told = self._wait(end, spec)
        stopped = late or flooded
        oom = not stopped and self._oom(container, told.exit_code)
        if told.exit_code == KILLED and not stopped and not oom and not self._crew.stands:
            raise EngineError(f"the stack was closed, or the engine went away, while a command of {spec.name} ran")
        return Ran(
            exit_code=None if stopped else told.exit_code,
            out=outputs.out.text(),
            err=outputs.err.text(),
            seconds=max(0.0, told.at - began),
            timed_out=late,
            oom=oom,
            flooded=flooded,
            cut=outputs.cut,
        )

    def _start(self, container: str, spec: ServiceSpec) -> None:
        try:
            self._crew.engine.ask("POST", f"/containers/{container}/start")
        except RefusalError as refusal:
            raise EngineError(f"a command of {spec.name} cannot be started: {refusal.message}") from refusal

    def _wait(self, end: Future[End], spec: ServiceSpec) -> End:
        try:
            return end.result(timeout=END_SECONDS)
        except FutureTimeoutError:
            raise EngineError(f"the engine could not end a command of {spec.name} in {END_SECONDS:.0f} s") from None

    def _oom(self, container: str, exit_code: int) -> bool:
        """Whether memory ran out. Where all went well nobody waits for the news."""
        grace = OOM_GRACE if exit_code == KILLED else CHILD_GRACE if exit_code else 0.0
        return self._crew.watch.out_of_memory(container, seconds=grace)

    def _remove(self, container: str) -> None:
        # What is left is taken with the stack.
        with suppress(EngineError):
            self._crew.remove(container)

    def shell(self, spec: ServiceSpec) -> str:
        """The command that opens a shell as a command of the workspace would see the world."""
        mounts = [f"{self._crew.volume(mount.volume).name}:{mount.target}" for mount in spec.mounts]
        words = ["docker", "run", "--rm", "-it", "--read-only", "--tmpfs", SCRATCH]
        words += ["--network", self._crew.network or "none", "--user", self._crew.numbered_user(spec)]
        words += [word for mount in mounts for word in ("-v", mount)]
        words += [word for name, value in spec.environment.items() for word in ("-e", f"{name}={value}")]
        words += ["-w", spec.working_dir or SCRATCH, "--entrypoint", "sh", spec.image]
        return f"{shlex.join(words)}   # {spec.name}"
