"""What all tests share: how hard hypothesis tries, and which files are no tests of ours.

Hypothesis tries a little at each run, and a lot when MDE_HYPOTHESIS=thorough asks for it.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

from hypothesis import HealthCheck, settings

from tests.side_by_side import SHARE, is_others

settings.register_profile(
    "quick",
    max_examples=20,
    deadline=None,  # machines are busy; tests that promise a time measure it themselves
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    max_examples=1000,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("MDE_HYPOTHESIS", "quick"))

collect_ignore_glob = ["*/labs", "hostile/cases"]
"""Labs and submissions that tests work with: their `test_*.py` are a lab's checks, not ours."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave to the other processes what is their share of the files."""
    share = os.environ.get(SHARE)
    return True if share and collection_path.suffix == ".py" and is_others(collection_path.name, share) else None


gc.disable()  # while tests are collected, nearly all that is made stays


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through thousands of collected tests again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # modules that tests import later on stay as well
    gc.enable()
