"""Globs of GitLab's `changes` and `exists`: as Ruby's `File.fnmatch` takes them, with braces and dots."""

from __future__ import annotations

import functools
import re

from graders.pipelines.patterns import Part, matches

MOST = 64
"""Globs that the braces of one may stand for."""

LONGEST = 512

_BRACES = re.compile(r"\{([^{}]*)\}")


def fits(glob: str, path: str) -> bool:
    """Whether a glob matches a whole path.

    `*` and `?` stay within a folder, `**/` goes through any number of them, `{a,b}` is one or the other.

    >>> [fits("docs/**/*.{md,txt}", path) for path in ("docs/a.md", "docs/x/y.txt", "docs/a.py")]
    [True, True, False]
    """
    return any(matches(_parts(one), path) for one in spread(glob[:LONGEST]))


def spread(glob: str) -> list[str]:
    """The globs without braces that a glob stands for."""
    found, done = [glob], list[str]()
    while found and len(found) + len(done) <= MOST:
        one = found.pop()
        braces = _BRACES.search(one)
        if braces is None:
            done.append(one)
        else:
            found += [one[: braces.start()] + choice + one[braces.end() :] for choice in braces[1].split(",")]
    return done


@functools.lru_cache(maxsize=2048)
def _parts(glob: str) -> list[Part]:
    parts: list[Part] = []
    at = 0
    while at < len(glob):
        sign = glob[at]
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            parts.append(Part(lambda _: True, 0, many=True, folders=True))
            at += 3
        elif sign == "*":
            parts.append(Part(lambda character: character != "/", 0, many=True))
            at += 1
        elif sign == "?":
            parts.append(Part(lambda character: character != "/"))
            at += 1
        elif sign == "[" and "]" in glob[at + 2 :]:
            end = glob.index("]", at + 2)
            parts.append(_class(glob[at + 1 : end]))
            at = end + 1
        else:
            at += sign == "\\" and at + 1 < len(glob)
            parts.append(Part(glob[at].__eq__))
            at += 1
    return parts


def _class(inside: str) -> Part:
    negative = inside[0] in "!^"
    inside = inside[negative:]
    found = set(inside)
    for first, last in re.findall(r"(.)-(.)", inside):
        found |= {chr(code) for code in range(ord(first), min(ord(last), ord(first) + 256) + 1)}
    return Part(lambda character: character != "/" and (character in found) is not negative)
