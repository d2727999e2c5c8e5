"""Takes the order, clones, runs the dialect's runner, and ends with its verdict."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import commands, processes
from .events import gitlab_variables, make_variables, push_event
from .folding import Log
from .masking import mask_for
from .orders import VARIABLE, Order, OrderError, read
from .readers import ActReader, GitlabReader, PlainReader
from .repositories import ContentError, Repository, RepositoryError
from .workflows import with_shell

GREEN, RED, BAD_ORDER, NO_REPOSITORY, REFUSED, NOTHING_TO_RUN = range(6)

_NO_TARGET = re.compile(r"make: \*\*\* No rule to make target 'pipeline'.*")
_ACTION = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?[/\"].*(?:lookup|dial|fetch)")
_OWN_FILES = (".gitlab-ci-local.yml", ".gitlab-ci-local-env", ".gitlab-ci-local-variables.yml")

Reader = ActReader | GitlabReader | PlainReader


class PipelineError(Exception):
    """What ends a run before a job: exit code and one line."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Run:
    """One run.

    Args:
        order: What is asked for.
        folder: Where everything of it goes.
    """

    def __init__(self, order: Order, folder: Path) -> None:
        self.order = order
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.environment = commands.environment(self.home, os.environ)
        self.repository = Repository(folder / "repository", self.environment)
        self.log = Log(lambda line: print(line, flush=True))
        self.mask = mask_for(order)

    def carry_out(self) -> int:
        """Clone, and run the dialect's runner."""
        self.repository.clone(self.order)
        given = {**self.order.variables, **self._files()}
        code = {"github": self._github, "gitlab": self._gitlab, "make": self._make}[self.order.dialect](given)
        self.log.close()
        return code

    def _files(self) -> dict[str, str]:
        """Variables that name files, which are written."""
        place = self.folder / "files"
        place.mkdir()
        texts = {**self.order.variables, **self.order.secrets}
        for name, source in self.order.files.items():
            path = place / name
            path.touch(mode=0o600)
            # ssh refuses a private key without its last line's end.
            path.write_text(texts[source].rstrip("\n") + "\n", encoding="utf-8")
        return {name: str(place / name) for name in self.order.files}

    def _github(self, given: dict[str, str]) -> int:
        place = self.repository.folder / ".github" / "workflows"
        there = [f".github/workflows/{path.name}" for path in sorted(place.glob("*.y*ml")) if path.is_file()]
        chosen = [path for path in there if self.order.workflows is None or path in self.order.workflows]
        if not chosen:
            raise PipelineError(NOTHING_TO_RUN, "there is no workflow to run in .github/workflows")
        for path in place.glob("*.y*ml"):
            if path.is_file() and not path.is_symlink():
                path.write_bytes(
                    with_shell(path.read_bytes().decode(errors="surrogateescape")).encode(errors="surrogateescape")
                )
        head = self.repository.commit(self.order.after)
        event = push_event(self.order, self.repository.pushed(self.order), head)
        self._write("event.json", json.dumps(event))
        self._write("secrets", commands.dotenv(self.order.secrets))
        self._write("variables", commands.dotenv(given))
        actions = commands.used_actions(self._texts())
        return self._workflows(chosen, actions)

    def _workflows(self, paths: Sequence[str], actions: Sequence[str]) -> int:
        """One after the other; a file that is refused does not keep the others from running, as on the platform."""
        codes, refusals = [], []
        for path in paths:
            try:
                codes.append(self._workflow(path, actions))
            except PipelineError as error:
                refusals.append(error)
                print(f"!! {error}", flush=True)
        if not codes:
            raise min(refusals, key=lambda error: error.code)
        return RED if RED in codes or any(error.code == REFUSED for error in refusals) else GREEN

    def _workflow(self, path: str, actions: Sequence[str]) -> int:
        reader = ActReader(self.log, self.mask, Path(path).name)
        command = commands.act(self.order, self.folder, path, actions)
        # Its own folder, so that act does not take options from an .actrc in the repository.
        code = self._run(reader, command, self.folder)
        if reader.left_out:
            raise PipelineError(REFUSED, f"{path}: {reader.left_out[0]}")
        return self._verdict(reader, code, path)

    def _gitlab(self, given: dict[str, str]) -> int:
        if not (self.repository.folder / ".gitlab-ci.yml").is_file():
            raise PipelineError(NOTHING_TO_RUN, "there is no .gitlab-ci.yml")
        for name in _OWN_FILES:
            if (self.repository.folder / name).exists():
                raise PipelineError(REFUSED, f"{name}: GitLab does not read this file; take it out")
        # CI_PROJECT_PATH and its like come from the address of this remote.
        self.repository.add_remote("gcl-origin", f"http://gitlab.example/{self.order.repository}.git")
        head = self.repository.commit(self.order.after)
        predefined = gitlab_variables(self.order, head)
        command = commands.gitlab(self.order, {**given, **self.order.secrets}, predefined)
        reader = GitlabReader(self.log, self.mask)
        if not self.repository.has(self.order.before):
            command.append("--no-evaluate-rule-changes")
        more = {"MDE_BEFORE": self.order.before, "MDE_LEFT_OUT": json.dumps(self.order.left_out)}
        return self._verdict(reader, self._run(reader, command, self.repository.folder, more), ".gitlab-ci.yml")

    def _make(self, given: dict[str, str]) -> int:
        more = {**given, **self.order.secrets, **make_variables(self.order)}
        reader = PlainReader(self.log, self.mask)
        code = self._run(reader, ["make", "pipeline"], self.repository.folder, more)
        if not reader.started and any(map(_NO_TARGET.fullmatch, reader.said)):
            raise PipelineError(NOTHING_TO_RUN, "there is no Makefile with a target `pipeline`")
        self.log.finish("pipeline", "failure" if code else "success")
        return RED if code else GREEN

    def _run(self, reader: Reader, command: Sequence[str], folder: Path, more: dict[str, str] | None = None) -> int:
        environment = {**self.environment, **(more or {})}
        tick: Callable[[float], None] = self.log.tick
        return processes.run(command, folder=folder, environment=environment, line=reader.line, tick=tick)

    def _verdict(self, reader: Reader, code: int, path: str) -> int:
        # A runner that was killed is one that ran, whatever of its words got here.
        if reader.started or code >= processes.SIGNALLED:
            return RED if code else GREEN
        if code == 0:
            raise PipelineError(NOTHING_TO_RUN, f"{path}: no job runs for this event")
        raise PipelineError(REFUSED, f"{path}: {_reason(reader.said)}")

    def _texts(self) -> list[str]:
        """Workflows and local actions, where other actions may be named."""
        found = [*self.repository.folder.glob(".github/**/*.y*ml"), *self.repository.folder.rglob("action.y*ml")]
        return [path.read_text(encoding="utf-8", errors="replace") for path in found if path.is_file()]

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def _reason(said: Sequence[str]) -> str:
    """The line that tells most of why a runner did not begin."""
    lines = [line.strip() for line in said if line.strip() and " finished in " not in line]
    for line in lines:
        if action := _ACTION.search(line):
            return f"the action {action[1]} is not here, and nothing is fetched"
    told = [line for line in lines if re.match(r"(Error|[A-Za-z]*Error:|This GitLab CI|.*invalid)", line)]
    return (told or lines or ["the runner does not say why"])[0].removeprefix("Error: ")


def main() -> int:
    """Carry out the order in the environment."""
    processes.shut()
    began = time.monotonic()
    folder = Path(tempfile.gettempdir()) / "pipeline"
    folder.mkdir(mode=0o700)
    try:
        run = Run(read(os.environ.pop(VARIABLE, "")), folder)
        code = run.carry_out()
    except OrderError as error:
        return _end(BAD_ORDER, str(error))
    except RepositoryError as error:
        return _end(NO_REPOSITORY, str(error))
    except ContentError as error:
        return _end(REFUSED, str(error))
    except PipelineError as error:
        run.log.close()
        return _end(error.code, str(error))
    except OSError as error:
        return _end(REFUSED, f"something in the repository cannot be worked with: {error}")
    print(f"{'red' if code else 'green'} after {time.monotonic() - began:.1f} s", flush=True)
    return code


def _end(code: int, message: str) -> int:
    print(message, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
