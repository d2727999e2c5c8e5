""".dockerignore: the patterns that count, in order, within caps that keep matching quick."""

from __future__ import annotations

import re

from mde_grader.runtimes.policy.folder import Folder, inside
from mde_grader.runtimes.policy.rules import refuse, shown

MAX_PATTERNS = 500
MAX_LENGTH = 512
_MAX_WILDCARDS = 3
_MAX_ANY_DEPTH = 4


def read_ignore(folder: Folder, context: str, dockerfile: str) -> tuple[str, ...]:
    """Patterns for a build: those of `<Dockerfile>.dockerignore` when there is one, else of the context's.

    Raises:
        SubmissionRefusedError: Too many patterns, or one that would take long to match.
    """
    own = f"{dockerfile}.dockerignore"
    for name in (own, inside(context, ".dockerignore", where=dockerfile)):
        if folder.is_file(name):
            return patterns(folder.text(name), name)
    return ()


def patterns(text: str, file: str) -> tuple[str, ...]:
    """The patterns in a text, comments and blank lines left out.

    Raises:
        SubmissionRefusedError: As `read_ignore`.
    """
    found: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        _check(pattern, f"{file}:{number}")
        found.append(pattern)
    if len(found) > MAX_PATTERNS:
        raise refuse("dockerfile.ignore", f"more than {MAX_PATTERNS} patterns", where=file, hint="use fewer")
    return tuple(found)


def _check(pattern: str, where: str) -> None:
    parts = pattern.split("/")
    crowded = any(len(re.findall(r"\*+", part)) > _MAX_WILDCARDS for part in parts)
    deep = sum("**" in part for part in parts) > _MAX_ANY_DEPTH
    if len(pattern) > MAX_LENGTH or crowded or deep:
        raise refuse(
            "dockerfile.ignore",
            f"the pattern {shown(pattern)} is longer or has more wildcards than is read here",
            where=where,
            hint=f"at most {_MAX_WILDCARDS} `*` between two slashes and {_MAX_ANY_DEPTH} `**` in all",
        )
