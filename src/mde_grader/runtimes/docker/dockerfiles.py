"""What the builder has to know of a Dockerfile that the policy accepted and rewrote. Pure.

This is not a parser of what candidates write; that one is the policy's and refuses. Here the text is known to be good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM.

    Attributes:
        base: What it names: an image, `scratch` or an earlier stage.
        name: Its `AS` name in lower case, or empty.
    """

    base: str
    name: str


def instructions(text: str) -> list[str]:
    """The Dockerfile's instructions, continuation lines joined, comments and empty lines left out."""
    found: list[str] = []
    open_line = False
    for raw in text.removesuffix("\n").split("\n"):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if open_line:
            found[-1] += " " + line.rstrip("\\").strip()
        else:
            found.append(line.rstrip("\\").strip())
        open_line = line.endswith("\\")
    return found


def stages(text: str) -> list[Stage]:
    """The Dockerfile's stages in order."""
    found = []
    for line in instructions(text):
        words = [word for word in line.split() if not word.startswith("--")]
        if words[0].upper() == "FROM" and len(words) > 1:
            named = len(words) > 3 and words[2].upper() == "AS"  # noqa: PLR2004
            found.append(Stage(words[1], words[3].lower() if named else ""))
    return found


def base_of(text: str, target: str | None) -> str:
    """The image under the stage that is built, through stages that stand on stages; `scratch` for none."""
    every = stages(text)
    if not every:
        return SCRATCH
    wanted = _index(every, target) if target is not None else None
    at = len(every) - 1 if wanted is None else wanted
    while True:
        below = _index(every[:at], every[at].base)
        if below is None:
            return every[at].base
        at = below


def _index(among: list[Stage], name: str | None) -> int | None:
    """Where the stage of that name or number stands; the last one wins, as it does for the engine."""
    wanted = (name or "").lower()
    for at in reversed(range(len(among))):
        if among[at].name and among[at].name == wanted:
            return at
    return int(wanted) if wanted.isascii() and wanted.isdigit() and int(wanted) < len(among) else None


def images(text: str) -> list[str]:
    """Images that the stages stand on, each once, without `scratch` and earlier stages."""
    every = stages(text)
    found = [stage.base for at, stage in enumerate(every) if _index(every[:at], stage.base) is None]
    return list(dict.fromkeys(name for name in found if name != SCRATCH))


def runs(text: str) -> bool:
    """Whether anything is run during the build."""
    return any(line.split()[0].upper() in {"RUN", "ONBUILD"} for line in instructions(text))


def labelled(text: str, key: str, value: str) -> str:
    """The text with `LABEL key=value` after each FROM, as far as it is not there already.

    Intermediate images and the containers of RUN steps carry it then, so that what a cancelled build leaves is found.
    """
    label = f'LABEL "{key}"="{value}"'
    if re.search(rf'^LABEL\s+"?{re.escape(key)}"?=', text, re.MULTILINE):
        return text
    lines: list[str] = []
    in_from = False
    for line in text.removesuffix("\n").split("\n"):
        lines.append(line)
        in_from = (in_from or line.lstrip()[:5].upper().rstrip() == "FROM") and not line.lstrip().startswith("#")
        if in_from and not line.rstrip().endswith("\\"):
            lines.append(label)
            in_from = False
    return "\n".join(lines) + "\n"
