"""Real gradings through the command line, each in a process of its own, with a state folder of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest

import mde_grader

SOURCE = Path(mde_grader.__file__).parents[1]
LABS = Path(__file__).parent / "labs"
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
{more}COPY index.html /srv/page/index.html
USER 1000
STOPSIGNAL SIGINT
CMD ["python3", "-m", "http.server", "8080", "--directory", "/srv/page"]
"""


@dataclass
class Grader:
    """Starts `mde-grade` and looks at what it left on the engine."""

    place: Path
    client: docker.DockerClient
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def submission(self, name: str, *, page: str = "hello", more: str = "", slow: bool = False) -> Path:
        """A submission that serves a page."""
        folder = self.place / name
        folder.mkdir()
        (folder / "index.html").write_text(page)
        (folder / "Dockerfile").write_text(DOCKERFILE.format(more=more))
        if slow:
            (folder / "slow").write_text("")
        return folder

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start one command."""
        env = {key: value for key, value in os.environ.items() if key not in {"GITHUB_ACTIONS", "CI"}}
        env |= {"PYTHONPATH": str(SOURCE), "XDG_STATE_HOME": str(self.place / "state"), **environment}
        process = subprocess.Popen(
            [sys.executable, "-m", "mde_grader", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=self.place,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Run one command; exit code, stdout, stderr."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def grade(self, folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Grade one submission against the page lab."""
        return self.run("lab-page", str(folder), "--labs", str(LABS), *arguments, **environment)

    def left_by(self, process: subprocess.Popen[str]) -> list[str]:
        """Names of what a grader's process owns on the engine, by its labels."""
        return [thing for thing, labels in self.labelled() if f":{process.pid}:" in labels.get("mde-grade.owner", "")]

    def labelled(self) -> list[tuple[str, dict[str, str]]]:
        """Everything on the engine that has an owner, with its labels."""
        api, wanted = self.client.api, {"label": "mde-grade.owner"}
        rows: list[dict[str, Any]] = [*api.containers(all=True, filters=wanted), *api.networks(filters=wanted)]
        rows += api.volumes(filters=wanted)["Volumes"] or []
        return [(str(row.get("Names") or row.get("Name")), row.get("Labels") or {}) for row in rows]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The images that the page lab needs, made anew where their files have changed."""
    client = docker.from_env()
    code, _, err = Grader(tmp_path_factory.mktemp("images"), client).run(
        "images", "build", "--lab", "lab-page", "--labs", str(LABS)
    )
    assert code == 0, err
    client.close()


@pytest.fixture
def grader(tmp_path: Path, images: None) -> Iterator[Grader]:
    """A grader; processes that still run are ended."""
    client = docker.from_env()
    made = Grader(tmp_path, client)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=30)
    client.close()


def until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def scorecard(text: str) -> dict[str, Any]:
    """A scorecard as plain data."""
    data: dict[str, Any] = json.loads(text)
    return data
