"""Reads the files of a submission that its configuration is made of."""

from __future__ import annotations

from pathlib import Path

from graders.terraform.sources import split

FILE_LIMIT = 1 << 20
"""Bytes of one file: a configuration is text that people wrote."""

TOTAL_LIMIT = 8 << 20
"""Bytes of all files."""


def configuration(root: Path) -> dict[str, bytes]:
    """The files of a submission that go into a workspace, path to content; links are not followed.

    Files of values stay out, too: the grader gives the values, and theirs would come before it.
    Files beyond the limits are left out, so that no submission fills the workspace.
    """
    files = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if _regular(file)}
    found: dict[str, bytes] = {}
    left = TOTAL_LIMIT
    for name in split(files)[0]:
        size = files[name].stat().st_size
        if not name.endswith((".tfvars", ".tfvars.json")) and size <= min(FILE_LIMIT, left):
            found[name] = files[name].read_bytes()
            left -= size
    return found


def _regular(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()
