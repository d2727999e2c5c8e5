"""One case of a pipeline lab: a repository, a tenant of the target and a place in the store, and pushes to it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graders.pipelines.edits import Files
from graders.pipelines.events import Event, push, tag
from graders.pipelines.outcomes import Crowd, Ended
from graders.pipelines.pipelines import Pipeline
from graders.pipelines.repositories import Author, Change, Repository, repository
from graders.pipelines.runs import Run
from graders.pipelines.stores import Shelf, shelf
from graders.pipelines.targets import Tenant, tenant
from mde_grader.checking import CheckFailedError
from mde_grader.checking.probe import Load, Probe
from mde_grader.checking.workspace import Ran, Workspace

DRIVER = "/opt/mde/pipeline/run"
OURS = frozenset({2, 3})
"""Exit codes of the driver that say that we asked it wrongly, or that our repository failed."""
NEW = "0" * 40
RUN_SECONDS = 150.0
LOG_LIMIT = 1 << 20
_SLICE = 1.5
"""Seconds of one part of a load; the next part begins when it ends."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of ours.

    Attributes:
        change: What it changes.
        notice: What passengers are told from it on.
        message: What it says.
        author: Who made it.
        date: When.
        fault: What is wrong with it, in words; empty when it is good.
    """

    change: Change
    notice: str
    message: str
    author: Author
    date: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """Something that took place in a repository: the event, what its ref was before, and the newest commit."""

    event: Event
    before: str
    commit: Commit


@dataclass(frozen=True)
class Ground:
    """What all cases of an attempt share.

    Attributes:
        probe: A client on the stack's network.
        workspace: Where pipelines run.
        pipeline: The candidate's, read.
        dialect: Which one it is.
        admin: The services' admin token.
        branch: The branch that is released.
        names: What the candidate knows its token and its key by.
        first: The commit that every repository begins with, and whose release is live from the start.
        files: The tree of that commit.
        places: How many pipelines run at once.
    """

    probe: Probe
    workspace: Workspace
    pipeline: Pipeline
    dialect: str
    admin: str
    branch: str
    names: tuple[str, str]
    first: Commit
    files: Files
    places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4))


class Case:
    """One case.

    Args:
        ground: What it shares with others.
        name: What to call it in the services' logs.
    """

    def __init__(self, ground: Ground, name: str) -> None:
        self._ground = ground
        self._number = 0
        self.repository: Repository = repository(ground.probe, ground.admin, branch=ground.branch)
        self.first = self._commit(ground.first, ground.branch, parent=None)
        self.tenant: Tenant = tenant(ground.probe, ground.admin, name, baseline=release_of(ground.files, self.first))
        self.shelf: Shelf = shelf(ground.probe, ground.admin, name)
        self._tips = {ground.branch: self.first}

    @property
    def secrets(self) -> tuple[str, str]:
        """What its pipeline must keep to itself: the store's token, and the target's key."""
        return self.shelf.token, self.tenant.private_key

    def place(self, commits: Sequence[Commit], *, branch: str = "") -> Pushed:
        """Put commits on a branch, a new one when there is none of the name; the pipeline is not run yet."""
        branch = branch or self._ground.branch
        tip = self._tips.get(branch)
        changed: set[str] = set()
        sha = tip or self._tips[self._ground.branch]
        for commit in commits:
            sha = self._commit(commit, branch, parent=sha)
            changed |= set(commit.change.files)
        self._number += 1
        event = push(
            branch,
            changed=sorted(changed),
            message=commits[-1].message,
            sha=sha,
            default_branch=self._ground.branch,
            run=self._number,
        )
        self._tips[branch] = sha
        return Pushed(event, tip or NEW, commits[-1])

    def push(self, *commits: Commit, branch: str = "", watched: bool = False) -> Ended:
        """Push commits, and let the pipeline run to its end.

        Args:
            *commits: From the oldest to the newest.
            branch: Where to; the released one unless it is named.
            watched: Whether people look at the front all the time.
        """
        return self.run(self.place(commits, branch=branch), watched=watched)

    def tag(self, name: str, ended: Ended) -> Ended:
        """Tag the commit of an earlier push, and let the pipeline run."""
        self.repository.tag(name, ended.sha)
        self._number += 1
        event = tag(name, sha=ended.sha, default_branch=self._ground.branch, run=self._number)
        return self.run(Pushed(event, NEW, Commit(Change(), ended.notice, "", Author("", ""), "")))

    def runs(self, pushed: Pushed) -> tuple[Run, ...]:
        """What the pipeline starts for it."""
        return self._ground.pipeline.runs(pushed.event)

    def run(self, pushed: Pushed, *, watched: bool = False, seconds: float = RUN_SECONDS) -> Ended:
        """Let the pipeline run for what took place, and look at what became of it."""
        before = self.tenant.state()
        known = len(self.tenant.log())
        runs = self.runs(pushed)
        ran, crowd = None, Crowd()
        if runs:
            with self._ground.places, self._crowd(wanted=watched) as seen:
                ran = self._drive(pushed, runs, seconds)
            crowd = seen.sum
        return Ended(
            sha=pushed.event.sha,
            notice=pushed.commit.notice,
            fault=pushed.commit.fault,
            secrets=self.secrets,
            files=tuple(run.file for run in runs),
            why_not="" if runs else self._ground.pipeline.why_not(pushed.event),
            ran=ran,
            verbs=tuple(self.tenant.log()[known:]),
            before=before,
            state=self.tenant.state(),
            version=self.front("/version"),
            told=self.front("/notice"),
            page=self.front("/"),
            stored=self.shelf.files(),
            requests=tuple(self.shelf.log()),
            crowd=crowd,
        )

    def contents(self) -> dict[str, bytes | None]:
        """What is in its place in the store; None for a file that is too large to be looked at."""
        found: dict[str, bytes | None] = {}
        for path in self.shelf.files():
            try:
                found[path] = self.shelf.content(path)
            except ValueError:
                found[path] = None
        return found

    def _commit(self, commit: Commit, branch: str, parent: str | None) -> str:
        return self.repository.commit(
            commit.change,
            message=commit.message,
            author=commit.author,
            date=commit.date,
            branch=branch,
            parent=parent,
        )

    def _drive(self, pushed: Pushed, runs: Sequence[Run], seconds: float) -> Ran:
        order = json.dumps(self._order(pushed, runs))
        ran = self._ground.workspace.run(
            [DRIVER], seconds=seconds, environment={"PIPELINE_ORDER": order}, limit=LOG_LIMIT
        )
        if ran.exit_code in OURS:
            raise RuntimeError(f"the driver of pipelines: {ran.err.strip()[-500:]}")
        return ran

    def _order(self, pushed: Pushed, runs: Sequence[Run]) -> dict[str, Any]:
        event = pushed.event
        token, key = self._ground.names
        return {
            "dialect": self._ground.dialect,
            "clone": self.repository.url,
            "ref": event.ref,
            "after": event.sha,
            "before": pushed.before,
            "default_branch": self._ground.branch,
            "repository": "line/ferry",
            "number": event.run,
            **self._chosen(runs),
            "secrets": {token: self.shelf.token, key: self.tenant.private_key},
            "variables": self.variables,
            "files": {f"{key}_FILE": key},
        }

    def _chosen(self, runs: Sequence[Run]) -> dict[str, list[str]]:
        """What of the pipeline the event lets in, as far as the driver asks for it."""
        if self._ground.dialect == "github":
            return {"workflows": [run.file for run in runs]}
        if self._ground.dialect == "gitlab":
            return {"left_out": [job for run in runs for job in run.left_out]}
        return {}

    @property
    def variables(self) -> Mapping[str, str]:
        """What its pipeline is told openly."""
        return {
            "STORE_URL": "http://store:4000",
            "TARGET": self.tenant.login,
            "TARGET_PORT": str(self.tenant.ssh_port),
            "TARGET_HOST_KEY": self.tenant.known_hosts,
            "TEST_DATABASE_URL": self.tenant.test_database_url,
        }

    def front(self, path: str) -> str:
        """What the front answers now, as text; the status where that is no good one."""
        try:
            answer = self._ground.probe.get(f"{self.tenant.front}{path}")
        except CheckFailedError as error:
            return error.evidence.seen
        return answer.text.strip() if answer.status < 400 else f"status {answer.status}"  # noqa: PLR2004

    @contextmanager
    def _crowd(self, *, wanted: bool) -> Iterator[_Watch]:
        """People at the front as long as the context lasts, when they are wanted."""
        watch = _Watch(self._ground.probe, f"{self.tenant.front}/")
        if not wanted:
            yield watch
            return
        thread = threading.Thread(target=watch.go_on, name="crowd", daemon=True)
        thread.start()
        try:
            yield watch
        finally:
            watch.enough.set()
            thread.join()


class _Watch:
    """Asks for one address again and again until it is enough."""

    def __init__(self, probe: Probe, url: str) -> None:
        self._probe, self._url = probe, url
        self.enough = threading.Event()
        self.sum = Crowd()

    def go_on(self) -> None:
        while not self.enough.is_set():
            load = self._probe.start_load(
                self._url, duration=_SLICE, concurrency=2, interval=0.05, count_headers=["X-Version"]
            ).result()
            self.sum += crowd_of(load)


def crowd_of(load: Load) -> Crowd:
    """What a load saw."""
    versions = {name.lower(): counts for name, counts in load.headers.items()}.get("x-version", {})
    return Crowd(load.statuses, load.errors, versions, load.first_error)


def release_of(files: Files, sha: str) -> bytes:
    """A release archive of a tree, as the brief describes it."""
    kept = {path: text for path, text in files.items() if path.startswith(("ferry/", "migrations/"))}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in sorted({**kept, "VERSION": f"{sha}\n".encode()}.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(packed.getvalue(), mtime=0)
