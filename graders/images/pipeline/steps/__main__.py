"""`step NAME`: what one action does. A mistake in a workflow is one line, and the step is red."""

from __future__ import annotations

import sys
from collections.abc import Callable

from . import artifacts, caches, checkout, versions
from .inputs import StepError, notice

STEPS: dict[str, Callable[[], None]] = {
    "checkout": checkout.main,
    "upload-artifact": artifacts.upload,
    "download-artifact": artifacts.download,
    "cache-restore": caches.restore,
    "cache-save": caches.save,
    "setup-python": versions.python,
    "setup-node": versions.node,
}


def main(words: list[str]) -> int:
    """Do it."""
    try:
        STEPS[words[0]]()
    except StepError as error:
        notice("error", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
