"""The repository that a pipeline runs in: cloned whole, at the pushed commit, with git's own programs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .orders import Order

MOST_COMMITS = 2048
"""Commits that GitHub lists in a push event at the most, by its documentation of the event."""

_FULL = "No space left on device"
_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%T%x00%B"


class RepositoryError(Exception):
    """It cannot be cloned, or has no such commit."""


class ContentError(Exception):
    """What is in the repository cannot be laid out here: too much, or names that no file system takes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, with the files that it changed."""

    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str
    tree: str
    message: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()


class Repository:
    """The driver's clone.

    Args:
        folder: Where it is.
        environment: Environment for git.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = dict(environment)

    def clone(self, order: Order) -> None:
        """Clone everything and check out what was pushed, a branch by its name and a tag's commit detached.

        Raises:
            RepositoryError: It does not answer, or has no such commit; with git's words.
            ContentError: It does, and there is no room for it, or no place.
        """
        self._git("clone", "--quiet", "--no-checkout", "--", order.clone, str(self.folder), at=self.folder.parent)
        if not self.has(order.after):
            raise RepositoryError(f"the repository has no commit {order.after}")
        self._git("config", "user.name", order.actor)
        self._git("config", "user.email", f"{order.actor}@example.com")
        self._git("remote", "set-head", "origin", order.default_branch, check=False)
        where = ["-B", order.branch] if order.branch else ["--detach"]
        try:
            self._git("checkout", "--quiet", *where, order.after, "--")
        except RepositoryError as error:
            raise ContentError(str(error)) from error
        if order.branch:
            self._git("branch", "--quiet", f"--set-upstream-to=origin/{order.branch}", check=False)

    def add_remote(self, name: str, address: str) -> None:
        """Give it another remote."""
        self._git("remote", "add", name, address)

    def has(self, sha: str) -> bool:
        """Whether a commit is there."""
        return bool(self._git("rev-parse", "--quiet", "--verify", f"{sha}^{{commit}}", check=False))

    def commit(self, sha: str) -> Commit:
        """One commit."""
        parts = self._git("show", "--no-patch", f"--format={_FIELDS}", sha, "--").split("\0")
        changed = self._git("diff-tree", "--root", "--no-commit-id", "--name-status", "--no-renames", "-r", "-z", sha)
        words = changed.split("\0")
        files: dict[str, list[str]] = {"A": [], "D": [], "M": []}
        for kind, path in zip(words[::2], words[1::2], strict=False):
            files[kind if kind in files else "M"].append(path)
        return Commit(
            sha=parts[0],
            parents=tuple(parts[1].split()),
            author=parts[2],
            email=parts[3],
            date=parts[4],
            tree=parts[5],
            message=parts[6].strip("\n"),
            added=tuple(files["A"]),
            removed=tuple(files["D"]),
            modified=tuple(files["M"]),
        )

    def pushed(self, order: Order) -> list[Commit]:
        """The commits of a push, oldest first; of a new ref those that the default branch has not."""
        since = f"refs/remotes/origin/{order.default_branch}" if order.is_new else order.before
        apart = [f"^{since}"] if self.has(since) and not order.tag else []
        listed = self._git("rev-list", f"--max-count={MOST_COMMITS}", "--reverse", order.after, *apart, "--").split()
        return [self.commit(sha) for sha in (listed[-MOST_COMMITS:] if apart else [order.after])]

    def _git(self, *words: str, at: Path | None = None, check: bool = True) -> str:
        command = ["git", "-c", "safe.directory=*", *words]
        done = subprocess.run(
            command,
            cwd=at or self.folder,
            env=self._environment,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode and check:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            told = next(
                (line for line in said if line.startswith(("fatal:", "error:"))), f"exit code {done.returncode}"
            )
            full = any(_FULL in line for line in said)
            raise (ContentError if full else RepositoryError)(f"git {words[0]} failed: {_FULL if full else told}")
        return "" if done.returncode else done.stdout.decode(errors="replace")
