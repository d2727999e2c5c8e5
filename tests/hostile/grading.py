"""Lays a case out, and grades it as a candidate would: by the command line, from inside the submission's folder."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.cell import EngineUnderTest
from tests.hostile.oracle import LATE, Case, Traces
from tests.hostile.watching import Observed, watch

HERE = Path(__file__).parent
LABS = HERE / "labs"
CASES = HERE / "cases"
SHARED = CASES / "shared"
"""Files that are in more than one submission."""

FORMATS = "console,json,junit,markdown,html"
DEADLINE = 40.0
"""Of each lab, as their environment.yaml says; a test compares."""


def read_cases() -> list[Case]:
    """Every folder under cases/, by name."""
    folders = sorted(path for path in CASES.iterdir() if (path / "expected.json").is_file())
    return [Case(path.name, path, json.loads((path / "expected.json").read_text())) for path in folders]


def case_named(name: str) -> Case:
    """One case."""
    return next(case for case in read_cases() if case.name == name)


def lay_out(case: Case, target: Path) -> Path:
    """Copy the submission with what it shares, and make what git cannot hold: links, pipes, sockets, strange names."""
    if (case.folder / "submission").is_dir():
        shutil.copytree(case.folder / "submission", target, symlinks=True)
    target.mkdir(exist_ok=True)
    for kind, name, *rest in case.told.get("make", ()):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            place.symlink_to(rest[0])
        elif kind == "fifo":
            os.mkfifo(place)
        elif kind == "file":
            place.write_text(rest[0])
        elif kind == "shared":
            shutil.copy2(SHARED / name, place)
        elif kind == "socket":
            _bind(place)
    return target


def _bind(place: Path) -> None:
    """A socket's path has at most 108 bytes, so it is bound from its folder."""
    before = Path.cwd()
    os.chdir(place.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(before)


@dataclass(frozen=True)
class Desk:
    """A place to grade at: every folder is of this run alone.

    Attributes:
        engine: Which engine.
        folder: Holds the submission, the outputs, the state and the temporary files.
        extra: More variables for the grader.
    """

    engine: EngineUnderTest
    folder: Path
    extra: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The grader's whole environment."""
        for name in ("state", "tmp", "output", "home"):
            (self.folder / name).mkdir(exist_ok=True)
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TMPDIR": str(self.folder / "tmp"),
            "LC_ALL": "C.UTF-8",
            **self.extra,
        }
        return given | ({"DOCKER_HOST": self.engine.address} if self.engine.address else {})

    def command(self, case: Case) -> list[str]:
        """The grader's command line, called from inside the submission."""
        command = [sys.executable, "-I", "-m", "mde_grader", "grade", case.lab, ".", "--labs", str(LABS), "-q"]
        return [*command, "--format", FORMATS, "--output", str(self.folder / "output")]

    def grade(self, case: Case) -> Observed:
        """Lay out and grade, to its end or to well past the promised one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        submission = lay_out(case, self.folder / "submission")
        environment = self.environment()
        return watch(
            self.command(case),
            cwd=submission,
            env=environment,
            seconds=DEADLINE + LATE + 15,
            free=self.engine.free,
            to=self.folder,
        )

    def traces(self, *, disk_after: int, engine: list[str], secrets: tuple[str, ...]) -> Traces:
        """What is left of the run."""
        folder = self.folder
        return Traces(folder / "output", folder / "state", folder / "tmp", disk_after, engine, secrets)
