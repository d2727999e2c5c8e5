"""Repositories that a pipeline's commits are made in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.pipelines.services import Service
from mde_grader.checking.probe import Probe

ENDPOINT = "http://repository:3000"


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit changes.

    Attributes:
        files: Path to content; None removes the file.
        executable: Paths of programs among them.
    """

    files: Mapping[str, bytes | None] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()


def said(change: Change) -> dict[str, Any]:
    """A change as the service reads it."""
    return {path: None if text is None else _file(path, text, change) for path, text in change.files.items()}


def _file(path: str, content: bytes, change: Change) -> dict[str, Any]:
    return {"base64": base64.b64encode(content).decode("ascii"), "executable": path in change.executable}


@dataclass(frozen=True)
class Repository:
    """One case's repository.

    Attributes:
        service: Where it is.
        identity: Its own, which nobody can guess.
        url: What pipelines clone.
    """

    service: Service
    identity: str
    url: str

    def commit(  # noqa: PLR0913 - a commit has this many sides
        self,
        change: Change,
        *,
        message: str,
        author: Author,
        date: str,
        branch: str = "main",
        parent: str | None = "",
    ) -> str:
        """Make a commit, and point its branch at it.

        Args:
            change: What it changes.
            message: What it says.
            author: Who made it.
            date: When, in ISO 8601 with an offset from UTC.
            branch: Where it goes.
            parent: SHA that it stands on; empty for the branch's tip, None for the first of a history.

        Returns:
            Its SHA.
        """
        asked = {
            "branch": branch,
            "message": message,
            "author": {"name": author.name, "email": author.email},
            "date": date,
            "files": said(change),
            **({} if parent == "" else {"parent": parent}),
        }
        return str(self.service.ask("POST", f"repositories/{self.identity}/commits", asked)["sha"])

    def tag(self, name: str, sha: str, message: str = "") -> None:
        """Name a commit; with a message by an annotated tag."""
        asked = {"name": name, "sha": sha, "message": message}
        self.service.ask("POST", f"repositories/{self.identity}/tags", asked)

    def branches(self) -> dict[str, str]:
        """Each branch's commit."""
        return dict(self.service.ask("GET", f"repositories/{self.identity}")["branches"])

    def tags(self) -> dict[str, str]:
        """Each tag's commit."""
        return dict(self.service.ask("GET", f"repositories/{self.identity}")["tags"])

    def remove(self) -> None:
        """Remove it."""
        self.service.ask("DELETE", f"repositories/{self.identity}")


def repository(probe: Probe, token: str, endpoint: str = ENDPOINT, *, branch: str = "main") -> Repository:
    """A new, empty repository.

    Args:
        probe: A client on the stack's network.
        token: The value of `ADMIN_TOKEN`.
        endpoint: Of the git server.
        branch: Its first branch, and default one.
    """
    service = Service(probe, token, endpoint)
    made = service.ask("POST", "repositories", {"branch": branch})
    return Repository(service, str(made["id"]), str(made["url"]))
