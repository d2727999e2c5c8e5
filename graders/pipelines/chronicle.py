"""The commits of one attempt at a pipeline lab, drawn from chance: good ones, and ones with a fault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from graders.pipelines import edits, ferry
from graders.pipelines.cases import Commit
from graders.pipelines.edits import Fault, Files
from graders.pipelines.repositories import Author, Change

GIVEN = frozenset({"ferry", "tests", "migrations", "docs", "pyproject.toml", "requirements-dev.txt", "README.md"})
"""What stands at the top of the starter and is ours."""

MOST_FILES, MOST_BYTES, LONGEST = 500, 2 << 20, 200
"""What a submission may bring: files, bytes in all, and bytes of a name; the lab's git server takes somewhat more."""

SINCE = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""When the first commit of anybody's repository was made."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A commit with a migration: the file's name, and the harbour that it brings."""

    commit: Commit
    files: Files
    migration: str
    harbour: str


@dataclass(frozen=True, slots=True)
class Faulty:
    """A commit with a fault, the fault, and the tree that it would have made without."""

    commit: Commit
    fault: Fault
    clean: Files


def given(path: str) -> bool:
    """Whether a file is ours, so that what a candidate made of it counts for nothing."""
    return path.partition("/")[0] in GIVEN


def misfit(files: Files) -> str:
    """Why files cannot be committed here, in words; empty when they can."""
    if len(files) > MOST_FILES:
        return f"{len(files)} files; {MOST_FILES} are the most"
    if (size := sum(map(len, files.values()))) > MOST_BYTES:
        return f"{size} bytes; {MOST_BYTES} are the most"
    for path in files:
        name = path.encode("utf-8", "replace")
        if "?" in name.decode() and "?" not in path:
            return f"a file whose name is no UTF-8: {name.decode()}"
        if any(len(part) > LONGEST or part.lower() == b".git" for part in name.split(b"/")):
            return f"a file that git does not take: {path[:LONGEST]}"
    return ""


def whole(starter: Files, submission: Files) -> dict[str, bytes]:
    """The tree of the first commit: what we gave, and all of the submission that is not in its place."""
    theirs = {path: content for path, content in submission.items() if not given(path)}
    return {**theirs, **{path: content for path, content in starter.items() if given(path)}}


class Chronicle:
    """Draws commits.

    Args:
        chance: What they are drawn from.
        files: The tree of the first commit.
        executable: Programs in it.
        prefix: What live keys of the house begin with.
    """

    def __init__(self, chance: Random, files: Files, executable: frozenset[str], prefix: str) -> None:
        self._chance, self._prefix = chance, prefix
        self.files = files
        self._now = SINCE + timedelta(minutes=chance.randrange(200_000))
        notice = files[edits.NOTICE].decode().split('"')[-2]
        self.first = self._made(Change(files, executable), notice)

    def good(self, files: Files) -> tuple[Commit, Files]:
        """A commit on a tree that changes nothing but the notice, and the tree after it."""
        notice = self._notice()
        change = edits.harmless(files, self._chance, notice=notice)
        return self._made(Change(change), notice), edits.apply(files, change)

    def several(self, files: Files, count: int) -> tuple[list[Commit], Files]:
        """That many good commits, each on top of the one before it, and the tree after the last."""
        made: list[Commit] = []
        for _ in range(count):
            commit, files = self.good(files)
            made.append(commit)
        return made, files

    def migrating(self, files: Files) -> Brought:
        """A good commit with a migration."""
        commit, after = self.good(files)
        name, harbour, change = edits.migration(files, self._chance)
        merged = Change({**commit.change.files, **change})
        return Brought(self._made(merged, commit.notice), edits.apply(after, change), name, harbour)

    def documents(self, files: Files) -> Commit:
        """A commit that changes documents alone."""
        return self._made(Change(edits.documents(files, self._chance)), "")

    def faulty(self, files: Files, draw: ferry.Draw) -> Faulty:
        """A commit with harmless edits and a fault."""
        commit, after = self.good(files)
        fault = draw(after, self._chance)
        merged = Change({**commit.change.files, **fault.change})
        return Faulty(self._made(merged, commit.notice, fault.told), fault, after)

    def unit(self, files: Files) -> Commit:
        """A commit that the unit tests find fault with."""
        return self.faulty(files, ferry.unit_fault).commit

    def integration(self, files: Files) -> Commit:
        """A commit that only the integration tests find fault with."""
        return self.faulty(files, ferry.integration_fault).commit

    def lint(self, files: Files) -> Commit:
        """A commit that only the linter finds fault with."""
        return self.faulty(files, edits.lint_fault).commit

    def unhealthy(self, files: Files) -> Faulty:
        """A commit whose release is never healthy."""
        return self.faulty(files, ferry.unhealthy_fault)

    def leaking(self, files: Files) -> Commit:
        """A commit with a secret."""
        return self.faulty(files, self._leak).commit

    def leaked(self, files: Files) -> list[Commit]:
        """Commits of which the first brings a secret, and the last takes it out again."""
        bad = self.faulty(files, self._leak)
        between, after = self.good(edits.apply(bad.clean, bad.fault.change))
        last = self.mended(bad, after)
        return [bad.commit, between, replace(last, fault=f"{bad.fault.told}, which a later commit takes out again")]

    def mended(self, bad: Faulty, files: Files | None = None) -> Commit:
        """A good commit that undoes a fault, on the tree of the faulty commit or a later one."""
        undo = {path: bad.clean.get(path) for path in bad.fault.change}
        commit, _ = self.good(edits.apply(bad.clean if files is None else files, undo))
        return replace(commit, change=Change({**undo, **commit.change.files}))

    def _leak(self, files: Files, chance: Random) -> Fault:
        return edits.secret_fault(files, chance, prefix=self._prefix)

    def _notice(self) -> str:
        return f"{edits.words(self._chance, 3).capitalize()} {edits.token(self._chance, 6)}."

    def _made(self, change: Change, notice: str, fault: str = "") -> Commit:
        self._now += timedelta(minutes=self._chance.randint(3, 900))
        zone = timezone(timedelta(hours=self._chance.choice((0, 1, 2))))
        name, email = edits.author(self._chance)
        when = self._now.astimezone(zone).isoformat(timespec="seconds")
        return Commit(change, notice, edits.message(self._chance), Author(name, email), when, fault)
