"""The two places where a tenant's releases run, and which of them is live; pure but for its locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from graders.images.serving.words import Refused
from graders.images.target.commands import SLOTS
from graders.images.target.releases import Kept

STEP = 0.02


class Running(Protocol):
    """The processes of a release."""

    def alive(self) -> bool:
        """Whether both run."""
        ...

    def facts(self) -> dict[str, Any]:
        """What there is to tell of them."""
        ...

    def end(self) -> None:
        """End them."""
        ...


@dataclass
class Run:
    """A release in a slot.

    Attributes:
        release: Which.
        slot: Where.
        port: Where its web listens.
        processes: Its processes.
        busy: Requests of the front that are under way.
        closing: No new one is passed to it.
    """

    release: Kept
    slot: str
    port: int
    processes: Running
    busy: int = 0
    closing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> bool:
        """Begin a request; false when it is too late for that."""
        with self._lock:
            if self.closing:
                return False
            self.busy += 1
            return True

    def leave(self) -> None:
        """End one."""
        with self._lock:
            self.busy -= 1

    def close(self) -> None:
        """Take no more requests."""
        with self._lock:
            self.closing = True

    def drain(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
        """Take no more requests and wait for those under way; whether they have ended."""
        self.close()
        deadline = clock() + seconds
        while self.busy and clock() < deadline:
            time.sleep(STEP)
        return not self.busy

    def facts(self) -> dict[str, object]:
        """What there is to tell of it."""
        release = {"release": self.release.name, "sha256": self.release.sha256, "version": self.release.version}
        return {**release, "running": self.processes.alive(), **self.processes.facts()}


@dataclass
class Slots:
    """What runs where.

    Attributes:
        live: The slot that the front goes to; empty at first.
        runs: What each slot runs.
        changing: Held by who starts or stops something in a slot.
    """

    live: str = ""
    runs: dict[str, Run | None] = field(default_factory=lambda: dict.fromkeys(SLOTS))
    changing: dict[str, threading.Lock] = field(default_factory=lambda: {slot: threading.Lock() for slot in SLOTS})

    def of(self, slot: str) -> Run:
        """What a slot runs, or ran until it ended by itself.

        Raises:
            Refused: Nothing.
        """
        run = self.runs[slot]
        if run is None:
            raise Refused(f"{slot} runs nothing; start a release in it first")
        return run

    def switch(self, slot: str) -> Run:
        """Let the front go to a slot from now on.

        Raises:
            Refused: Nothing runs there.
        """
        run = self.of(slot)
        if not run.processes.alive():
            raise Refused(f"{run.release.name} in {slot} has ended; see health {slot}, and start it again")
        self.live = slot
        return run

    def entered(self) -> Run | None:
        """What the next request goes to, begun; None when the live slot runs nothing."""
        for _ in SLOTS:
            run = self.runs.get(self.live)
            if run is not None and run.enter():
                return run
        return None

    def facts(self) -> dict[str, object]:
        """What there is to tell of both."""
        return {"live": self.live, "slots": {slot: run and run.facts() for slot, run in self.runs.items()}}
