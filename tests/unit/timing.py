"""Promises about time that hold on a busy machine too."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

TRACED = 8
"""How much longer code may take while coverage is measured; about 5 was seen for tight loops."""


@contextmanager
def soon(seconds: float) -> Iterator[None]:
    """Insist that a block takes this thread at most so much processor time: who else is at work does not count."""
    began = time.thread_time()
    yield
    spent = time.thread_time() - began
    assert spent < seconds * (TRACED if sys.gettrace() else 1), f"took {spent:.2f} s of {seconds} s"
