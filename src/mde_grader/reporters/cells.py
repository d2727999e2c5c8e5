"""Text in the cells of a terminal: wide characters take two, combining ones none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

_PLAIN = str.maketrans(
    {"✔": "+", "✘": "x", "∅": "-", "█": "#", "░": ".", "·": "-", "\u2013": "-", "…": "~", "─": "-", "→": ">"}
)


def cells(text: str) -> int:
    """Cells that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def fit(text: str, width: int) -> str:
    """The text cut to `width` cells, with an ellipsis where something was cut."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        used += _cell(char)
        kept += char if used < width else ""
    return kept.rstrip() + "…" * (width > 0)


def pad(text: str, width: int) -> str:
    """The text cut or filled to exactly `width` cells."""
    cut = fit(text, width)
    return cut + " " * (width - cells(cut))


def wrap(text: str, width: int, *, most: int = 0) -> list[str]:
    """The text in lines of at most `width` cells; its own line breaks are kept, long words are broken.

    Args:
        text: Clean text.
        width: Cells of a line, at least 2.
        most: Lines at the most, the last one cut with an ellipsis; 0 for all.
    """
    lines = [line for part in text.split("\n") for line in _wrapped(part, width)]
    if most and len(lines) > most:
        lines = [*lines[: most - 1], fit(f"{lines[most - 1]} {lines[most]}", width - 1).rstrip("…") + "…"]
    return lines


def paint(text: str, style: str, *, color: bool) -> str:
    """The text in a style such as `bold red`, or as it is."""
    codes = ";".join(_COLOURS[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if color and codes and text else text


def plain(text: str) -> str:
    """The text in ASCII, for terminals that know no more; what has no likeness becomes `?`."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in _broken(text, width):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
        else:
            yield line
            line = word
    yield line


def _broken(text: str, width: int) -> Iterator[str]:
    """Words of a text; one that is longer than a line comes in pieces."""
    for word in text.split():
        piece, used = "", 0
        for char in word:
            wide = _cell(char)
            if used + wide > width:
                yield piece
                piece, used = "", 0
            piece, used = piece + char, used + wide
        yield piece


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
