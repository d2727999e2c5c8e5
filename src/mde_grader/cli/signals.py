"""What ^C, TERM and HUP do: the first stops politely, the second says so, the third leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 3
"""The signal that ends the program without clearing up; what it leaves is removed by the next start."""
INTERRUPTED = 130


class Stopper:
    """Counts the signals. A signal during the clearing up must not break the clearing up."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle one signal.

        Raises:
            KeyboardInterrupt: At the first one.
        """
        self.seen += 1
        if self.seen == 1:
            raise KeyboardInterrupt
        if self.seen < PATIENCE:
            with contextlib.suppress(OSError):  # os.write: a handler may run in the middle of a print
                os.write(2, b"\nmde-grade: clearing up; once more to leave at once\n")
            return
        os._exit(INTERRUPTED)


@contextlib.contextmanager
def stop_politely() -> Iterator[Stopper]:
    """Let the first stopping signal raise `KeyboardInterrupt` in the main thread, and put the old handlers back."""
    stopper = Stopper()
    if threading.current_thread() is not threading.main_thread():
        yield stopper
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup and background jobs of a shell mean it
            signal.signal(number, stopper)
    try:
        yield stopper
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
