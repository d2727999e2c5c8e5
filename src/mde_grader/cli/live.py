"""The live display of an attempt: what runs, with its time ticking, and the checks as they end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live as Region
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mde_grader.clean import clean_line
from mde_grader.cli.marks import MARKS, PHASES, phase_of, title_of
from mde_grader.model import Outcome, Progress, ProgressKind, Status

STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.SKIPPED: "yellow", Status.ERRORED: "magenta"}
SHOWN = 3
"""Passed checks that are seen at a time; the others pass by."""
TICKS = 10
"""Drawings a second."""
PHASE_COLUMNS = max(map(len, PHASES.values()))


class Live:
    """Draws below the lines that stay. Failures and ended phases stay; passed checks only with `verbose`.

    Texts are always `rich.text.Text`, so that nothing in them is taken for markup.

    Args:
        stream: The terminal.
        verbose: Keep every check's line, and notes.
        hidden: Requirements whose checks' titles are not for the candidate.
        clock: Seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        verbose: bool = False,
        hidden: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._verbose = verbose
        self._hidden = hidden
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, Spinner]] = {}
        self._counts: Counter[Status] = Counter()
        self._latest: list[Outcome] = []
        self._region = Region(
            console=self.console,
            get_renderable=self.drawing,
            refresh_per_second=TICKS,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._region.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._lock:
            self._running.clear()
            self._latest.clear()
            self._counts.clear()
        self._region.stop()

    def __call__(self, event: Progress) -> None:
        """Take in one event."""
        line = self._taken(event)
        if line is not None:
            self.console.print(line, soft_wrap=False)

    def _taken(self, event: Progress) -> Text | None:
        with self._lock:
            if event.kind is ProgressKind.PHASE_STARTED:
                self._running[event.text] = (self._clock(), Spinner("dots", style="cyan"))
            elif event.kind is ProgressKind.PHASE_ENDED:
                self._running.pop(event.text, None)
                return self._ended(event)
            elif event.outcome is not None:
                return self._checked(event.outcome)
            else:
                return Text(f"  {clean_line(event.text)}", style="dim")
        return None

    def _ended(self, event: Progress) -> Text:
        name = phase_of(event.text)
        return Text.assemble(("  ✔ ", "green"), name.ljust(PHASE_COLUMNS), (f" {_seconds(event.seconds)}", "dim"))

    def _checked(self, outcome: Outcome) -> Text | None:
        self._counts[outcome.status] += 1
        if outcome.status is Status.PASSED and not self._verbose:
            self._latest = [*self._latest, outcome][-SHOWN:]
            return None
        return self._line(outcome)

    def _line(self, outcome: Outcome) -> Text:
        text = Text.assemble(
            "    ", (MARKS[outcome.status], STYLES[outcome.status]), " ", title_of(outcome, self._hidden)
        )
        text.truncate(max(self.console.width - 1, 10), overflow="ellipsis")
        return text

    def drawing(self) -> Group:
        """What moves: the running phases, the latest passed checks, and how many there were."""
        with self._lock:
            latest = [self._line(outcome) for outcome in self._latest]
            running = [self._phase(name, began, spinner) for name, (began, spinner) in self._running.items()]
            return Group(*latest, *running, *self._tally())

    def _phase(self, name: str, began: float, spinner: Spinner) -> Table:
        row = Table.grid(padding=(0, 1))
        label = Text(phase_of(name).ljust(PHASE_COLUMNS))
        row.add_row(Text(" "), spinner, label, Text(_seconds(self._clock() - began), style="cyan"))
        return row

    def _tally(self) -> list[Text]:
        if not self._counts and not self._running:
            return []
        parts = [(f"{MARKS[status]} {count}  ", STYLES[status]) for status, count in self._counts.items()]
        return [Text.assemble("    ", *parts, (_seconds(self._clock() - self._began), "dim"))]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
