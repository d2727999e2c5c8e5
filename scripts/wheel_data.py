"""Puts the labs and the graders into the wheel, and leaves their solutions out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "mde_grader/_data"
FOLDERS = ("labs", "graders")
LEFT_OUT = frozenset({"solutions", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
"""Names of folders that never go in: what would be worth points to a candidate, and what tools leave lying about."""


def carried(root: Path) -> Iterator[Path]:
    """Files that the wheel carries, relative to the checkout.

    Yields:
        Regular files in a stable order; a link would carry something from elsewhere, so none is followed.
    """
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            inner = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and LEFT_OUT.isdisjoint(inner.parts):
                yield inner


class WheelData(BuildHookInterface[Any]):
    """The hook that hatchling calls; an editable install reads the checkout itself and needs none of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add each file under the package's `_data`."""
        if version != "editable":
            root = Path(self.root)
            build_data["force_include"].update({str(root / path): f"{TARGET}/{path}" for path in carried(root)})
