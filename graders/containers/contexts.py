"""Changes to a copy of a submission, made to see what a build does with them.

Each takes the folder that is built from, and is harmless to any language: what is planted is only looked for, what is
inflated stays one word, and what is touched gets a comment.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

INFLATED = 6_000
"""How many times a secret is repeated in place of itself."""

LARGEST = 64_000_000
"""Bytes above which a file is not searched for secrets."""

SHORTEST = 6
"""Characters below which a word is too common to be looked for as a secret."""


def plant(folder: Path, files: Mapping[str, int]) -> None:
    """Write files of random text, path to size in bytes, as they lie about in a working folder."""
    for name, size in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(size // 2), encoding="ascii")


def planted_seen(growth: int, files: Mapping[str, int]) -> list[str]:
    """Names of the planted files that a layer's growth stands for, the largest first.

    Args:
        growth: Bytes.
        files: As planted; each size at least twice the next smaller one, so that a sum tells its parts.
    """
    smallest = min(files.values())
    left, seen = growth, []
    for name, size in sorted(files.items(), key=lambda item: -item[1]):
        if left > size - smallest // 2:
            seen.append(name)
            left -= size
    return seen


def files_with(folder: Path, needle: str) -> list[str]:
    """Paths of the regular files below `folder`, at most `LARGEST` bytes each, that hold `needle`."""
    if len(needle) < SHORTEST:
        return []
    return sorted(str(path.relative_to(folder)) for path in _regular(folder) if needle.encode() in _content(path))


def inflate(folder: Path, needle: str) -> None:
    """Repeat `needle` in place wherever it stands in a file, but for Dockerfiles; a layer that holds it grows."""
    for path in _regular(folder):
        content = _content(path)
        if needle.encode() in content and "dockerfile" not in path.name.lower():
            path.write_bytes(content.replace(needle.encode(), needle.encode() * INFLATED))


def gained(needle: str) -> int:
    """Bytes that one place where `needle` stands gains by `inflate`."""
    return len(needle.encode()) * (INFLATED - 1)


def touch_sources(folder: Path, names: Collection[str], token: str) -> list[str]:
    """Add a comment to Python files: those called as in `names`, or to all when there is none of them.

    Args:
        folder: What is built from.
        names: File names such as `web.py`.
        token: New for each attempt, so that no build cache knows the change.

    Returns:
        The paths that were changed.
    """
    python = [
        path for path in _regular(folder) if path.suffix == ".py" and path.name not in {"setup.py", "__init__.py"}
    ]
    chosen = [path for path in python if path.name in names] or python
    for path in chosen:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n# {token}\n")
    return sorted(str(path.relative_to(folder)) for path in chosen)


def _regular(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.stat().st_size <= LARGEST else b""
