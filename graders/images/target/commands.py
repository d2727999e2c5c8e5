"""What a pipeline asks for over SSH; pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from graders.images.serving.words import Refused, named, shown

SLOTS = ("blue", "green")
LONGEST = 1000
"""Characters of a command; the longest honest one has 200."""

SHAPES = {
    "upload": ("NAME",),
    "migrate": ("NAME", "FILE"),
    "migrated": (),
    "start": ("SLOT", "NAME"),
    "stop": ("SLOT",),
    "health": ("SLOT",),
    "switch": ("SLOT",),
    "status": (),
    "lock": ("HOLDER", "[SECONDS]"),
    "unlock": ("HOLDER",),
}
LEASE = 120
LONGEST_LEASE = 600
_OPTIONAL = "["


class Unclear(Refused):
    """A command that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb and its arguments, each of the right kind."""

    verb: str
    arguments: tuple[str, ...] = ()


def usage(verb: str) -> str:
    """How a verb is written.

    >>> usage("lock")
    'lock HOLDER [SECONDS]'
    """
    return " ".join((verb, *SHAPES[verb]))


def command_of(text: str) -> Command:
    """Read a command.

    Raises:
        Unclear: There is no such verb, or its arguments are others.
    """
    if len(text) > LONGEST:
        raise Unclear(f"the command has {len(text)} characters; send {LONGEST} at the most")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Unclear(f"the command cannot be read ({error}); close its quotes") from None
    if not words or words[0] not in SHAPES:
        asked = shown(words[0]) if words else "nothing"
        raise Unclear(f"{asked} is no verb; use one of: {', '.join(SHAPES)}")
    verb, *arguments = words
    shape = SHAPES[verb]
    least = sum(not kind.startswith(_OPTIONAL) for kind in shape)
    if not least <= len(arguments) <= len(shape):
        raise Unclear(f"{verb} has {len(arguments)} arguments; write {usage(verb)}")
    return Command(verb, tuple(_argument(kind, word, verb) for kind, word in zip(shape, arguments, strict=False)))


def _argument(kind: str, word: str, verb: str) -> str:
    if kind == "SLOT" and word not in SLOTS:
        raise Unclear(f"{shown(word)} is no slot; write {verb} {' or '.join(SLOTS)}")
    if kind == "[SECONDS]" and not (word.isascii() and word.isdigit() and 0 < int(word[:9]) <= LONGEST_LEASE):
        raise Unclear(f"{shown(word)} is no number of seconds from 1 to {LONGEST_LEASE}; write {usage(verb)}")
    if kind in {"NAME", "FILE", "HOLDER"}:
        try:
            return named(word, {"NAME": "release", "FILE": "migration"}.get(kind, "holder"))
        except Refused as error:
            raise Unclear(error.message) from None
    return word
