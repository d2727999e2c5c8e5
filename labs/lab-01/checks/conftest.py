"""What the checks of lab-01 share: the pushes of one attempt, and which of them a check asks for."""

from __future__ import annotations

import secrets
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import pytest

from graders.pipelines.cases import Ground
from graders.pipelines.chronicle import Chronicle, misfit, whole
from graders.pipelines.pipelines import read
from graders.pipelines.refusals import insist_supported
from graders.pipelines.season import Season
from mde_grader.checking import expect
from mde_grader.checking.context import Submission
from mde_grader.checking.probe import Probe
from mde_grader.checking.workspace import Workspace

Variant = Mapping[str, str | int]

STEPS = {
    "again": ("second",),
    "no-gap": ("second",),
    "migrations": ("second",),
    "unit-gate": ("unit",),
    "integration-gate": ("integration",),
    "lint-gate": ("lint",),
    "secret-gate": ("tip", "history"),
    "unhealthy": ("unhealthy",),
    "recovers": ("unhealthy", "recovered"),
    "docs-only": ("second", "documents"),
    "branch": ("feature", "broken_feature"),
    "tag": ("second", "tagged"),
    "reproducible": ("second", "anew"),
    "one-artifact": (),
    "concurrent": ("two",),
    "retries": ("flaky",),
    "quiet": ("second", "unit", "flaky"),
}
"""Steps that the checks of a requirement ask for, beyond the first commit."""


def _tree(root: Path) -> tuple[dict[str, bytes], frozenset[str]]:
    """The regular files below a folder, and which of them are programs."""
    found = {path: path.lstat() for path in sorted(root.rglob("*"))}
    files = {path: status for path, status in found.items() if stat.S_ISREG(status.st_mode)}
    programs = frozenset(str(path.relative_to(root)) for path, status in files.items() if status.st_mode & stat.S_IXUSR)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}, programs


@pytest.fixture(scope="session")
def season(  # noqa: PLR0913, PLR0917 - a fixture asks for what it needs
    request: pytest.FixtureRequest,
    submission: Submission,
    starter: Path,
    dialect: str,
    variant: Variant,
    given: Mapping[str, str],
    probe: Probe,
    workspace: Workspace,
) -> Iterator[Season]:
    """The pushes, which begin when the first check asks for them."""
    theirs, programs = _tree(submission.root)
    expect(
        not (wrong := misfit(theirs)),
        expected="a submission of a few small files, with names that git takes",
        seen=wrong,
        look="find . -type f -size +100k",
    )
    files = whole(_tree(starter)[0], theirs)
    told = {"STORE_URL": "http://store:4000", "TARGET": "deploy@target"}
    pipeline = read(dialect, files, variables=told, chooses=True)
    insist_supported(pipeline.refusals)
    chance = Random(secrets.randbits(64))  # noqa: S311 - drawn from the machine's own
    chronicle = Chronicle(chance, files, programs, str(variant["prefix"]))
    ground = Ground(
        probe,
        workspace,
        pipeline,
        dialect,
        given["ADMIN_TOKEN"],
        str(variant["branch"]),
        (str(variant["token"]), str(variant["key"])),
        chronicle.first,
        chronicle.files,
    )
    pushes = Season(ground, chronicle, chance, _steps(request.session.items))
    yield pushes
    pushes.close()
    sys.stdout.write("".join(f"{line}\n" for line in pushes.told()))  # goes to the attempt's log of checks


def _steps(checks: Sequence[pytest.Item]) -> set[str]:
    """The steps that the checks of this attempt will ask for: with --only it is few of them."""
    marks = [mark for check in checks for mark in check.iter_markers("requirement")]
    return {step for mark in marks for step in STEPS.get(str(mark.args[0]), ())}
