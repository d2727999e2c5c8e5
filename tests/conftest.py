"""What all tests share: how hard hypothesis tries, and which files are no tests of ours.

Hypothesis tries a little at each run, and a lot when MDE_HYPOTHESIS=thorough asks for it.
"""

from __future__ import annotations

import gc
import os

from hypothesis import HealthCheck, settings

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


gc.disable()  # while tests are collected, nearly all that is made stays


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through thousands of collected tests again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # modules that tests import later on stay as well
    gc.enable()
