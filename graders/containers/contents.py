"""What is in an image without need: tools for building and testing, caches, package lists."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import PurePosixPath

LOOK_FOR = (
    *("_pytest", "mypy", "pylint", "ruff", "hypothesis", "ipdb"),
    *("cc1", "gcc", "g++", "clang", "make", "cargo", "git", "vim", "nano", "emacs", "gdb", "strace"),
    *("pip", "uv", "pypoetry", "*_Packages*"),
)
"""Names to search the file system for; `needless` says which of the paths found count."""

_TESTING = frozenset({"_pytest", "mypy", "pylint", "ruff", "hypothesis", "ipdb"})
_PROGRAMS = frozenset({"cc1", "gcc", "g++", "clang", "make", "cargo", "git", "vim", "nano", "emacs", "gdb", "strace"})
_BINARIES = frozenset({"bin", "sbin"})


def needless(paths: Iterable[str]) -> dict[str, str]:
    """Say of each path that is in an image without need what it is; others are left out.

    >>> needless(["/venv/lib/python3.11/site-packages/_pytest", "/usr/local/lib/python3.11/site-packages/pip"])
    {'/venv/lib/python3.11/site-packages/_pytest': 'a package for development'}
    """
    found = {path: _what(PurePosixPath(path)) for path in paths}
    return {path: what for path, what in found.items() if what}


def disguises(secret: str) -> dict[str, str]:
    """The forms in which a secret is commonly written, itself included, by a word for each.

    Base64 depends on what stands before, hence three of them; the letters at the ends that depend on the neighbours
    are left out.

    >>> disguises("Kran-und-Kai-2009")["in base64"]
    'S3Jhbi11bmQtS2FpLTIwMD'
    """
    raw = secret.encode()
    found = {"as it is": secret, "in hexadecimal": raw.hex(), "backwards": secret[::-1]}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + raw).decode("ascii").rstrip("=")
        first = (shift * 8 + 5) // 6
        found[f"in base64, {shift} off" if shift else "in base64"] = coded[first : (shift + len(raw)) * 8 // 6]
    return found


def _what(path: PurePosixPath) -> str:
    name, parent = path.name, path.parent.name
    if name in _TESTING and parent in {"site-packages", "dist-packages"}:
        return "a package for development"
    if name == "cc1" or (name in _PROGRAMS and parent in _BINARIES):
        return "a program for building or editing"
    if parent == ".cache" and name in {"pip", "uv", "pypoetry"}:
        return "an installer's cache"
    return "apt's package list" if "_Packages" in name and parent == "lists" else ""
