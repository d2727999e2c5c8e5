"""Hosts that a playbook configures, as the inspector sees them: their files and their processes, never their words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mde_grader.checking import fail
from mde_grader.runtimes.base import Stack
from mde_grader.runtimes.inspector.session import SessionError

MOST_ENTRIES = 500
"""Files and folders that are looked at below a folder; a lab's own are a dozen."""

Process = tuple[int, int]
"""Number and start (clock ticks after boot), which together are given once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to know of a file, a folder or a link; what a rewrite leaves alike `inode` and `ctime` tell.

    Attributes:
        kind: `file`, `directory`, `link` and so on.
        mode: Permission bits.
        uid: Owner.
        digest: SHA-256 of a file's content; empty for all others.
        inode: Its number in the file system.
        mtime: When its content was last written, seconds since 1970.
        ctime: When its inode last changed, which no program can set.
    """

    kind: str
    mode: int
    uid: int
    digest: str = ""
    inode: int = 0
    mtime: float = 0.0
    ctime: float = 0.0

    @property
    def state(self) -> Entry:
        """What a person would call its state: when it was written, and to which inode, left out."""
        return replace(self, inode=0, mtime=0.0, ctime=0.0)


Entries = Mapping[str, Entry]


def touched(before: Entries, after: Entries) -> tuple[str, ...]:
    """Paths that were made, removed, rewritten or given other rights; a folder counts by its own rights only."""
    paths = sorted({*before, *after})
    return tuple(path for path in paths if _comparable(before.get(path)) != _comparable(after.get(path)))


def _comparable(entry: Entry | None) -> Entry | None:
    return entry.state if entry is not None and entry.kind == "directory" else entry


def unlike(wanted: Entries, seen: Entries) -> tuple[str, ...]:
    """Paths whose state is another one, however they came to it."""
    paths = sorted({*wanted, *seen})
    return tuple(path for path in paths if _state(wanted.get(path)) != _state(seen.get(path)))


def _state(entry: Entry | None) -> Entry | None:
    return entry.state if entry is not None else None


class Machine:
    """One host.

    Args:
        stack: The running stack.
        service: The host's service, which the inspector can look into.
    """

    def __init__(self, stack: Stack, service: str) -> None:
        self._stack = stack
        self.service = service

    def entries(self, folder: str) -> dict[str, Entry]:
        """Everything below a folder, by path; what vanishes meanwhile is left out.

        Raises:
            CheckFailedError: There is far too much.
        """
        found = self._ask("find", path=folder, names=["*"], limit=MOST_ENTRIES)
        if found["truncated"]:
            fail(expected=f"at most {MOST_ENTRIES} files below {folder}", seen=f"{self.service} has more")
        entries = {path: self._entry(path) for path in found["paths"]}
        return {path: entry for path, entry in entries.items() if entry is not None}

    def _entry(self, path: str) -> Entry | None:
        facts = self._ask("stat", path=path, follow=False)
        if not facts["exists"]:
            return None
        digest = self._ask("digest", path=path)["digest"] if facts["kind"] == "file" else ""
        times = {name: facts[name] for name in ("inode", "mtime", "ctime")}
        return Entry(facts["kind"], facts["mode"], facts["uid"], digest, **times)

    def text(self, path: str) -> str | None:
        """The text of a file; None when there is no such file."""
        try:
            answer = self._ask("read", path=path, limit=65_536)
        except SessionError as error:
            if error.kind in {"missing", "refused"}:
                return None
            raise
        return base64.b64decode(answer["data"]).decode(errors="replace")

    def holding(self, folder: str, needle: str) -> list[str]:
        """Paths of the files below a folder that hold a text."""
        coded = base64.b64encode(needle.encode()).decode("ascii")
        return sorted({hit["path"] for hit in self._ask("search", path=folder, needles=[coded])["hits"]})

    def running(self, program: str) -> frozenset[Process]:
        """The processes that have a program among their words."""
        found = self._ask("processes")["processes"]
        return processes_of(found, program)

    def _ask(self, op: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        service = self._stack[self.service].container_id
        try:
            return self._stack.session.call(op, service=service, **arguments)
        except SessionError as error:
            if error.kind != "denied":
                raise
            fail(
                expected="a run leaves every host as alive as it was",
                seen=f"{self.service} cannot be looked into any more: {error.message}",
                look="sv status board on every host, after a run",
            )


def processes_of(found: list[Mapping[str, Any]], program: str) -> frozenset[Process]:
    """Of what the inspector tells of processes, the living ones that have a program among their words."""
    return frozenset(
        (int(row["pid"]), int(row["started"])) for row in found if program in row["cmdline"] and row["state"] != "Z"
    )
