"""Bare repositories in a folder, made and changed by the grader alone."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graders.images.repository.imports import SHA, branch_of, commit_of, person_of, stream
from graders.images.serving.words import Refused, text_of

SECONDS = 30
MOST = 200
"""Repositories in all."""
CONFIG = """\
[core]
	repositoryformatversion = 0
	bare = true
	logAllRefUpdates = false
	fsync = none
[gc]
	auto = 0
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
"""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
}
_IDENTITY = re.compile(r"[0-9a-f]{32}")
TAGGER = "mde-grade"


class Repositories:
    """All of them.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, threading.Lock] = {}

    def make(self, fields: Mapping[str, Any]) -> str:
        """An empty repository; its identity, which nobody can guess.

        Raises:
            Refused: The branch's name is none, or there are too many.
        """
        if len(self._locks) >= MOST:
            raise Refused(f"there are {MOST} repositories; remove some", 409)
        branch = branch_of(fields, "main")
        identity = secrets.token_hex(16)
        path = self._folder / identity
        for part in ("objects", "refs/heads", "refs/tags"):
            (path / part).mkdir(parents=True)
        (path / "config").write_text(CONFIG)
        (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        self._locks[identity] = threading.Lock()
        return identity

    def path(self, identity: str) -> Path:
        """Where a repository is.

        Raises:
            Refused: There is none.
        """
        if not _IDENTITY.fullmatch(identity) or identity not in self._locks:
            raise Refused("there is no such repository; see the address", 404)
        return self._folder / identity

    def remove(self, identity: str) -> None:
        """Remove one.

        Raises:
            Refused: There is none.
        """
        path = self.path(identity)
        with self._locks.pop(identity):
            shutil.rmtree(path, ignore_errors=True)

    def refs(self, identity: str, kind: str) -> dict[str, str]:
        """Branches (`heads`) or `tags`, to the commit that each is at.

        Raises:
            Refused: There is no such repository.
        """
        form = "%(refname:lstrip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        said = self._git(self.path(identity), "for-each-ref", f"--format={form}", f"refs/{kind}")
        return dict(line.split(" ") for line in said.splitlines())

    def commit(self, identity: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """Make a commit, and point its branch at it.

        Raises:
            Refused: It cannot be made as it is asked for.
        """
        path = self.path(identity)
        with self._locks[identity]:
            commit = commit_of(fields, self.refs(identity, "heads").get(branch_of(fields, "main"), ""))
            given = b"".join(stream(commit))
            sha = self._git(path, "fast-import", "--quiet", "--force", "--done", given=given).strip()
        if not SHA.fullmatch(sha):
            raise Refused("git made no commit; see the service's log", 500)
        return {"sha": sha, "branch": commit.branch, "parent": commit.parent}

    def tag(self, identity: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """Name a commit.

        Raises:
            Refused: There is no such commit, or such a tag already.
        """
        path = self.path(identity)
        name, sha = branch_of({"name": text_of(fields, "name")}), text_of(fields, "sha")
        message = text_of(fields, "message", "")
        if not SHA.fullmatch(sha):
            raise Refused("a tag needs the full SHA of a commit; send it")
        with self._locks[identity]:
            if message:
                who = person_of({"name": TAGGER, "email": f"{TAGGER}@example.org"}).rpartition(" ")
                names = {"GIT_COMMITTER_NAME": who[0], "GIT_COMMITTER_EMAIL": who[2].strip("<>")}
                self._git(path, "tag", "--annotate", "--file=-", name, sha, given=message.encode(), more=names)
            else:
                self._git(path, "tag", name, sha)
        return {"name": name, "sha": sha}

    def _git(self, path: Path, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None) -> str:
        try:
            ran = subprocess.run(
                ["git", f"--git-dir={path}", *arguments],
                input=given,
                capture_output=True,
                check=False,
                timeout=SECONDS,
                env={**ENVIRONMENT, **(more or {})},
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"git {arguments[0]} took longer than {SECONDS} s; try again", 503) from None
        if ran.returncode:
            said = " ".join(ran.stderr.decode("utf-8", "replace").split())[:300]
            raise Refused(f"git {arguments[0]} says: {said}; send what it can take", 409)
        return ran.stdout.decode("utf-8", "replace")
