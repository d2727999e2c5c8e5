"""Starts the git server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from graders.images.repository.repositories import Repositories
from graders.images.repository.smart import announced, fetched
from graders.images.serving.web import Answer, Doors, Request, Server, lost, value
from graders.images.serving.words import Refused

PORT = 3000
NAME = "ferry.git"


@dataclass(frozen=True)
class Site:
    """Who gets what.

    Attributes:
        kept: The repositories.
        origin: The address that others know this service by.
    """

    kept: Repositories
    origin: str

    def public(self, request: Request) -> Answer:
        """Everybody reads."""
        match request.method, request.parts:
            case "GET", (identity, name, "info", "refs") if name == NAME:
                return announced(self.kept.path(identity), request)
            case "POST", (identity, name, "git-upload-pack") if name == NAME:
                return fetched(self.kept.path(identity), request)
            case "POST", (_, _, "git-receive-pack"):
                raise Refused("nobody can push here; the repository is read only", 403)
        raise lost()

    def admin(self, request: Request) -> Answer:
        """The grader makes."""
        match request.method, request.parts[1:]:
            case "POST", ("repositories",):
                identity = self.kept.make(request.body.json())
                return value({"id": identity, "url": f"{self.origin}/{identity}/{NAME}"}, 201)
            case "GET", ("repositories", identity):
                refs = {"branches": self.kept.refs(identity, "heads"), "tags": self.kept.refs(identity, "tags")}
                return value(refs)
            case "DELETE", ("repositories", identity):
                self.kept.remove(identity)
                return Answer(204)
            case "POST", ("repositories", identity, "commits"):
                return value(self.kept.commit(identity, request.body.json()), 201)
            case "POST", ("repositories", identity, "tags"):
                return value(self.kept.tag(identity, request.body.json()), 201)
        raise lost()


def main() -> None:
    """Serve until killed."""
    site = Site(Repositories(Path("/srv")), f"http://{os.environ.get('SERVICE', 'repository')}:{PORT}")
    doors = Doors(os.environ.pop("ADMIN_TOKEN", ""), site.admin, site.public)
    with Server(PORT, doors) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
