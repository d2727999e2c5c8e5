"""Image references as people write them in FROM and in Compose files."""

from __future__ import annotations

import re
from dataclasses import dataclass

FLOATING = frozenset(
    {"latest", "stable", "edge", "rolling", "nightly", "slim", "alpine", "lts", "current", "stable-slim"}
)
"""Tags that mean another image tomorrow, whatever the image is called."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CODENAMES = frozenset({"buster", "bullseye", "bookworm", "trixie", "focal", "jammy", "noble"})


@dataclass(frozen=True, slots=True)
class Reference:
    """`name[:tag][@digest]`; a missing tag or digest is empty."""

    name: str
    tag: str = ""
    digest: str = ""


def parse_reference(text: str) -> Reference:
    """Split an image reference.

    >>> parse_reference("localhost:5000/team/app:1.2@sha256:ab")
    Reference(name='localhost:5000/team/app', tag='1.2', digest='sha256:ab')
    """
    rest, _, digest = text.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return Reference(f"{folder}{slash}{name}", tag, digest)


def why_floating(text: str) -> str:
    """Say why a reference is not pinned; empty when it is.

    Pinned means a digest, a tag with at least a minor version (`3.11-slim`, `15.4`), or for an operating system its
    release (`bookworm-slim`, `12`). PostgreSQL's major version (`postgres:15`) is a release line of its own, and
    counts. `scratch` has no version.

    >>> why_floating("python:3-slim")
    'the tag `3-slim` moves on with every minor release'
    """
    reference = parse_reference(text)
    base = reference.name.rpartition("/")[2]
    if base == "scratch" or _DIGEST.fullmatch(reference.digest):
        return ""
    if not reference.tag:
        return "it has no tag, which means `latest`"
    if reference.tag in FLOATING:
        return f"the tag `{reference.tag}` names no release"
    return _why_tag_floats(base, reference.tag)


def _why_tag_floats(base: str, tag: str) -> str:
    version = tag.partition("-")[0]
    if version in _CODENAMES or re.match(r"v?\d+\.\d+", version):
        return ""
    if re.fullmatch(r"v?\d+", version):
        return "" if base in {"debian", "postgres"} else f"the tag `{tag}` moves on with every minor release"
    return f"the tag `{tag}` names no release"
