"""What stands beside the attacks and must be as it was afterwards. Run as a program, it is the door that listens."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

CANARY_IMAGE = "mde-grade-canary:latest"
DOOR = 47113
"""Port on every address of the engine's machine; the network attacks knock there."""


@dataclass(frozen=True)
class Canaries:
    """Attributes:
    file: A file of the host.
    text: What is in it.
    heard: What the door heard, a line a knock.
    variable: Value of a variable in the grader's environment.
    image: Id of an image that is not the grader's to use.
    """

    file: Path
    text: str
    heard: Path
    variable: str
    image: str

    def harmed(self) -> list[str]:
        """What was done to them, in words."""
        found = [] if self.file.is_file() and self.file.read_text() == self.text else ["the canary's file was changed"]
        return found + [f"somebody knocked at the host: {line}" for line in self.heard.read_text().splitlines()]

    def secrets(self) -> tuple[str, ...]:
        """Texts that nothing may tell."""
        return (self.text, self.variable)


def listen(port: int, heard: Path) -> None:
    """Write down who connects, for ever."""
    with socket.create_server(("0.0.0.0", port)) as door:
        heard.write_text("")
        while True:
            line, address = door.accept()
            with heard.open("a") as stream:
                stream.write(f"{address[0]}\n")
            line.close()


if __name__ == "__main__":
    listen(int(sys.argv[1]), Path(sys.argv[2]))
