"""Make text from outside safe to show: no control sequences, no hidden direction marks, a bounded size.

Everything that a candidate's program printed or named passes through here once before it is kept, and again before it
is rendered. Encoders (HTML, XML, Markdown) still do their own escaping.
"""

from __future__ import annotations

import re

LIMIT = 4000
"""Characters that a text keeps by default: about two screens of evidence."""

LINES = 60
"""Lines that a text keeps by default."""

WIDTH = 500
"""Characters that one line keeps by default."""

# Operating-system commands, device control strings and their like, up to their terminator; never past a line's end,
# so that an unfinished one cannot swallow what follows.
_STRINGS = re.compile(r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)?")
_CONTROLS = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?")
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 but for the line feed, direction marks, invisible joiners and fillers, tags, non-characters.
_UNSEEN = re.compile(
    "[\x00-\x09\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)


def clean(text: str | bytes, *, limit: int = LIMIT, lines: int = LINES) -> str:
    """Text that can be shown anywhere after the format's own escaping.

    Terminal sequences, control characters, direction overrides and invisible characters go; tabs become spaces; every
    kind of line break becomes a line feed; bytes are read as UTF-8. Cleaning twice changes nothing.

    Args:
        text: What a program printed, or any name.
        limit: Most characters of the result.
        lines: Most lines of the result.
    """
    raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if raw.isascii() and raw.isprintable():  # as most texts are
        return cap(raw.rstrip(), limit=limit, lines=lines)
    raw = _CONTROLS.sub("", _STRINGS.sub("", raw))
    raw = _BREAKS.sub("\n", raw).expandtabs(4)
    raw = _SURROGATES.sub("\ufffd", _UNSEEN.sub("", raw))
    raw = _STACKED.sub(r"\1", raw)
    return cap("\n".join(line.rstrip() for line in raw.split("\n")).strip("\n"), limit=limit, lines=lines)


def clean_line(text: str | bytes, *, limit: int = WIDTH) -> str:
    """The same on one line: every run of white space becomes one space, and the end is cut with an ellipsis.

    Args:
        text: What a program printed, or any name.
        limit: Most characters of the result, at least 1.
    """
    # Four times the limit is read at the most, so that a flood costs no more than a line.
    flat = " ".join(clean(text, limit=4 * limit, lines=LINES).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def cap(text: str, *, limit: int = LIMIT, lines: int = LINES) -> str:
    """Keep the head and the tail of a text and say how much was left out between them.

    Args:
        text: Any text.
        limit: Most characters of the result.
        lines: Most lines of the result.
    """
    return _cap_characters(_cap_lines(text, max(lines, 3)), max(limit, 0))


def _cap_lines(text: str, lines: int) -> str:
    rows = text.split("\n")
    if len(rows) <= lines:
        return text
    head = (lines - 1) // 2
    tail = lines - 1 - head
    return "\n".join([*rows[:head], f"[… {len(rows) - head - tail} lines left out …]", *rows[-tail:]])


def _cap_characters(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    mark = f"[… {len(text)} characters in all …]"
    room = limit - len(mark) - 2
    if room < len(mark):
        return text[: max(limit - 1, 0)] + "…" * (limit > 0)
    head = room // 2
    return f"{text[:head]}\n{mark}\n{text[len(text) - (room - head) :]}"
