"""The tenants: one case each, with a key, a front, two slots, releases, a database and users of its own."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.images.serving.journal import Journal
from graders.images.serving.words import Refused, named, text_of
from graders.images.target.commands import SLOTS
from graders.images.target.databases import Databases, Login
from graders.images.target.front import Fronts, Line
from graders.images.target.leases import Lease
from graders.images.target.processes import User
from graders.images.target.releases import Releases
from graders.images.target.slots import Slots

MOST = 32
"""Tenants of one target's life; numbers, ports and users are never given twice."""
PORT = 8100
USERS = len(SLOTS) + 1
_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{40,2000}={0,2})(?: .*)?\s*")


@dataclass
class Tenant:
    """One case.

    Attributes:
        number: From 0 on.
        name: What the grader calls it.
        key: The public key that its pipeline shows, without a comment.
        database: Its releases' database.
        test_database: Its pipeline's; None without one.
        releases: What was uploaded.
        line: Its front.
        users: Who runs `blue`, `green`, and migrations.
        journal: What was asked of it.
        lease: The lock that its pipelines share.
        migrated: The SQL files that ran, in order.
        gone: Whether it was removed.
    """

    number: int
    name: str
    key: str
    database: Login
    test_database: Login | None
    releases: Releases
    line: Line
    users: Mapping[str, User]
    journal: Journal = field(default_factory=Journal)
    lease: Lease = field(default_factory=Lease)
    migrated: list[str] = field(default_factory=list)
    gone: bool = False

    @property
    def identity(self) -> str:
        """What it is called in addresses and for sshd."""
        return identity_of(self.number)

    @property
    def port(self) -> int:
        """Of its front."""
        return PORT + self.number

    @property
    def slots(self) -> Slots:
        """What runs where."""
        return self.line.slots

    def state(self) -> dict[str, Any]:
        """All that there is to tell."""
        kept = [
            {"name": each.name, "sha256": each.sha256, "version": each.version, "size": each.size}
            for each in self.releases.all()
        ]
        own = {"releases": kept, "migrated": list(self.migrated), "lock": self.lease.state()}
        return {**self.slots.facts(), **own, "front": self.line.counts.facts()}


def identity_of(number: int) -> str:
    """The identity of the tenant with a number.

    >>> identity_of(3)
    't03'
    """
    return f"t{number:02}"


def key_of(text: str) -> str:
    """A public key without its comment.

    Raises:
        Refused: It is none.
    """
    found = _KEY.fullmatch(text)
    if not found:
        raise Refused("public_key is no OpenSSH public key; send the content of the .pub file")
    return f"{found[1]} {found[2]}"


def baseline_of(fields: Mapping[str, Any]) -> bytes:
    """The release that a tenant begins with; empty for none.

    Raises:
        Refused: It is no base64.
    """
    try:
        return base64.b64decode(text_of(fields, "baseline", ""), validate=True)
    except binascii.Error:
        raise Refused("baseline is no base64; send a release archive in base64") from None


@dataclass
class Tenants:
    """All of them.

    Attributes:
        folder: Where releases are put.
        first_user: The uids and gids from there on are nobody else's; this process is in these groups.
        databases: The server.
        fronts: The ports.
        admit: Told the keys that may log in: identity to key.
    """

    folder: Path
    first_user: int
    databases: Databases
    fronts: Fronts
    admit: Callable[[Mapping[str, str]], None]
    _all: dict[str, Tenant] = field(default_factory=dict)
    _made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, fields: Mapping[str, Any]) -> Tenant:
        """A tenant that runs nothing yet.

        Raises:
            Refused: Its key is none or another's, or there are too many.
        """
        name, key = named(text_of(fields, "name", "case"), "tenant"), key_of(text_of(fields, "public_key"))
        number = self._number(key)
        gid = self.first_user + number * USERS
        users = {who: User(gid + place, gid) for place, who in enumerate((*SLOTS, "migrations"))}
        mark = f"{identity_of(number)}_{secrets.token_hex(4)}"
        tests = [f"test_{mark}"] if fields.get("test_database") is True else []
        database, *test_databases = self.databases.make(f"ferry_{mark}", *tests)
        tenant = Tenant(
            number,
            name,
            key,
            database,
            test_databases[0] if test_databases else None,
            Releases(self.folder / identity_of(number), gid),
            self.fronts.open(PORT + number, Slots()),
            users,
        )
        self._all[tenant.identity] = tenant
        return tenant

    def _number(self, key: str) -> int:
        with self._lock:
            if self._made >= MOST:
                raise Refused(f"a target has {MOST} tenants in its life; start another", 409)
            if any(tenant.key == key for tenant in self._all.values()):
                raise Refused("another tenant has this public_key; make one for each", 409)
            self._made += 1
            return self._made - 1

    def welcome(self) -> None:
        """Let the pipelines of all tenants log in."""
        with self._lock:
            self.admit({tenant.identity: tenant.key for tenant in self._all.values() if not tenant.gone})

    def get(self, identity: str) -> Tenant:
        """A tenant, also one that was removed.

        Raises:
            Refused: There is none.
        """
        tenant = self._all.get(identity)
        if tenant is None:
            raise Refused("there is no such tenant; make it first", 404)
        return tenant

    def here(self, identity: str) -> Tenant:
        """A tenant that was not removed.

        Raises:
            Refused: There is none.
        """
        tenant = self.get(identity)
        if tenant.gone:
            raise Refused("this tenant was removed; make another", 404)
        return tenant

    def remove(self, identity: str) -> None:
        """End everything of a tenant but its log.

        Raises:
            Refused: There is none.
        """
        tenant = self.here(identity)
        tenant.gone = True
        self.welcome()
        self.fronts.close(tenant.port)
        with ExitStack() as held:
            for changing in tenant.slots.changing.values():
                held.enter_context(changing)
            for user in tenant.users.values():
                user.end(0)
            tenant.slots.runs.update(dict.fromkeys(SLOTS))
        tenant.releases.remove()
        for login in filter(None, (tenant.database, tenant.test_database)):
            self.databases.remove(login.name)
