"""Names of images: one form for each, and the lab's name for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PREFIX = re.compile(r"^(?:(?:registry-1\.|index\.)?docker\.io/)?(?:library/)?")
_RELEASE = re.compile(r":[^:/]*\d[^:/]*\d[^:/]*$")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def lookup(written: str, names: Iterable[str]) -> str | None:
    """Which of `names` an image reference means, None for none of them.

    `docker.io/library/python:3.11` is `python:3.11`; `python` is `python:latest` when that is all there is of it; a
    digest behind an accepted name and tag is accepted, because pinning is what a careful candidate does.

    Args:
        written: The reference as the candidate wrote it, variables replaced.
        names: Public names that the lab accepts.
    """
    short = _short(written)
    known = {_short(name): name for name in names}
    pinned = _DIGEST.sub("", short)
    if pinned != short and ":" not in pinned:  # a digest alone does not say which of the lab's images it is
        return None
    for form in (pinned, _tagged(pinned), pinned.removesuffix(":latest")):
        if form in known:
            return known[form]
    return None


def pinned(names: Iterable[str]) -> tuple[str, ...]:
    """The names worth telling a candidate: those whose tag has a release's digits, and `scratch`; all if none has.

    A lab may accept `python:3` and `debian` only so that they lose points instead of the whole lab.
    """
    every = tuple(names)
    return tuple(name for name in every if name == "scratch" or _RELEASE.search(name)) or every


def normal(written: str) -> str:
    """One form for equal references: no registry or `library/` of the default registry, and always a tag."""
    return _tagged(_short(written))


def _short(name: str) -> str:
    return _PREFIX.sub("", name, count=1)


def _tagged(name: str) -> str:
    last = name.rsplit("/", 1)[-1]
    return name if ":" in last or "@" in last or name == "scratch" else name + ":latest"
