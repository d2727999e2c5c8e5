"""Which of a lab's dialects a submission is written in: the one that is asked for, or the only one that it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mde_grader.errors import UsageError
from mde_grader.model import Dialect, Lab
from mde_grader.runtimes.policy.rules import refuse

READ = 256 * 1024
"""Bytes of a file that are looked at for a dialect's line."""


def insist_on_dialect(lab: Lab, wanted: str | None) -> None:
    """Go on when nothing is asked for, or a dialect that the lab has.

    Raises:
        UsageError: The lab has no such dialect, or none at all.
    """
    if wanted is None or wanted in {dialect.id for dialect in lab.dialects}:
        return
    if not lab.dialects:
        raise UsageError(f"{lab.id} has no dialects", hint="leave --dialect out")
    raise UsageError(f"{lab.id} has no dialect “{wanted}”", hint=f"there are: {_names(lab.dialects)}")


def held(lab: Lab, root: Path) -> tuple[Dialect, ...]:
    """The dialects of which a staged submission has files, in the lab's order."""
    return tuple(dialect for dialect in lab.dialects if any(_is_of(dialect, path) for path in _files(dialect, root)))


def choose(lab: Lab, root: Path, wanted: str | None) -> Dialect | None:
    """The dialect that a submission is graded in; None for a lab without any.

    Args:
        lab: The lab.
        root: The staged submission.
        wanted: What was asked for, one of the lab's; None for whatever is there.

    Raises:
        SubmissionRefusedError: It has no file of the dialect that was asked for, or of any.
        UsageError: It has files of several, and none was asked for: nobody's zero, but a question.
    """
    if not lab.dialects:
        return None
    found = held(lab, root)
    asked = [dialect for dialect in lab.dialects if dialect.id == wanted]
    fitting = [dialect for dialect in found if dialect in asked or not asked]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(
            f"the submission holds more than one dialect: {_names(found)}",
            hint=f"say which is to be graded: `--dialect {found[0].id}`",
        )
    instead = f"; it holds {_names(found)}, which `--dialect {found[0].id}` grades" if found else ""
    wanting = asked or lab.dialects
    raise refuse(
        "submission.dialect",
        f"the submission holds nothing of {' or '.join(dialect.title for dialect in wanting)}{instead}",
        hint=f"hand in {'; or '.join(_asks(dialect) for dialect in wanting)}",
    )


def _files(dialect: Dialect, root: Path) -> Iterable[Path]:
    return (path for pattern in dialect.files for path in sorted(root.glob(pattern)) if path.is_file())


def _is_of(dialect: Dialect, path: Path) -> bool:
    if not dialect.line:
        return True
    with path.open("rb") as stream:
        text = stream.read(READ).decode(errors="replace")
    return re.search(f"^(?:{dialect.line})", text, re.MULTILINE) is not None


def _asks(dialect: Dialect) -> str:
    line = re.sub(r"\\[sbw][*+?]?", "", dialect.line)  # a pattern, told as somebody would type it
    return f"{' or '.join(dialect.files)}{f' with a line “{line}”' if line else ''} ({dialect.title})"


def _names(dialects: Iterable[Dialect]) -> str:
    return ", ".join(dialect.id for dialect in dialects)
