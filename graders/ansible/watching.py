"""What happens on several hosts while a playbook runs: which programs start, and who is not there to answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from graders.ansible.machines import Machine, Process
from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.probe import Pending, Probe, Response
from mde_grader.runtimes.inspector.session import SessionError

INTERVAL = 0.15
"""Seconds between two looks; a supervisor waits a second before it starts again what ended at once."""


@dataclass(frozen=True, slots=True)
class Look:
    """One host at one moment.

    Attributes:
        processes: The program's processes.
        ready: Whether it said that it is ready; None when it did not say, which a busy machine may be the reason for.
    """

    processes: frozenset[Process]
    ready: bool | None


Looks = Sequence[Mapping[str, Look]]
"""All hosts at one moment after another, by name."""


def starts(looks: Looks, name: str) -> int:
    """How often the program was started on a host after the first look."""
    seen = [look[name].processes for look in looks]
    return len(frozenset().union(*seen) - seen[0]) if seen else 0


def away(looks: Looks, names: Iterable[str]) -> tuple[str, ...]:
    """The most hosts that were not ready in one and the same look."""
    chosen = tuple(names)
    missing = [tuple(name for name in chosen if look[name].ready is False) for look in looks]
    return max(missing, key=len, default=())


class Watch:
    """Looks at hosts again and again, from `with` to its end.

    Args:
        machines: The hosts by name.
        program: The word by which the program's processes are known.
        probe: Asks them whether they are ready.
        ready: Address to ask, by host; the others are not asked.
    """

    def __init__(self, machines: Mapping[str, Machine], program: str, probe: Probe, ready: Mapping[str, str]) -> None:
        self._machines = machines
        self._program = program
        self._probe = probe
        self._ready = ready
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go, name="mde-watch", daemon=True)
        self.looks: list[Mapping[str, Look]] = []

    def __enter__(self) -> Self:
        self.looks.append(self._look())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        if kind is None:
            self.looks.append(self._look())

    def _go(self) -> None:
        while not self._end.wait(INTERVAL):
            try:
                self.looks.append(self._look())
            except (SessionError, CheckFailedError):
                return  # the stack or a host is gone, and what comes next says so

    def _look(self) -> dict[str, Look]:
        asked = {name: self._probe.start("GET", url, seconds=1.0) for name, url in self._ready.items()}
        running = {name: machine.running(self._program) for name, machine in self._machines.items()}
        answers = {name: _answer(pending) for name, pending in asked.items()}
        return {name: Look(processes, answers.get(name)) for name, processes in running.items()}


def _answer(pending: Pending[Response]) -> bool | None:
    try:
        return pending.result().status == 200  # noqa: PLR2004
    except AssertionError as error:
        cause = error.__cause__
        return None if isinstance(cause, SessionError) and cause.kind == "timeout" else False
