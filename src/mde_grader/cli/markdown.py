"""A brief's Markdown as plain text that reads well in a terminal. Not a Markdown parser: briefs are ours."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_ITEM = re.compile(r"(\s*)([-*+]|\d+[.)])\s+(.*)")
_FENCE = re.compile(r"\s*(```|~~~)")
_UNDERLINES = {1: "=", 2: "-"}


def plain(markdown: str, columns: int) -> str:
    """Set Markdown in at most `columns` columns: headings underlined, code indented, paragraphs filled.

    Args:
        markdown: The brief.
        columns: Width to fill.
    """
    blocks = (_set(block, columns) for block in _blocks(markdown))
    return "\n\n".join(block for block in blocks if block).strip() + "\n"


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Groups of lines that belong together; a fenced block is one, blank lines and all."""
    block: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        fence = bool(_FENCE.match(line))
        if (fence and not fenced) or (not fenced and (not line.strip() or _HEADING.match(line))):
            yield block
            block = []
        block.append(line)
        if (fence and fenced) or (not fenced and _HEADING.match(line)):
            yield block
            block = []
        fenced = fenced != fence
    yield block


def _set(block: list[str], columns: int) -> str:
    lines = [line for line in block if line.strip()]
    if not lines:
        return ""
    if _FENCE.match(lines[0]):
        return "\n".join(f"    {line}".rstrip() for line in block[1:] if not _FENCE.match(line))
    heading = _HEADING.match(lines[0])
    if heading:
        return _headed(len(heading[1]), _inline(heading[2]))
    if lines[0].lstrip().startswith("|"):
        return "\n".join(_inline(line) for line in lines)
    return "\n".join(_filled(item, columns) for item in _items(lines))


def _headed(level: int, text: str) -> str:
    mark = _UNDERLINES.get(level)
    return f"{text}\n{mark * len(text)}" if mark else text


def _items(lines: list[str]) -> Iterator[str]:
    """Paragraphs and list items, each joined to one line, with the item's own indentation kept."""
    item = ""
    for line in lines:
        if _ITEM.match(line) or not item:
            if item:
                yield item
            item = line.rstrip()
        else:
            item += " " + line.strip()
    yield item


def _filled(item: str, columns: int) -> str:
    found = _ITEM.match(item)
    lead = f"{found[1]}{found[2]} " if found else ""
    text = _inline(found[3] if found else item.strip())
    return textwrap.fill(
        text,
        columns,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _inline(text: str) -> str:
    text = _LINK.sub(lambda link: link[1] if link[1] == link[2] else f"{link[1]} ({link[2]})", text)
    return _STRONG.sub(r"\2", text)
