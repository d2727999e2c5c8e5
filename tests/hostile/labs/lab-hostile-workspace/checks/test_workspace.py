"""What a script of the candidate's can reach from a workspace, and what it leaves there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mde_grader.checking import expect, requirement
from mde_grader.checking.context import Submission
from mde_grader.checking.workspace import Ran, Workspace

LIST = "cd /proc; echo [0-9]* ';'; cd /tmp; echo * ';'"
ALONE = "2 processes, in /tmp: *"
"""The container's first process and the shell; the star stands where no name fits it."""


@pytest.fixture(scope="session")
def ran(workspace: Workspace, submission: Submission) -> Ran:
    """The one run of the script."""
    script = submission.root / "run.sh"
    expect(script.is_file(), expected="run.sh at the top of the submission", seen="none")
    workspace.write({"run.sh": script.read_bytes()}, folder="main")
    seen = _around(workspace)
    expect(seen == ALONE, expected=ALONE, seen=seen)
    return workspace.run(["sh", "run.sh"], seconds=12, folder="main")


@requirement("ends")
def test_it_ends(ran: Ran) -> None:
    """The script ends with exit code 0."""
    expect(ran.ok, expected="exit code 0", seen=ran.end, said=f"{ran.out}\n{ran.err}"[-3000:])


@requirement("alone")
def test_nothing_stays(ran: Ran, workspace: Workspace) -> None:
    """A second command sees itself alone."""
    del ran
    seen = _around(workspace)
    expect(seen == ALONE, expected=ALONE, seen=seen)


def _around(workspace: Workspace) -> str:
    """The processes and temporary files that a command sees; the shell lists them itself, without starting anything."""
    processes, files = workspace.run(["sh", "-c", LIST], seconds=5, folder="main").out.split(";")[:2]
    return f"{len(processes.split())} processes, in /tmp: {files.strip()}"


@requirement("report")
def test_report(ran: Ran, workspace: Workspace, given: Mapping[str, str]) -> None:
    """The report is a file that holds the word."""
    del ran
    report = workspace.read("report.txt", folder="main", limit=4096)
    expect(given["TOKEN"].encode() in report, expected="the word", seen=report.decode(errors="replace")[:300])


@requirement("secret")
def test_secret(ran: Ran, workspace: Workspace, given: Mapping[str, str]) -> None:
    """The secret is in a file, which nobody can bring about."""
    del ran
    told = workspace.read("secret.txt", folder="main", limit=1 << 20)
    expect(given["TOKEN"].encode() not in told, expected="no secret", seen="the secret")
    expect(told == given["TOKEN"].encode(), expected="the secret", seen=told.decode(errors="replace")[:300])
