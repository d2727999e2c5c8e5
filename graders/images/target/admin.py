"""The grader's door: tenants with a baseline, their logs and their states."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graders.images.serving.web import Answer, Request, lost, value
from graders.images.serving.words import Refused, named, text_of
from graders.images.target.commands import SLOTS, Command
from graders.images.target.tenants import Tenant, Tenants, baseline_of
from graders.images.target.verbs import Call, Verbs

PATIENCE = 20.0
STEP = 0.05
BINARY = "application/gzip"
SSH_PORT = 2222
USER = "deploy"


def nobody(request: Request) -> Answer:
    """The admin's port has nothing for others."""
    del request
    raise lost()


@dataclass(frozen=True)
class Admin:
    """Answers the grader.

    Attributes:
        tenants: All of them.
        verbs: Carries out what makes a baseline live.
        host: The name that this service is known by.
        host_key: sshd's public key.
        new_key: Makes a private key and its public one.
    """

    tenants: Tenants
    verbs: Verbs
    host: str
    host_key: str
    new_key: Callable[[], tuple[str, str]]

    def __call__(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            Refused: It cannot be done.
        """
        match request.method, request.parts[1:]:
            case "POST", ("tenants",):
                return value(self._made(request.body.json()), 201)
            case "GET", ("tenants", identity, "log"):
                return value(self.tenants.get(identity).journal.page(request.after))
            case "GET", ("tenants", identity, "state"):
                return value(self.tenants.here(identity).state())
            case "GET", ("tenants", identity, "releases", name):
                return Answer(200, self.tenants.here(identity).releases.archive(name), BINARY)
            case "DELETE", ("tenants", identity):
                self.tenants.remove(identity)
                return Answer(204)
        raise lost()

    def _made(self, fields: dict[str, Any]) -> dict[str, Any]:
        baseline, name = baseline_of(fields), named(text_of(fields, "baseline_name", "baseline"), "release")
        private, public = ("", fields["public_key"]) if "public_key" in fields else self.new_key()
        tenant = self.tenants.make({**fields, "public_key": public})
        try:
            if baseline:
                self._begin(tenant, name, baseline)
        except Refused as error:
            with contextlib.suppress(Refused):
                self.tenants.remove(tenant.identity)
            raise Refused(f"the baseline does not run: {error.message}", 422) from None
        self.tenants.welcome()
        known = f"[{self.host}]:{SSH_PORT} {self.host_key}"
        reached = {"port": tenant.port, "front": f"http://{self.host}:{tenant.port}"}
        login = {"user": USER, "ssh_port": SSH_PORT, "known_hosts": known, "private_key": private}
        urls = {"database_url": tenant.database.url}
        urls["test_database_url"] = tenant.test_database.url if tenant.test_database else ""
        return {"id": tenant.identity, "name": tenant.name, **reached, **login, **urls}

    def _begin(self, tenant: Tenant, name: str, baseline: bytes) -> None:
        """Make a release live, by the verbs but without a word in the log."""
        slot = SLOTS[0]
        call = Call(tenant, io.BytesIO(baseline))
        self.verbs.carry_out(call, Command("upload", (name,)))
        self._migrate(tenant, name)
        self.verbs.carry_out(call, Command("start", (slot, name)))
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.verbs.carry_out(call, Command("health", (slot,)))
                break
            except Refused:
                if time.monotonic() >= deadline or not tenant.slots.of(slot).processes.alive():
                    raise
                time.sleep(STEP)
        self.verbs.carry_out(call, Command("switch", (slot,)))

    def _migrate(self, tenant: Tenant, name: str) -> None:
        """Run all files of our own release at once, and here: a process for it takes a third of a tenant's time."""
        files = tenant.releases.get(name).migrations
        if files:
            text = "\n".join(tenant.releases.migration(name, file) for file in files)
            self.tenants.databases.fill(tenant.database, text)
            tenant.migrated.extend(files)
