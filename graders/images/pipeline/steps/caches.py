"""`actions/cache`, its `restore` and its `save`: a cache that lives as long as the run; https://github.com/actions/cache#usage."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from .inputs import PIPELINE, StepError, flag, give, home, keep, kept, lines, notice, text

STORE = PIPELINE / "cache"
LARGEST = 64 << 20
"""Bytes of one entry. They are memory here, and the next run begins without them."""


def restore() -> None:
    """Bring back what an earlier job saved under this key, or under one that begins as a restore key does.

    Raises:
        StepError: An input is missing, or nothing is there and that is to be an error.
    """
    key, version = _key()
    found = next((entry for wanted in (key, *lines("restore-keys")) for entry in _entries(wanted, version)), None)
    hit = found is not None and _name(found) == key
    if found:
        with tarfile.open(found) as archive:
            archive.extractall("/")  # noqa: S202 - what this run packed
    elif flag("fail-on-cache-miss", default=False):
        raise StepError(f"cache: nothing is kept as {key}")
    give(cache_hit=("true" if hit else "false") if found else "", cache_primary_key=key,
         cache_matched_key=_name(found) if found else "")  # fmt: skip
    keep(hit=str(hit).lower())
    notice("", f"cache: found {_name(found)}" if found else f"cache: nothing is kept as {key}")


def save() -> None:
    """Keep the paths under the key, unless that key is taken."""
    key, version = _key()
    target = _folder(version) / hashlib.sha256(key.encode()).hexdigest()
    paths = [path for path in map(home, lines("path")) if path.exists()]
    size = sum(file.stat().st_size for path in paths for file in (path, *path.rglob("*")) if file.is_file())
    if kept("hit") == "true" or target.exists() or not paths:
        return
    if size > LARGEST:
        notice("warning", f"cache: {key} has {size >> 20} MB, and {LARGEST >> 20} are the most here; it is not kept")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w") as archive:
        for path in paths:
            archive.add(path.resolve())
    target.with_suffix(".key").write_text(key, encoding="utf-8")
    notice("", f"cache: kept {key}")


def _key() -> tuple[str, str]:
    key, paths = text("key"), lines("path")
    if not key or not paths:
        raise StepError("cache: the inputs key and path are needed")
    return key, hashlib.sha256("\n".join(paths).encode()).hexdigest()[:16]


def _folder(version: str) -> Path:
    return STORE / version


def _entries(begin: str, version: str) -> list[Path]:
    """Entries whose key is that, then those whose key begins so, the newest first."""
    there = sorted(_folder(version).glob("*.key"), key=lambda path: path.stat().st_mtime, reverse=True)
    matching = [path.with_suffix("") for path in there if path.read_text(encoding="utf-8").startswith(begin)]
    return sorted(matching, key=lambda entry: _name(entry) != begin)


def _name(entry: Path) -> str:
    return entry.with_suffix(".key").read_text(encoding="utf-8")
