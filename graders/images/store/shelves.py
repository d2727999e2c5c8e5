"""What is stored, for whom, and which requests are to fail; pure but for its lock."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.images.serving.journal import Journal
from graders.images.serving.words import Refused, named, text_of

SPACES = ("builds", "releases")
METHODS = ("PUT", "GET", "HEAD")
FILE = 4 << 20
TENANT = 32 << 20
FILES = 64
WHOLE = 96 << 20
"""Most bytes of a file, of a tenant's files, number of them, and most bytes of all."""
TENANTS = 64
FAULTS = ("unavailable", "reset")


@dataclass(frozen=True, slots=True)
class File:
    """What is kept under a name."""

    content: bytes
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> File:
        """What is to be kept."""
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass
class Faults:
    """Requests that are to fail.

    Attributes:
        requests: How many more.
        kind: `unavailable` or `reset`.
        methods: Which ones.
    """

    requests: int = 0
    kind: str = FAULTS[0]
    methods: tuple[str, ...] = METHODS

    def strikes(self, method: str) -> str:
        """The fault that befalls a request, which then is one fewer; empty for none."""
        if self.requests <= 0 or method not in self.methods:
            return ""
        self.requests -= 1
        return self.kind


@dataclass
class Tenant:
    """One case's place.

    Attributes:
        identity: Its number.
        name: What the grader calls it.
        token: What its pipeline shows.
        files: Space and name to what is kept.
        faults: What is to fail.
        journal: Everything that was asked with its token.
    """

    identity: str
    name: str
    token: str
    files: dict[tuple[str, str], File] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(len(kept.content) for kept in self.files.values())


@dataclass
class Shelves:
    """All tenants."""

    _tenants: dict[str, Tenant] = field(default_factory=dict)
    _made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, fields: Mapping[str, Any]) -> Tenant:
        """A new tenant with a token of its own.

        Raises:
            Refused: There are too many.
        """
        name = named(text_of(fields, "name", "case"), "tenant")
        with self._lock:
            if len(self._tenants) >= TENANTS:
                raise Refused(f"there are {TENANTS} tenants; remove some", 409)
            made = Tenant(f"s{self._made:02}", name, f"st_{secrets.token_hex(20)}")
            self._made += 1
            self._tenants[made.identity] = made
        return made

    def tenant(self, identity: str) -> Tenant:
        """A tenant by its identity.

        Raises:
            Refused: There is none.
        """
        found = self._tenants.get(identity)
        if found is None:
            raise Refused("there is no such tenant; make it first", 404)
        return found

    def remove(self, identity: str) -> None:
        """Forget a tenant and all that it has stored.

        Raises:
            Refused: There is none.
        """
        self.tenant(identity)
        with self._lock:
            self._tenants.pop(identity, None)

    def bearer(self, token: str) -> Tenant:
        """The tenant whose token this is.

        Raises:
            Refused: It is nobody's.
        """
        shown = token.encode()
        for tenant in list(self._tenants.values()):
            if hmac.compare_digest(shown, tenant.token.encode()):
                return tenant
        raise Refused("the store does not know this token; send 'Authorization: Bearer $STORE_TOKEN'", 401)

    def strike(self, tenant: Tenant, method: str) -> str:
        """The fault that is to befall a request; empty for none."""
        with self._lock:
            return tenant.faults.strikes(method)

    def put(self, tenant: Tenant, space: str, name: str, new: File) -> int:
        """Keep a file; 201, or 200 when it is there already.

        Raises:
            Refused: Another one is there, or there is no room.
        """
        with self._lock:
            old = tenant.files.get((space, name))
            if old is not None and old.sha256 == new.sha256:
                return 200
            if old is not None:
                raise Refused(
                    f"{space}/{name} is stored with other bytes (sha256 {old.sha256}) and never changes; "
                    "build it the same, or give it another name",
                    409,
                )
            self._room(tenant, len(new.content))
            tenant.files[space, name] = new
        return 201

    def _room(self, tenant: Tenant, more: int) -> None:
        if len(tenant.files) >= FILES or tenant.size + more > TENANT:
            raise Refused(f"a tenant has {FILES} files and {TENANT >> 20} MiB at the most; store less", 413)
        if sum(each.size for each in self._tenants.values()) + more > WHOLE:
            raise Refused("the store is full; store less", 507)

    def get(self, tenant: Tenant, space: str, name: str) -> File:
        """A file that is kept.

        Raises:
            Refused: There is none.
        """
        found = tenant.files.get((space, name))
        if found is None:
            raise Refused(f"there is no {space}/{name}; PUT it first", 404)
        return found


def faults_of(fields: Mapping[str, Any]) -> Faults:
    """The faults that a request asks for.

    Raises:
        Refused: They are none.
    """
    requests, kind, methods = fields.get("requests"), fields.get("kind", FAULTS[0]), fields.get("methods", METHODS)
    if not isinstance(requests, int) or kind not in FAULTS or not set(methods) <= set(METHODS):
        raise Refused('faults are {"requests": 2, "kind": "unavailable" or "reset", "methods": ["PUT"]}; send these')
    return Faults(requests, str(kind), tuple(methods))
