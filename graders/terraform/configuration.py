"""Reads the files of a submission that its configuration is made of."""

from __future__ import annotations

from pathlib import Path

from graders.terraform.sources import split
from mde_grader.checking import expect

FILE_LIMIT = 1 << 20
"""Bytes of one file: a configuration is text that people wrote."""

CODE = (".tf", ".tf.json", ".tofu", ".tofu.json")
"""Ends of the names of files with code."""

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


def whole_configuration(root: Path) -> dict[str, bytes]:
    """The same, where all code is within the limits.

    Raises:
        CheckFailedError: Some is not, and would be left out.
    """
    found = configuration(root)
    names = (file.relative_to(root).as_posix() for file in root.rglob("*") if _regular(file))
    large = [name for name in split(names)[0] if name.endswith(CODE) and name not in found]
    expect(
        not large,
        expected=f"no file of code beyond {FILE_LIMIT >> 20} MiB, and {TOTAL_LIMIT >> 20} MiB of all files",
        seen=f"too large: {', '.join(large[:3])}",
        look="find . -name '*.tf*' -size +1M",
    )
    return found


def _regular(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()
