"""Patterns of GitHub's filters for branches, tags and paths, matched in time that grows with their length only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MOST = 512
"""Characters of one pattern; no name that a pattern could match is longer."""

_SPANS = tuple((range(ord(first), ord(last) + 1)) for first, last in ("az", "AZ", "09"))


class PatternError(ValueError):
    """A pattern that the platform does not take; the message says what is wrong."""


@dataclass(slots=True)
class Part:
    """One part of a pattern: which characters it takes, and how many of them.

    Attributes:
        takes: Whether it takes a character.
        least: 0 or 1.
        many: Whether it takes more than one.
        folders: It takes nothing, or all up to and with some slash.
    """

    takes: Callable[[str], bool]
    least: int = 1
    many: bool = False
    folders: bool = False


@functools.lru_cache(maxsize=2048)
def compiled(pattern: str) -> Callable[[str], bool]:
    r"""What says whether a whole name matches a pattern, its `!` taken off.

    `*` stands for any characters but a slash, `**` for any at all, `**/` also for nothing; `?` and `+` make what is
    before them optional, or repeat it; `[]` is one character; a backslash takes the meaning from what follows.

    >>> [compiled("v[12].[0-9]+.[0-9]+")(name) for name in ("v1.10.1", "v3.0.0")]
    [True, False]

    Raises:
        PatternError: A bracket is not closed, or a range has no characters; or it is too long.
    """
    if len(pattern) > MOST:
        raise PatternError(f"has more than {MOST} characters")
    parts = _parts(pattern)
    return lambda name: matches(parts, name)


def chosen(patterns: Iterable[str], name: str) -> bool:
    """Whether a name is among those that an ordered list of patterns chooses: the last that matches decides.

    >>> chosen(["releases/**", "!releases/**-alpha"], "releases/10-alpha")
    False

    Raises:
        PatternError: A pattern is none.
    """
    result = False
    for pattern in patterns:
        negative = pattern.startswith("!")
        if compiled(pattern[negative:])(name):
            result = not negative
    return result


def _parts(pattern: str) -> list[Part]:
    parts: list[Part] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign in "?+" and parts and not parts[-1].folders:
            last = parts[-1]
            last.least, last.many = (0, last.many) if sign == "?" else (last.least, True)
            at += 1
        elif sign == "*":
            at = _stars(pattern, at, parts)
        elif sign == "[":
            at = _bracket(pattern, at, parts)
        else:
            at += sign == "\\" and at + 1 < len(pattern)
            parts.append(Part(pattern[at].__eq__))
            at += 1
    return parts


def _stars(pattern: str, at: int, parts: list[Part]) -> int:
    if not pattern.startswith("**", at):
        parts.append(Part(lambda character: character != "/", 0, many=True))
        return at + 1
    begins = at == 0 or pattern[at - 1] == "/"
    if begins and pattern.startswith("**/", at):
        parts.append(Part(lambda _: True, 0, many=True, folders=True))
        return at + 3
    parts.append(Part(lambda _: True, 0, many=True))
    return at + 2


def _bracket(pattern: str, at: int, parts: list[Part]) -> int:
    end = pattern.find("]", at + 1)
    if end < 0:
        raise PatternError("has a `[` that is not closed")
    inside = pattern[at + 1 : end]
    if not inside:
        raise PatternError("has brackets with nothing in them")
    parts.append(Part(_characters(inside).__contains__))
    return end + 1


def _characters(inside: str) -> set[str]:
    found: set[str] = set()
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            first, last = ord(inside[at]), ord(inside[at + 2])
            if first > last or not any(first in span and last in span for span in _SPANS):
                raise PatternError(f"has the range `{inside[at : at + 3]}`, which is none of a-z, A-Z, 0-9")
            found |= {chr(code) for code in range(first, last + 1)}
            at += 3
        else:
            found.add(inside[at])
            at += 1
    return found


def matches(parts: Iterable[Part], name: str) -> bool:
    """Follows all ways at once: `reached` holds how much of the name the parts so far can have taken."""
    reached = {0}
    for part in parts:
        if part.folders:
            least = min(reached, default=len(name))
            reached |= {at + 1 for at in range(least + 1, len(name)) if name[at] == "/"}
            continue
        taken = {at + 1 for at in reached if at < len(name) and part.takes(name[at])}
        if part.many:
            for at in range(len(name)):
                if at in taken and part.takes(name[at]):
                    taken.add(at + 1)
        reached = taken if part.least else reached | taken
    return len(name) in reached
