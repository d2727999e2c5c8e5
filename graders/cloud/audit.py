"""What the guard of the lab's cloud wrote down; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One call.

    Attributes:
        number: In the order of arrival, from 0.
        time: Seconds since the cloud started.
        service: Signing name, `ec2`; empty for an unsigned request.
        action: `CreateVpc`; for S3 `PUT bucket?versioning`.
        resource: What the call names first.
        region: Region that was asked.
        access_key: Access key id, by which callers are told apart; whoever knows one can use it.
        source: Address of the caller on the stack's network.
        user_agent: What the caller says it is; anybody can say anything.
        status: HTTP status of the answer.
        writes: Whether it may have changed anything.
        fault: `lacks` or `broke: ...` where the cloud could not do it; empty otherwise.
    """

    number: int
    time: float
    service: str
    action: str
    resource: str
    region: str
    access_key: str
    source: str
    user_agent: str
    status: int
    writes: bool
    fault: str = ""

    @property
    def done(self) -> bool:
        """Whether the cloud did what was asked."""
        return self.status < 400  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Calls:
    """All calls of a stack's life.

    Attributes:
        entries: Those that were kept, in order.
        reads: Calls that only looked.
        writes: Calls that may have changed something.
        dropped_reads: How many of the reads came beyond the guard's cap.
        dropped_writes: How many of the writes did; anything but 0 is a flood.
    """

    entries: tuple[Entry, ...]
    reads: int
    writes: int
    dropped_reads: int
    dropped_writes: int

    def by(self, access_key: str) -> tuple[Entry, ...]:
        """Calls that were made with one access key."""
        return tuple(entry for entry in self.entries if entry.access_key == access_key)

    def not_by(self, access_keys: Iterable[str]) -> tuple[Entry, ...]:
        """Calls that were made with none of those."""
        known = frozenset(access_keys)
        return tuple(entry for entry in self.entries if entry.access_key not in known)

    @property
    def changing(self) -> tuple[Entry, ...]:
        """Calls that changed something."""
        return tuple(entry for entry in self.entries if entry.writes and entry.done)

    @property
    def faults(self) -> tuple[Entry, ...]:
        """Calls that the cloud could not serve: neither the caller's fault nor a result."""
        return tuple(entry for entry in self.entries if entry.fault)


def read_calls(pages: Iterable[Mapping[str, Any]]) -> Calls:
    """Join the guard's pages, first to last."""
    entries: list[Entry] = []
    last: Mapping[str, Any] = {}
    for page in pages:
        entries += [_entry(row) for row in page["calls"]]
        last = page
    dropped = last.get("dropped", {})
    return Calls(
        tuple(entries),
        int(last.get("reads", 0)),
        int(last.get("writes", 0)),
        int(dropped.get("reads", 0)),
        int(dropped.get("writes", 0)),
    )


def _entry(row: Mapping[str, Any]) -> Entry:
    texts = {
        name: str(row.get(name, ""))
        for name in ("service", "action", "resource", "region", "access_key", "source", "user_agent", "fault")
    }
    return Entry(
        number=int(row["n"]), time=float(row["time"]), status=int(row["status"]), writes=bool(row["writes"]), **texts
    )
