"""The log of a run: our own log records and the progress, kept in its folder as `log.txt`."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from mde_grader.clean import clean_line
from mde_grader.model import Progress
from mde_grader.runs import write_atomically

LONGEST = 20_000
"""Lines that are kept; a log must not become what fills the disk."""
LOG = "log.txt"


class Journal(AbstractContextManager["Journal"]):
    """Collects lines from the moment it is entered; they are written when the run folder is known.

    Args:
        loud: Show our own log records on stderr, too.
    """

    def __init__(self, *, loud: bool = False) -> None:
        self._loud = loud
        self._began = time.monotonic()
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._handler = _Handler(self.add)
        self._screen = logging.StreamHandler(sys.stderr)
        self._logger = logging.getLogger("mde_grader")

    def __enter__(self) -> Self:
        self._level = self._logger.level
        self._logger.setLevel(logging.DEBUG)
        self._logger.addHandler(self._handler)
        if self._loud:
            self._logger.addHandler(self._screen)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.removeHandler(self._screen)
        self._logger.setLevel(self._level)

    def add(self, text: str) -> None:
        """Take in one line."""
        with self._lock:
            if len(self._lines) < LONGEST:
                self._lines.append(f"{time.monotonic() - self._began:9.3f} {text}")

    def listening(self, watch: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """A listener that takes in each event and hands it on."""

        def listen(event: Progress) -> None:
            status = f" {event.outcome.status}" if event.outcome else ""
            self.add(f"{event.kind}{status} {clean_line(event.text)} {event.seconds:.3f}")
            watch(event)

        return listen

    def keep(self, folder: Path) -> Path:
        """Write what was collected into a run folder."""
        with self._lock:
            return write_atomically(folder / LOG, "\n".join(self._lines) + "\n")


class _Handler(logging.Handler):
    def __init__(self, add: Callable[[str], None]) -> None:
        super().__init__()
        self._add = add

    def emit(self, record: logging.LogRecord) -> None:
        self._add(f"{record.levelname.lower()} {record.name}: {clean_line(self.format(record))}")
