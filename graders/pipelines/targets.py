"""A case's tenant on the deploy target: what its pipeline did there, and what it left running."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graders.pipelines.services import Service
from mde_grader.checking.probe import Probe

ENDPOINT = "http://target:8000"
SLOTS = ("blue", "green")


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of a pipeline.

    Attributes:
        began: When it began, seconds of the machine's monotonic clock.
        ended: When it ended.
        verb: Which.
        arguments: As they were given.
        release: Name of the release that it was about; empty for none.
        sha256: Of that release's archive.
        version: The SHA in that release.
        exit: 0 when it was done.
        said: What was said, for people.
    """

    began: float
    ended: float
    verb: str
    arguments: tuple[str, ...]
    release: str
    sha256: str
    version: str
    exit: int
    said: str


@dataclass(frozen=True, slots=True)
class Ran:
    """What a slot runs; `running` tells whether both processes do."""

    release: str
    sha256: str
    version: str
    running: bool
    said: str


@dataclass(frozen=True, slots=True)
class State:
    """What a tenant is like.

    Attributes:
        live: The slot that the front goes to; empty when it goes nowhere.
        slots: Slot to what it runs; None for nothing.
        releases: Name to SHA-256 of each release that was uploaded.
        migrated: The SQL files that ran, in order.
        holder: Who has the lock; empty for nobody.
        answered: Release to status to number of answers over the front.
        unanswered: Requests at the front that no release answered.
    """

    live: str
    slots: Mapping[str, Ran | None]
    releases: Mapping[str, str]
    migrated: tuple[str, ...]
    holder: str
    answered: Mapping[str, Mapping[int, int]]
    unanswered: int

    @property
    def serving(self) -> Ran | None:
        """What is live."""
        return self.slots.get(self.live)


@dataclass(frozen=True)
class Tenant:
    """One case on the target.

    Attributes:
        service: Where it is.
        identity: Its own.
        front: `http://target:port`.
        login: `deploy@target`.
        ssh_port: Where sshd listens.
        known_hosts: sshd's line for that file.
        private_key: What the pipeline logs in with.
        database_url: Of its releases' database.
        test_database_url: Of its pipeline's; empty without one.
    """

    service: Service
    identity: str
    front: str
    login: str
    ssh_port: int
    known_hosts: str
    private_key: str
    database_url: str
    test_database_url: str

    def log(self) -> list[Verb]:
        """What its pipelines did, in the order in which it ended."""
        return [_verb(row) for row in self.service.pages(f"tenants/{self.identity}/log")]

    def state(self) -> State:
        """What it is like now."""
        return state_of(self.service.ask("GET", f"tenants/{self.identity}/state"))

    def archive(self, release: str) -> bytes:
        """The archive that a release came in; up to 4 MiB."""
        return self.service.raw("GET", f"tenants/{self.identity}/releases/{release}")

    def remove(self) -> None:
        """End everything of it but its log."""
        self.service.ask("DELETE", f"tenants/{self.identity}")


def _verb(row: Mapping[str, Any]) -> Verb:
    facts = {name: row[name] for name in ("began", "ended", "verb", "release", "sha256", "version", "exit", "said")}
    return Verb(arguments=tuple(row["arguments"]), **facts)


def state_of(told: Mapping[str, Any]) -> State:
    """A state from what the target tells."""
    front = told["front"]
    return State(
        live=told["live"],
        slots={slot: _ran(run) for slot, run in told["slots"].items()},
        releases={row["name"]: row["sha256"] for row in told["releases"]},
        migrated=tuple(told["migrated"]),
        holder=told["lock"]["holder"],
        answered={
            name: {int(status): count for status, count in counts.items()}
            for name, counts in front["by_release"].items()
        },
        unanswered=front["unanswered"],
    )


def _ran(told: Mapping[str, Any] | None) -> Ran | None:
    if told is None:
        return None
    return Ran(*(told[name] for name in ("release", "sha256", "version", "running", "said")))


def tenant(probe: Probe, token: str, name: str, *, baseline: bytes = b"", endpoint: str = ENDPOINT) -> Tenant:
    """A new tenant with a key and a test database of its own.

    Args:
        probe: A client on the stack's network.
        token: The value of `ADMIN_TOKEN`.
        name: What to call it.
        baseline: Release archive that is live from the start; empty for none.
        endpoint: Of the target's admin interface.
    """
    service = Service(probe, token, endpoint)
    coded = base64.b64encode(baseline).decode("ascii")
    made = service.ask("POST", "tenants", {"name": name, "baseline": coded, "test_database": True})
    host = made["front"].removeprefix("http://").rpartition(":")[0]
    named = ("front", "ssh_port", "known_hosts", "private_key", "database_url", "test_database_url")
    facts = {field: made[field] for field in named}
    return Tenant(service, made["id"], login=f"{made['user']}@{host}", **facts)
