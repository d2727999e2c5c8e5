"""Actions, runners, shells and tools that are here, in the words in which people ask for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

RUNNERS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "self-hosted")
"""What `runs-on` may name."""

BESIDE = ("linux", "x64")
"""Labels that may stand beside them in a list."""

ACTIONS: dict[str, int] = {
    "actions/checkout": 1,
    "actions/setup-python": 1,
    "actions/setup-node": 1,
    "actions/cache": 3,
    "actions/cache/restore": 3,
    "actions/cache/save": 3,
    "actions/upload-artifact": 4,
    "actions/download-artifact": 4,
}
"""Shipped actions, and the first major version that the platform still runs."""

NEWEST = 6
"""Major version up to which actions are shipped."""

SHELLS = ("bash", "sh", "python")
PYTHON = "3.11"
NODES = ("20", "22", "24")
"""Major versions of Node.js that mean the one that is here."""

IMAGES = "python:3.11, debian:bookworm, ubuntu:24.04, node:22 or gitleaks' own"
"""Images that stand for what is here, in words; their `-slim` and the like too."""

_REF = re.compile(r"v(?P<major>\d{1,3})(?:\.\d{1,3}){0,2}|[0-9a-f]{40}|main|master|releases/v(?P<line>\d{1,3})")
_PYTHON = re.compile(
    r"(?:3\.11(?:\.(?:\d+|x|\*))?|3(?:\.x|\.\*)?|~=?\s*3\.11(?:\.\d+)?|(?:>=|\^)\s*3(?:\.(?:\d|10|11))?)"
)
_NODE = re.compile(r"v?(?:(?P<major>\d+)(?:\.(?:\d+|x|\*)){0,2}|lts/\*|latest|node|current)")
_SUITE = r"(?:-(?:slim|bookworm|bullseye|trixie|jammy|noble|slim-bookworm|bookworm-slim|slim-bullseye|slim-trixie))?"
_IMAGES = re.compile(
    rf"(?:python:(?:3\.11(?:\.\d+)?|3){_SUITE}|debian:(?:12|bookworm|stable)(?:\.\d+)?{_SUITE}|ubuntu:(?:22\.04|24\.04|latest)"
    rf"|buildpack-deps(?::(?:bookworm|stable|curl|scm|bookworm-curl|bookworm-scm))?|node:(?:20|22|24)(?:\.\d+){{0,2}}{_SUITE}"
    r"|(?:zricethezav|gitleaks)/gitleaks(?::[\w.-]+)?)(?:@sha256:[0-9a-f]{64})?"
)
_LIBRARY = re.compile(r"^(?:(?:registry-1\.|index\.)?docker\.io/|ghcr\.io/)?(?:library/)?")


def is_image(name: str) -> bool:
    """Whether an image stands for tools that are here.

    >>> is_image("python:3.11-slim"), is_image("docker.io/library/python:3.11"), is_image("alpine:3.20")
    (True, True, False)
    """
    return _IMAGES.fullmatch(_LIBRARY.sub("", name, count=1)) is not None


def wrong_ref(action: str, ref: str) -> str:
    """Why a shipped action is not taken at a tag, a branch or a commit; empty when it is.

    >>> wrong_ref("actions/checkout", "v4"), wrong_ref("actions/upload-artifact", "v3")
    ('', 'GitHub no longer runs it before v4')
    """
    match = _REF.fullmatch(ref)
    if match is None:
        return "it is not there under that name"
    major = int(match["major"] or match["line"] or NEWEST)
    if major < ACTIONS[action]:
        return f"GitHub no longer runs it before v{ACTIONS[action]}"
    return "" if major <= NEWEST + 4 else "there is no such version"


def is_python(version: str) -> bool:
    """Whether a version that is asked for can be the Python that is here.

    >>> is_python("3.11"), is_python("3.x"), is_python("3.12")
    (True, True, False)
    """
    return _PYTHON.fullmatch(version.strip()) is not None


def is_node(version: str) -> bool:
    """Whether a version that is asked for can be the Node.js that is here."""
    match = _NODE.fullmatch(version.strip())
    return match is not None and match["major"] in {None, *NODES}


def is_runner(labels: Iterable[str]) -> bool:
    """Whether a runner with these labels is here."""
    given = [label.lower() for label in labels]
    return any(label in RUNNERS for label in given) and all(label in {*RUNNERS, *BESIDE} for label in given)


def is_shell(shell: str) -> bool:
    """Whether a shell is here; one of its own, such as `bash -ex {0}`, is told by its first word."""
    return shell.split(" ", 1)[0] in {*SHELLS, "python3"}
