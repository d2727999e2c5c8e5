"""Actions, runners, shells and tools that are here, in the words in which people ask for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

RUNNERS = ("ubuntu-latest", "ubuntu-26.04", "ubuntu-24.04", "ubuntu-22.04", "self-hosted")
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
NODE = "24"
PYTHON_WHOLE = (3, 11, 2)
"""The Python of Debian 12, whole."""

IMAGES = "python:3.11, debian:bookworm, ubuntu:24.04, node:24 or gitleaks' own"
"""Images that stand for what is here, in words; their `-slim` and the like too."""

_REF = re.compile(r"v(?P<major>\d{1,3})(?:\.\d{1,3}){0,2}|[0-9a-f]{40}|main|master|releases/v(?P<line>\d{1,3})")
_PART = re.compile(r"(?P<sign>[<>]=?|===?|~=?|\^|)v?(?P<numbers>\d{1,4}(?:\.(?:\d{1,4}|x|\*)){0,3})")
_ANY = frozenset(("", "*", "x"))
_NODE = re.compile(r"v?24(?:\.(?:x|\*))*|lts/\*|latest|node|current")
_SUITE = r"(?:-(?:slim|bookworm|bullseye|trixie|jammy|noble|slim-bookworm|bookworm-slim|slim-bullseye|slim-trixie))?"
_IMAGES = re.compile(
    rf"(?:python:(?:3\.11(?:\.\d+)?|3){_SUITE}|debian:(?:12|bookworm|stable)(?:\.\d+)?{_SUITE}|ubuntu:(?:22\.04|24\.04|latest)"
    rf"|buildpack-deps(?::(?:bookworm|stable|curl|scm|bookworm-curl|bookworm-scm))?|node:24(?:\.\d+){{0,2}}{_SUITE}"
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
    """Whether a version that is asked for, or a range, is met by the Python that is here.

    >>> [is_python(one) for one in ("3.11", "3.x", ">=3.9, <4", "3.12", "3.11.9")]
    [True, True, True, False, False]
    """
    parts = re.split(r"[\s,]+", re.sub(r"([<>=~^]+)\s+", r"\1", version.strip()))
    return all(part in _ANY or _meets(part) for part in parts)


def is_node(version: str) -> bool:
    """Whether a version that is asked for can be the Node.js that is here."""
    return _NODE.fullmatch(version.strip()) is not None


def is_runner(labels: Iterable[str]) -> bool:
    """Whether a runner with these labels is here."""
    given = [label.lower() for label in labels]
    return any(label in RUNNERS for label in given) and all(label in {*RUNNERS, *BESIDE} for label in given)


def is_shell(shell: str) -> bool:
    """Whether a shell is here; one of its own, such as `bash -ex {0}`, is told by its first word."""
    return shell.split(" ", 1)[0] in {*SHELLS, "python3"}


def _meets(part: str) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    wanted = tuple(int(number) for number in match["numbers"].split(".") if number.isdecimal())
    here, sign = PYTHON_WHOLE, match["sign"]
    same = {"^": 1, "~": min(len(wanted), 2), "~=": max(len(wanted) - 1, 1)}.get(sign)
    if same is not None:
        return here[:same] == wanted[:same] and here >= wanted
    padded = (*wanted, 0, 0, 0)[:3]
    orders = {"<": here < padded, "<=": here <= padded, ">": here > padded, ">=": here >= padded}
    return orders.get(sign, here[: len(wanted)] == wanted)
