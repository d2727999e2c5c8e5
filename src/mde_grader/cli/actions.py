"""In GitHub Actions: the Markdown goes to the step's summary, and what failed becomes annotations."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from mde_grader.cli.terminal import note
from mde_grader.model import Scorecard
from mde_grader.reporters import FORMATS, github

LARGEST = 1_000_000
"""Bytes of a step summary; GitHub refuses more than 1 MiB a step."""


def fenced(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text; in Actions in a fence, so that no line of it is taken for a command.

    Args:
        text: What is about to be printed.
        environment: Environment variables; the process's own when None.
    """
    env = os.environ if environment is None else environment
    return github.stopped(text, token=secrets.token_hex(16)) if env.get("GITHUB_ACTIONS") == "true" else text


def report_to_actions(
    card: Scorecard, environment: Mapping[str, str] | None = None, *, submission: Path | None = None
) -> None:
    """Tell GitHub about a scorecard; does nothing elsewhere, and never ends a grading.

    Annotations go to stderr: the runner reads both streams, and stdout may be somebody's JSON.

    Args:
        card: What to tell.
        environment: Environment variables; the process's own when None.
        submission: Where the submission is, so that annotations land on its files.
    """
    env = os.environ if environment is None else environment
    if env.get("GITHUB_ACTIONS") != "true":
        return
    summary = env.get("GITHUB_STEP_SUMMARY")
    if summary:
        _append(Path(summary), FORMATS["markdown"].render(card))
    root = in_repository(submission, env.get("GITHUB_WORKSPACE", "")) if submission else ""
    note(github.render(card, token=secrets.token_hex(16), root=root).rstrip())


def in_repository(folder: Path, workspace: str) -> str:
    """The folder as annotations name it, from the repository's root; empty when it is none or is not in there."""
    place = folder.resolve()
    if not workspace or not place.is_dir() or not place.is_relative_to(Path(workspace).resolve()):
        return ""
    return place.relative_to(Path(workspace).resolve()).as_posix()


def _append(path: Path, text: str) -> None:
    data = text.encode()
    if len(data) > LARGEST:
        data = data[:LARGEST].decode(errors="ignore").encode() + b"\n\n*(cut: too long for a step summary)*\n"
    try:
        with path.open("ab") as stream:
            stream.write(data.rstrip(b"\n") + b"\n")
    except OSError as error:
        note(f"mde-grade: the step summary could not be written: {error.strerror}")
