"""What each verb does to a tenant."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from graders.images.serving.journal import now
from graders.images.serving.words import Refused, plain
from graders.images.target import databases, processes
from graders.images.target.archives import PACKED
from graders.images.target.commands import LEASE, Command, Unclear, command_of
from graders.images.target.front import Fronts
from graders.images.target.http1 import MalformedError
from graders.images.target.releases import Kept
from graders.images.target.slots import Run
from graders.images.target.tenants import Tenant

DRAIN = 10.0
"""Seconds that requests under way have to end before a slot is stopped."""
SHOWN = 300
OK = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What a verb answers: its exit code, and what it says on standard output and on standard error."""

    code: int = 0
    out: str = ""
    err: str = ""


@dataclass
class Call:
    """One verb that is under way.

    Attributes:
        tenant: Whose.
        given: What comes on standard input.
        here: Whether the caller still waits.
        release: The release that it is about, once that is known.
    """

    tenant: Tenant
    given: BinaryIO
    here: Callable[[], bool] = lambda: True
    release: Kept | None = None


@dataclass(frozen=True)
class Verbs:
    """Carries verbs out, and writes each down.

    Attributes:
        fronts: Which ask releases for their health.
        start: Starts a release's processes.
        migrate: Runs a migration.
    """

    fronts: Fronts
    start: Callable[..., processes.Pair] = processes.start
    migrate: Callable[..., None] = databases.migrate
    _verbs: dict[str, Callable[..., str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = ("upload", "migrate", "migrated", "start", "stop", "health", "switch", "status", "lock", "unlock")
        self._verbs.update({name: getattr(self, f"_{name}_verb") for name in names})

    def run(self, call: Call, text: str) -> Done:
        """Carry out what a pipeline asks for, and write it down."""
        began = now()
        command, done = Command(text[:40].partition(" ")[0]), Done()
        try:
            command = command_of(text)
            done = Done(0, self.carry_out(call, command))
        except Unclear as error:
            done = Done(2, err=error.message)
        except Refused as error:
            done = Done(1, err=error.message)
        except Exception:  # noqa: BLE001 - whoever asks is told; the reason goes to the container's log
            traceback.print_exc(file=sys.stderr)
            done = Done(1, err="the target made a mistake; try again, and tell whoever runs the lab")
        finally:
            call.tenant.journal.add(_entry(call, command, began, done))
        return done

    def carry_out(self, call: Call, command: Command) -> str:
        """Carry a command out; what it prints.

        Raises:
            Refused: It cannot be done.
        """
        if call.tenant.gone:
            raise Refused("this tenant was removed; nothing can be done any more")
        return self._verbs[command.verb](call, *command.arguments)

    def _upload_verb(self, call: Call, name: str) -> str:
        data = call.given.read(PACKED + 1)
        if not data:
            raise Refused(f"no archive came on standard input; write: ssh ... upload {name} < release.tar.gz")
        call.release = call.tenant.releases.keep(name, data)
        return f"{name} is here, sha256 {call.release.sha256}\n"

    def _migrate_verb(self, call: Call, name: str, file: str) -> str:
        call.release = call.tenant.releases.get(name)
        text = call.tenant.releases.migration(name, file)
        self.migrate(call.tenant.users["migrations"], call.tenant.database.url, file, text)
        call.tenant.migrated.append(file)
        return f"{file} ran\n"

    def _migrated_verb(self, call: Call) -> str:
        return "".join(f"{file}\n" for file in call.tenant.migrated)

    def _start_verb(self, call: Call, slot: str, name: str) -> str:
        tenant = call.tenant
        call.release = tenant.releases.get(name)
        with tenant.slots.changing[slot]:
            self._end(tenant, slot)
            if tenant.gone:
                raise Refused("this tenant was removed; nothing can be done any more")
            ports, user = processes.free_ports(), tenant.users[slot]
            pair = self.start(user, tenant.releases.path(name), tenant.database.url, ports)
            tenant.slots.runs[slot] = Run(call.release, slot, ports[1], pair)
        return f"{name} starts in {slot}\n"

    def _stop_verb(self, call: Call, slot: str) -> str:
        with call.tenant.slots.changing[slot]:
            run = call.tenant.slots.of(slot)
            call.release = run.release
            self._end(call.tenant, slot)
        return f"{slot} is stopped\n"

    def _end(self, tenant: Tenant, slot: str) -> None:
        run = tenant.slots.runs[slot]
        if run is not None:
            run.drain(DRAIN if run.processes.alive() else 0)
            run.processes.end()
            tenant.slots.runs[slot] = None

    def _health_verb(self, call: Call, slot: str) -> str:
        run = call.tenant.slots.of(slot)
        call.release = run.release
        try:
            said = self.fronts.ask(run.port, "/health")
        except (OSError, MalformedError, TimeoutError) as error:
            raise Refused(f"{slot} does not answer ({_why(error)}){_told(run)}; wait, or stop it") from None
        if said.head.status != OK:
            body = plain(said.body[:SHOWN], SHOWN)
            raise Refused(f"{slot} answers /health with {said.head.status}: {body}{_told(run)}; wait, or stop it")
        return f"{run.release.name} in {slot} is healthy\n"

    def _switch_verb(self, call: Call, slot: str) -> str:
        call.release = call.tenant.slots.switch(slot).release
        return f"{slot} is live with {call.release.name}\n"

    def _status_verb(self, call: Call) -> str:
        state = call.tenant.state()
        shown = {name: state[name] for name in ("live", "slots", "releases", "lock")}
        return f"{json.dumps(shown, indent=1)}\n"

    def _lock_verb(self, call: Call, holder: str, seconds: str = str(LEASE)) -> str:
        call.tenant.lease.take(holder, int(seconds), call.here)
        return f"{holder} holds the lock for {seconds} s\n"

    def _unlock_verb(self, call: Call, holder: str) -> str:
        call.tenant.lease.give(holder)
        return "the lock is free\n"


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "not within 3 s"
    return str(error) if isinstance(error, MalformedError) else "nobody listens"


def _told(run: Run) -> str:
    """How the processes are, when one has ended, and what was said last."""
    facts: dict[str, Any] = run.processes.facts()
    ended = [f"{name} ended with {each['exit']}" for name, each in facts["processes"].items() if not each["running"]]
    said = " | ".join(str(facts["said"]).split(" | ")[-2:])[-SHOWN:]
    return "".join(f", {part}" for part in (*ended, f"said: {said}" if said else "") if part)


def _entry(call: Call, command: Command, began: float, done: Done) -> dict[str, Any]:
    kept = call.release
    release = {
        "release": kept.name if kept else "",
        "sha256": kept.sha256 if kept else "",
        "version": kept.version if kept else "",
    }
    times = {"began": began, "ended": now()}
    said = (done.err or done.out)[:SHOWN] if command.verb != "status" else ""
    return {**times, "verb": command.verb, "arguments": command.arguments, **release, "exit": done.code, "said": said}
