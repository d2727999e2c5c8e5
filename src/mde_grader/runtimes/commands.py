"""What a command in a workspace came to, and the files of a volume; plain data and a Protocol, as in `base`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

OUTPUT_LIMIT = 1 << 20
"""Bytes that are kept of each of a command's two outputs, unless more are asked for."""

SCRATCH = "/tmp"  # noqa: S108 - a path in the container, which nobody shares
"""What every command of a workspace can write to, and where it works when the workspace has no volume."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How one command in a container of its own ended. Its outputs are the candidate's words: shown, never believed.

    Attributes:
        exit_code: Its exit code; None when we ended it.
        out: Standard output, head and tail within the limit; what is not UTF-8 becomes U+FFFD.
        err: Standard error, the same.
        seconds: From its start to its end.
        timed_out: We ended it because its time was up.
        oom: The kernel killed it, or a child of it, for its memory.
        flooded: We ended it because it did not stop printing.
        cut: A part of an output was left out.
    """

    exit_code: int | None
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    timed_out: bool = False
    oom: bool = False
    flooded: bool = False
    cut: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.exit_code == 0

    @property
    def end(self) -> str:
        """How it ended, in words for the candidate."""
        if self.timed_out:
            return f"it did not end within {self.seconds:.0f} s"
        if self.flooded:
            return "it did not stop printing"
        if self.oom:
            return "it needed more memory than it may use"
        return f"it ended with exit code {self.exit_code}"


class VolumeFiles(Protocol):
    """Files on one volume of a stack, reached without any program of the candidate's.

    Paths are relative to `folder`, and `folder` to the volume. No link is followed out of `folder`, and none at all in
    writing and removing. What is made belongs to the user of the workspaces that mount the volume.
    """

    def make(self, folder: str) -> None:
        """Make a folder with all above it; no error when it is there.

        Raises:
            ValueError: Something that is no folder stands in the way, or the volume is full.
        """
        ...

    def write(self, files: Mapping[str, bytes], *, folder: str = "", mode: int = 0o644) -> None:
        """Write files, path to content, with the folders above them; what is there is replaced.

        Raises:
            ValueError: A folder or a link stands in the way, the volume is full, or a file has more than 4 MiB.
        """
        ...

    def read(self, path: str, *, folder: str = "", limit: int = OUTPUT_LIMIT) -> bytes:
        """The content of one regular file.

        Raises:
            FileNotFoundError: There is none.
            ValueError: Not a regular file, a link out of the folder, or more than `limit` bytes.
        """
        ...

    def kind(self, path: str, *, folder: str = "") -> str:
        """`file`, `directory`, `link`, `fifo`, `socket` or `device`; empty when there is nothing."""
        ...

    def remove(self, path: str, *, folder: str = "") -> None:
        """Remove a file, or a folder with all in it; no error when there is nothing.

        Raises:
            ValueError: It cannot be removed.
        """
        ...
