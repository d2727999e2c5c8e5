"""A case's place in the package store: what its pipeline stored there, and faults that befall it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graders.pipelines.services import Service
from mde_grader.checking.probe import Probe

ENDPOINT = "http://store:4000"
_STORED = frozenset({200, 201})


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a pipeline.

    Attributes:
        time: When it came, seconds of the machine's monotonic clock.
        method: HTTP method.
        space: `builds` or `releases`.
        name: Of the file.
        sha256: Of what was sent or fetched; empty when nothing was.
        size: Bytes of it.
        status: What was answered; 0 where the connection was broken off.
        fault: `unavailable` or `reset` where it failed on purpose.
    """

    time: float
    method: str
    space: str
    name: str
    sha256: str
    size: int
    status: int
    fault: str

    @property
    def stored(self) -> bool:
        """Whether a file was stored, or was there already."""
        return self.method == "PUT" and self.status in _STORED


@dataclass(frozen=True)
class Shelf:
    """One case's place.

    Attributes:
        service: Where it is.
        identity: Its own.
        token: What its pipeline shows.
    """

    service: Service
    identity: str
    token: str

    def fail(self, requests: int, kind: str = "unavailable", methods: Sequence[str] = ()) -> None:
        """Let the next requests fail.

        Args:
            requests: How many.
            kind: `unavailable` (503) or `reset`.
            methods: Which ones; all unless named.
        """
        asked = {"requests": requests, "kind": kind, **({"methods": list(methods)} if methods else {})}
        self.service.ask("POST", f"tenants/{self.identity}/faults", asked)

    def log(self) -> list[Request]:
        """What its pipeline asked for."""
        names = ("time", "method", "space", "name", "sha256", "size", "status", "fault")
        return [Request(*(row[name] for name in names)) for row in self.service.pages(f"tenants/{self.identity}/log")]

    def files(self) -> dict[str, str]:
        """What is stored, `releases/NAME` to SHA-256."""
        found = self.service.ask("GET", f"tenants/{self.identity}/files")["files"]
        return {f"{row['space']}/{row['name']}": str(row["sha256"]) for row in found}

    def content(self, path: str) -> bytes:
        """The bytes of a stored file, by `releases/NAME`; up to 4 MiB."""
        return self.service.raw("GET", f"tenants/{self.identity}/files/{path}")

    def remove(self) -> None:
        """Forget it and all that is stored."""
        self.service.ask("DELETE", f"tenants/{self.identity}")


def shelf(probe: Probe, token: str, name: str, endpoint: str = ENDPOINT) -> Shelf:
    """A new place in the store.

    Args:
        probe: A client on the stack's network.
        token: The value of `ADMIN_TOKEN`.
        name: What to call it.
        endpoint: Of the store.
    """
    service = Service(probe, token, endpoint)
    made = service.ask("POST", "tenants", {"name": name})
    return Shelf(service, str(made["id"]), str(made["token"]))
