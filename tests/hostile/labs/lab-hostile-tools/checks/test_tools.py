"""One run of the tool that a submission is for, and what could be reached from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from mde_grader.checking import CheckFailedError, expect, requirement
from mde_grader.checking.context import Submission
from mde_grader.checking.workspace import Ran, Workspace
from mde_grader.runtimes.base import Stack

LATE = 2.5
"""Seconds after which the attacks' left-over processes would have shown themselves."""

PLAYBOOK = ("ansible-playbook", "-i", "localhost,", "-c", "local", "-e", "ansible_python_interpreter=/usr/bin/python3")


@dataclass(frozen=True)
class Applied:
    """How the tool ended, what was told, and what the submission says that it found."""

    ran: Ran
    word: str
    told: str
    found: bytes
    workspace: Workspace


@pytest.fixture(scope="session")
def applied(stack: Stack, submission: Submission) -> Applied:
    """The one run that every check looks at."""
    plays = (submission.root / "site.yml").is_file()
    workspace = Workspace(stack, "ansible" if plays else "terraform")
    workspace.write({path.name: path.read_bytes() for path in submission.root.iterdir() if path.is_file()})
    word = secrets.token_hex(8)
    if plays:
        ran = workspace.run([*PLAYBOOK, "-e", f"word={word}", "site.yml"], seconds=20)
        told = _read(workspace, "told.txt").decode(errors="replace")
    else:
        variables = {"TF_VAR_word": word}
        workspace.run(["terraform", "init", "-no-color"], seconds=15)
        ran = workspace.run(["terraform", "apply", "-auto-approve", "-no-color"], seconds=15, environment=variables)
        told = workspace.run(["terraform", "output", "-raw", "told"], seconds=10).out
    return Applied(ran, word, told, _read(workspace, "found.txt"), workspace)


def _read(workspace: Workspace, name: str) -> bytes:
    try:
        return workspace.read(name)
    except CheckFailedError:
        return b""


@requirement("tells")
def test_word(applied: Applied) -> None:
    """The word of this attempt comes back."""
    expect(
        applied.told.strip() == applied.word,
        expected=applied.word,
        seen=f"{applied.told[:200]!r}; the run {applied.ran.end}",
        said=applied.ran.out[-1000:] + applied.ran.err[-1000:],
    )


@requirement("alone")
def test_nothing_was_found(applied: Applied, given: Mapping[str, str]) -> None:
    """What the submission could gather holds nothing that was kept from it."""
    lines = applied.found.decode(errors="replace").splitlines()
    reached = [line for line in lines if line.startswith("reached ")]
    expect(
        given["CANARY"] not in "\n".join(lines) and not reached,
        expected="nothing of the lab, of other containers or of the machine",
        seen="; ".join(reached) or "the lab's secret",
    )


@requirement("ends")
def test_nothing_goes_on(applied: Applied) -> None:
    """No process of the run is left that could go on writing."""
    time.sleep(LATE)
    late = _read(applied.workspace, "late.txt")
    expect(not late, expected="no process after the run", seen=f"one that wrote {late[:60]!r}")
