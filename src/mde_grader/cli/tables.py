"""Rows of text in aligned columns."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "
NARROW = 12
"""Columns that the second cell keeps on the narrowest screen."""


def table(rows: Sequence[tuple[str, ...]], columns: int) -> list[str]:
    """Rows in aligned columns; the second column gives way where the screen is narrow.

    Args:
        rows: Equally long, at least two cells each.
        columns: Width of the screen.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    room = columns - sum(widths) + widths[1] - len(GAP) * (len(widths) - 1)
    widths[1] = min(widths[1], max(room, NARROW))
    return [GAP.join(_fit(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]


def _fit(text: str, size: int) -> str:
    return text.ljust(size) if len(text) <= size else text[: size - 1] + "…"
