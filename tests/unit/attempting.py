"""Whole attempts in memory: a lab on disk, a submission, and the fake engine in the place of a real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mde_grader import attempts
from mde_grader.attempts import AttemptRequest, AttemptResult, grade
from mde_grader.engines import Engine
from mde_grader.environments import Environment
from mde_grader.labs import LabFolder
from mde_grader.model import Progress, ProgressKind, Status
from mde_grader.runtimes.base import BuildSpec, BuiltImage
from mde_grader.runtimes.images import Image
from mde_grader.testing import FakeProgram, FakeRuntime, fake_build

LAB = """\
schema: mde-grade/lab/1
id: lab-memory
title: A lab in memory
category: containers
level: foundation
track: core-devops
minutes: 5
pass_mark: 70
requirements:
  - {id: written, title: A Dockerfile is written, points: 40}
  - {id: answers, title: It answers, points: 60}
"""
ENVIRONMENT = """\
services:
  lab-front:
    image: mde-grade/proxy
x-mde:
  kind: dockerfile
  main: web
  bases: [scratch]
  variables: {DB_PASSWORD: secret, SITE_NAME: word}
"""
PARAMETERS = """\
parameters:
  item: {choice: [parcel, loan]}
  web: {choice: [web, desk, counter, front, house, hall]}
  port: {integer: [8001, 8999], practice: 8080}
  token: {secret: 20, practice: practice-token}
"""
"""What makes the lab one with variants."""
CHECKS = '''\
from mde_grader.checking import requirement, expect

@requirement("written")
def test_it_is_written(submission):
    """There is a Dockerfile."""
    expect((submission.root / "Dockerfile").is_file(), expected="a Dockerfile", seen="none")

@requirement("answers")
def test_it_answers(probe):
    """The page answers."""
    expect(probe.get("http://web:8080/").status == 200, expected="a page", seen="none")
'''
DOCKERFILE = 'FROM scratch\nCOPY app /app\nCMD ["/app"]\n'
HEAD = "from mde_grader.checking import requirement, expect\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def image(name: str) -> Image:
    return Image(name, f"mde-grade/{name}:0123456789ab", "sha256:" + "1" * 64, 1, "stand-in", "", "r", "s", 0)


@dataclass
class Bench:
    """One lab, one submission, one engine.

    Attributes:
        place: Folder of everything.
        program: What the submission's container does.
        build: Builds in the place of `fake_build`.
        heard: What the listener was told.
    """

    place: Path
    program: FakeProgram = field(default_factory=FakeProgram)
    build: Callable[[BuildSpec], BuiltImage] = fake_build
    heard: list[Progress] = field(default_factory=list)
    builds: int = 0
    connected: int = 0
    refuse: BaseException | None = None

    def __post_init__(self) -> None:
        self.runtime = FakeRuntime({image("proxy").tag: FakeProgram()}, build=self._build)
        self.lab("lab-memory", {"lab.yaml": LAB, "environment.yaml": ENVIRONMENT, "checks/test_it.py": CHECKS})
        self.submit({"Dockerfile": DOCKERFILE, "app": "x"})

    def lab(self, name: str, files: Mapping[str, str]) -> LabFolder:
        return LabFolder(write(self.place / "labs" / name, files))

    def checks(self, body: str) -> None:
        """Replace the lab's checks."""
        self.lab("lab-memory", {"checks/test_it.py": HEAD + body})

    def submit(self, files: Mapping[str, str]) -> None:
        write(self.place / "submission", files)

    @property
    def runs(self) -> list[Path]:
        return list((self.place / "runs").glob("*"))

    @property
    def left(self) -> list[str]:
        """What an attempt left behind besides its run folder."""
        work = [str(path) for path in (self.place / "state" / "mde-grade" / "work").glob("*")]
        return [*work, *map(str, self.runtime.engine.stacks), *self.runtime.engine.images]

    def grade(self, **changes: Any) -> AttemptResult:
        lab = LabFolder(self.place / "labs" / "lab-memory")
        request = AttemptRequest(lab, self.place / "submission", run_dir=self.place / "runs")
        return grade(replace(request, **changes), self.heard.append)

    def notes(self) -> list[str]:
        return [progress.text for progress in self.heard if progress.kind is ProgressKind.NOTE]

    def connect(self, environment: Environment) -> Engine:
        self.connected += 1
        if self.refuse is not None:
            raise self.refuse
        images = {name: image(name) for name in ("side", "proxy")}
        return Engine(self.runtime, self.runtime.info(), images, {"scratch": "scratch"}, {"scratch": "empty"})

    def _build(self, spec: BuildSpec) -> BuiltImage:
        self.builds += 1
        made = self.build(spec)
        self.runtime.engine.programs[made.id] = self.program
        return made


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Bench(tmp_path)
    monkeypatch.setattr(attempts, "connect", made.connect)
    return made


def statuses(result: AttemptResult) -> dict[str, Status]:
    return {row.requirement.id: row.status for row in result.card.results}
