"""What a build said: a log that keeps head and tail, and the ids that the engine named. No engine needed.

The text is written by the candidate's programs as well, so an id found here is only a guess at what to look up; what
decides is the label that the engine shows for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_CONTAINER = re.compile(r"^ ---> Running in ([0-9a-f]{12})\s*$")
_IMAGE = re.compile(r"^ ---> ([0-9a-f]{12})\s*$")
_FROM = re.compile(r"^Step \d+/\d+ : FROM ", re.IGNORECASE)

_BUILDERS = re.compile(
    r"^(?:\x1b\[[0-9;]*m)*(?: ---> (?:[0-9a-f]{12}|Using cache|Running in [0-9a-f]{12})"
    r"|Removing intermediate container [0-9a-f]{12}"
    r"|The command '.*' returned a non-zero code: \d+)\s*$"
)
"""The builder ends what a program wrote to stderr by resetting the colour, at the start of its own next line."""


def own_lines(log: str) -> str:
    """A build's log without the builder's own lines on ids and the cache, and without its repeated last word.

    What is left are the steps and what their programs printed: a report has room for a few lines only.
    """
    return "\n".join(line for line in log.split("\n") if not _BUILDERS.match(line))


@dataclass(slots=True)
class HeadTail:
    """Bytes of which the first and the last half of `limit` are kept."""

    limit: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, data: bytes) -> None:
        """Take more."""
        self.total += len(data)
        room = self.limit // 2 - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        self.tail += data
        keep = self.limit - self.limit // 2
        if len(self.tail) > 2 * keep:
            del self.tail[:-keep]

    def text(self) -> str:
        """What was kept, with a line that says how much is missing."""
        keep = self.limit - self.limit // 2
        tail = bytes(self.tail[-keep:])
        missing = self.total - len(self.head) - len(tail)
        gap = f"\n[... {missing} bytes left out ...]\n".encode() if missing else b""
        return (bytes(self.head) + gap + tail).decode(errors="replace")


MAX_STEPS = 500
"""Containers of one build that are remembered; the policy allows 60 instructions, the rest is what programs print."""


@dataclass(slots=True)
class Transcript:
    """The decoded stream of one build.

    Attributes:
        log: What a reader would have seen.
        error: The engine's last word where the build failed.
        image: Id of the image where it did not; only the engine can say it.
        container: Short id of the step that runs, or empty.
        steps: Short ids of all containers that were named, the first few hundred.
        tops: Short ids of the last image of each stage that is complete, and of the stage at hand.
    """

    log: HeadTail
    error: str = ""
    image: str = ""
    container: str = ""
    steps: list[str] = field(default_factory=list)
    tops: list[str] = field(default_factory=list)
    _last: str = ""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take a piece of the stream; messages end with a line feed and may be cut anywhere."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._message(line)

    def _message(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        text = message.get("stream")
        if isinstance(text, str):
            self._said(text)
        aux = message.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("ID"), str):
            self.image = aux["ID"]
        if isinstance(message.get("error"), str):
            self.error = message["error"].strip()
            self.log.add(self.error.encode() + b"\n")

    def _said(self, text: str) -> None:
        self.log.add(text.encode(errors="replace"))
        if _FROM.match(text) and self._last:
            self.tops.append(self._last)
            self._last = ""
        container, image = _CONTAINER.match(text), _IMAGE.match(text)
        if container:
            self.container = container.group(1)
            if len(self.steps) < MAX_STEPS and self.container not in self.steps:
                self.steps.append(self.container)
        if image:
            self._last, self.container = image.group(1), ""

    def images(self) -> list[str]:
        """Short ids of the last image of every stage that was begun, each once, newest first."""
        return list(dict.fromkeys(reversed([*self.tops, *([self._last] if self._last else [])])))
