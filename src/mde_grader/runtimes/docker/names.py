"""Names and labels of what we make on an engine. Pure, but for the random part that keeps two of a name apart."""

from __future__ import annotations

import re
import secrets

from mde_grader.runtimes.base import LABEL

CACHE_LABEL = f"{LABEL}.cache"
"""On every image and step of a build: the lab whose cache it belongs to, and nothing of the attempt."""

ROLE_LABEL = f"{LABEL}.role"
"""`side`, `service`, `command`, `index`, `network`, `volume`, `files`."""

SERVICE_LABEL = f"{LABEL}.service"
ATTEMPT_LABEL = f"{LABEL}.attempt"
OWNER_LABEL = f"{LABEL}.owner"
EXPIRES_LABEL = f"{LABEL}.expires"

_UNSAFE = re.compile(r"[^a-z0-9_.-]+")


def slug(text: str, *, length: int = 24) -> str:
    """The text as the engine takes it in a name."""
    return _UNSAFE.sub("-", text.lower()).strip("-._")[:length].rstrip("-._") or "x"


def unique(*parts: str) -> str:
    """A name that nobody else has, as in `mde-<attempt>-web-1f2e3d4c`."""
    return "-".join(("mde", *(slug(part) for part in parts), secrets.token_hex(4)))


def cache_repository(lab: str) -> str:
    """Repository under which a lab's cached images are tagged."""
    return f"mde-grade/cache-{slug(lab, length=64)}"
