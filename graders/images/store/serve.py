"""Starts the package store."""

from __future__ import annotations

import os
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from graders.images.serving.journal import now
from graders.images.serving.web import Answer, BrokenOff, Doors, Request, Server, lost, value
from graders.images.serving.words import Refused, named
from graders.images.store.shelves import FILE, METHODS, SPACES, File, Shelves, Tenant, faults_of

PORT = 4000
BINARY = "application/octet-stream"
BODIES = 4
"""Files that are received at once; each is in memory as a whole."""


@dataclass
class Noted:
    """What a log entry tells besides the request."""

    sha256: str = ""
    size: int = 0
    status: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Store:
    """Who gets what."""

    shelves: Shelves = field(default_factory=Shelves)
    _bodies: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(BODIES))

    def public(self, request: Request) -> Answer:
        """A pipeline stores and fetches; whatever it asks with its token is written down."""
        tenant = self.shelves.bearer(request.bearer)
        noted = Noted()
        began = now()
        try:
            answer = self._served(tenant, request, noted)
            noted.status = answer.status
        except Refused as error:
            noted.status = error.status
            raise
        finally:
            tenant.journal.add({"time": began, **_asked(tenant, request), **asdict(noted)})
        return answer

    def _served(self, tenant: Tenant, request: Request, noted: Noted) -> Answer:
        if len(request.parts) != 2 or request.parts[0] not in SPACES:  # noqa: PLR2004
            raise Refused("the store has /builds/NAME and /releases/NAME; ask for one of them", 404)
        if request.method not in METHODS:
            raise Refused(f"the store knows {', '.join(METHODS)}; what is stored stays", 405)
        space, name = request.parts[0], named(request.parts[1], "file")
        noted.fault = self.shelves.strike(tenant, request.method)
        if noted.fault == "reset":
            raise BrokenOff
        if noted.fault:
            raise Refused("the store is not available for a moment; try again", 503)
        if request.method == "PUT":
            return self._put(tenant, request, name, noted)
        return _sent(self.shelves.get(tenant, space, name), noted)

    def _put(self, tenant: Tenant, request: Request, name: str, noted: Noted) -> Answer:
        if not request.body.told:
            raise Refused("a file needs a Content-Length; send it with curl -T FILE", 411)
        with self._bodies:
            content = request.body.read(FILE)
        kept = File.of(content)
        noted.size, noted.sha256 = len(content), kept.sha256
        status = self.shelves.put(tenant, request.parts[0], name, kept)
        return Answer(status, f"{kept.sha256}\n".encode(), headers=_checksum(kept))

    def admin(self, request: Request) -> Answer:
        """The grader makes tenants, breaks things, and reads."""
        match request.method, request.parts[1:]:
            case "POST", ("tenants",):
                made = self.shelves.make(request.body.json())
                return value({"id": made.identity, "name": made.name, "token": made.token}, 201)
            case "DELETE", ("tenants", identity):
                self.shelves.remove(identity)
                return Answer(204)
            case "POST", ("tenants", identity, "faults"):
                tenant = self.shelves.tenant(identity)
                tenant.faults = faults_of(request.body.json())
                return value(asdict(tenant.faults))
            case "GET", ("tenants", identity, "log"):
                return value(self.shelves.tenant(identity).journal.page(request.after))
            case "GET", ("tenants", identity, "files"):
                return value({"files": _listed(self.shelves.tenant(identity))})
            case "GET", ("tenants", identity, "files", space, name):
                return _sent(self.shelves.get(self.shelves.tenant(identity), space, name), Noted())
        raise lost()


def _asked(tenant: Tenant, request: Request) -> dict[str, str]:
    space, name = (*request.parts, "", "")[:2]
    return {"tenant": tenant.name, "method": request.method[:16], "space": space[:16], "name": name[:128]}


def _listed(tenant: Tenant) -> list[dict[str, Any]]:
    return [
        {"space": space, "name": name, "sha256": kept.sha256, "size": len(kept.content)}
        for (space, name), kept in list(tenant.files.items())
    ]


def _checksum(kept: File) -> dict[str, str]:
    return {"X-Checksum-Sha256": kept.sha256}


def _sent(kept: File, noted: Noted) -> Answer:
    noted.sha256, noted.size = kept.sha256, len(kept.content)
    return Answer(200, kept.content, BINARY, _checksum(kept))


def main() -> None:
    """Serve until killed."""
    store = Store()
    doors = Doors(os.environ.pop("ADMIN_TOKEN", ""), store.admin, store.public)
    with Server(PORT, doors) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
