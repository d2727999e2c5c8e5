"""Reads the project's own documents: fenced blocks, links, and the commands that they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
INLINE = re.compile(r"`(?P<code>mde-grade [^`]+)`")
PROMPT = re.compile(r"^(\$ |- (run: )?|run: )")
END = re.compile(r"\s(#|>|\||;|&&|&)\s?.*$")
FILE = re.compile(r"^`(?P<path>[^`\n]+)`:\n\n```\w*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_OURS = {"solutions", "starter", "cases", "node_modules"}


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    body: str


def documents(root: Path) -> list[Path]:
    """All Markdown that we wrote for people, the labs' briefs too."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("labs/*/README.md")]
    return sorted(path for path in found if not NOT_OURS & set(path.relative_to(root).parts))


def blocks(text: str) -> list[Block]:
    """The fenced blocks, in order."""
    return [Block(match["language"], match["body"]) for match in FENCE.finditer(text)]


def write_files(text: str, folder: Path) -> list[str]:
    """Write every file that a document shows whole, below its name; the names."""
    found = [(match["path"], match["body"]) for match in FILE.finditer(text)]
    for name, body in found:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    return [name for name, _ in found]


def links(text: str) -> list[str]:
    """Relative links, without their anchors."""
    targets = (match["target"] for match in LINK.finditer(FENCE.sub("", text)))
    return [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


def typed(block: Block) -> list[str]:
    """What is typed in a console block."""
    return [line[2:] for line in block.body.splitlines() if line.startswith("$ ")]


def answered(block: Block, command: str) -> list[str]:
    """The lines that a console block shows after a command."""
    after = block.body.split(f"$ {command}\n", 1)[1]
    return re.split(r"^\$ ", after, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each `mde-grade ...` that a document shows, in a block or between backticks."""
    for block in blocks(text):
        for line in block.body.splitlines():
            stripped = PROMPT.sub("", line.strip())
            if stripped.startswith("mde-grade ") and " · " not in stripped:
                yield _arguments(stripped)
    for match in INLINE.finditer(FENCE.sub("", text)):
        if "|" not in match["code"] and "..." not in match["code"]:
            yield _arguments(match["code"])


def _arguments(line: str) -> list[str]:
    return shlex.split(END.sub("", line).replace("[", "").replace("]", ""))[1:]
