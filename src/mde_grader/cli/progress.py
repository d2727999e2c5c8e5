"""Tells on stderr what an attempt is doing: live on a terminal, plain lines elsewhere, nothing when asked for quiet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, TextIO

from mde_grader.clean import clean_line
from mde_grader.cli.marks import MARKS, phase_of, title_of
from mde_grader.cli.terminal import note, speaks_unicode
from mde_grader.model import Progress, ProgressKind, Status

PLAIN_MARKS = {Status.PASSED: "ok", Status.FAILED: "FAIL", Status.SKIPPED: "skip", Status.ERRORED: "ERROR"}

LOUD = 2
"""Verbosity at which our own log is on the screen, so that nothing may move there."""


class Watcher(AbstractContextManager["Watcher"], Protocol):
    """Is told what happens while it is entered; called from one thread at a time."""

    def __call__(self, event: Progress) -> None:
        """Tell one event."""
        ...


class Quiet:
    """Tells nothing."""

    def __call__(self, event: Progress) -> None:
        """Forget the event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Lines:
    """One line for each thing that ends, with the time since the start in front.

    Args:
        say: Writes one line.
        unicode: Whether ticks can be written.
        verbose: Also tell what begins, and notes.
        hidden: Requirements whose checks' titles are not for the candidate.
        clock: Seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None] = note,
        *,
        unicode: bool = False,
        verbose: bool = False,
        hidden: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._marks = MARKS if unicode else PLAIN_MARKS
        self._verbose = verbose
        self._hidden = hidden
        self._clock = clock
        self._began = clock()

    def __call__(self, event: Progress) -> None:
        """Write the event's line, if it has one."""
        text = self._text(event)
        if text:
            self._say(f"[{self._clock() - self._began:6.1f}s] {text}")

    def _text(self, event: Progress) -> str:
        if event.kind is ProgressKind.PHASE_ENDED:
            return f"{phase_of(event.text)}: done in {event.seconds:.1f} s"
        if event.kind is ProgressKind.CHECK_ENDED and event.outcome:
            return f"{self._marks[event.outcome.status]} {title_of(event.outcome, self._hidden)}"
        if event.kind is ProgressKind.PHASE_STARTED:
            return f"{phase_of(event.text)}: started" if self._verbose else ""
        return clean_line(event.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None


def watcher(*, quiet: bool, verbose: int, hidden: Collection[str] = (), stream: TextIO | None = None) -> Watcher:
    """The watcher that fits the screen and the user's wish.

    Args:
        quiet: Tell nothing.
        verbose: How often -v was given.
        hidden: Requirements whose checks' titles are kept from the candidate.
        stream: Where to tell it; stderr when None.
    """
    target = sys.stderr if stream is None else stream
    if quiet:
        return Quiet()
    unicode = speaks_unicode(target)
    if can_move(target) and verbose < LOUD and unicode:
        from mde_grader.cli.live import Live  # noqa: PLC0415 - rich takes 50 ms, and only a terminal needs it

        return Live(target, verbose=bool(verbose), hidden=hidden)
    return Lines(unicode=unicode, verbose=bool(verbose), hidden=hidden)


def can_move(stream: TextIO) -> bool:
    """Whether lines can be drawn again in place: a terminal, and no dumb one or a CI's log."""
    return stream.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"} and not os.environ.get("CI")
