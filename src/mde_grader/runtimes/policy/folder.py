"""Reading the staged submission: by path inside it, never through a link that leaves it, never more than a cap."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mde_grader.runtimes.policy.rules import refuse, shown

MAX_TEXT = 256 * 1024
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def inside(base: str, path: str, *, where: str) -> str:
    """`path` as seen from the folder `base` of the submission, from the submission's root; `.` is the root itself.

    Raises:
        SubmissionRefusedError: The path is absolute or climbs out.
    """
    parts = [] if base == "." else base.split("/")
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == ".." or path.startswith(("/", "~")) or "\0" in path:
            raise refuse(
                "submission.outside",
                f"{shown(path)} is outside the submission",
                where=where,
                hint="use a path that begins at this file's folder, and copy what you need into the submission",
            )
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or "."


class Folder:
    """A staged submission.

    Args:
        root: Our copy of it; links in it may point anywhere inside.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self.root = Path(self._root)

    def path(self, name: str) -> Path | None:
        """The real place of `name`, None when nothing is there or it is outside."""
        asked = self.root / name
        try:
            asked.stat()  # sooner than `realpath` for the many names that are not there
            place = os.path.realpath(asked, strict=True)
        except (OSError, ValueError):
            return None
        return Path(place) if f"{place}/".startswith(f"{self._root}/") else None

    def is_file(self, name: str) -> bool:
        """Whether a regular file is there."""
        place = self.path(name)
        return place is not None and place.is_file()

    def is_folder(self, name: str) -> bool:
        """Whether a folder is there."""
        place = self.path(name)
        return place is not None and place.is_dir()

    def read(self, name: str, *, where: str = "", limit: int = MAX_TEXT) -> bytes:
        """Content of a regular file.

        Args:
            name: Path from the submission's root.
            where: Which line names it; the file itself when empty.
            limit: Most bytes that it may have.

        Raises:
            SubmissionRefusedError: It is missing, no regular file, or larger than `limit`.
        """
        place = self.path(name)
        try:
            if place is None:
                raise FileNotFoundError(name)
            return _content(place, limit)
        except ValueError:
            raise refuse(
                "submission.text",
                f"{shown(name)} has more than {limit // 1024} KiB",
                where=where or name,
                hint="shorten it",
            ) from None
        except OSError:
            raise refuse(
                "submission.missing",
                f"{shown(name)} is not in the submission, or is not a file",
                where=where or name,
                hint="hand it in, or mend the path; names are case-sensitive",
            ) from None

    def text(self, name: str, *, where: str = "", limit: int = MAX_TEXT) -> str:
        """Content of a UTF-8 file, line ends made plain.

        Raises:
            SubmissionRefusedError: As `read`, or not UTF-8, or with a NUL character.
        """
        try:
            text = self.read(name, where=where, limit=limit).decode("utf-8-sig")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise refuse("submission.text", f"{shown(name)} is not UTF-8 text", where=name, hint="save it as UTF-8")
        return text.replace("\r\n", "\n")


def _content(place: Path, limit: int) -> bytes:
    descriptor = os.open(place, _FLAGS)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise FileNotFoundError(place)
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ValueError(limit)
    return data
