"""`VolumeFiles` over the session with the side container that holds the volume."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mde_grader.runtimes.commands import OUTPUT_LIMIT
from mde_grader.runtimes.inspector.session import Session, SessionError

PIECE = 3 << 20
"""Bytes that are asked for at once; an answer holds 4 MiB at the most."""

WRITE_LIMIT = 4 << 20
"""Bytes of one file that is written; the side container may not write larger ones."""

SECONDS = 20.0
"""Deadline of one operation: 16,384 files, which is all that a volume may hold, are removed in less than one."""


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """See `commands.VolumeFiles`.

    Attributes:
        session: The session.
        place: Where the side container holds the volume.
        uid: Whose the files are.
        gid: The same for groups.
    """

    session: Session
    place: str
    uid: int
    gid: int

    def make(self, folder: str) -> None:
        """See `commands.VolumeFiles`."""
        self._ask("make", folder)

    def write(self, files: Mapping[str, bytes], *, folder: str = "", mode: int = 0o644) -> None:
        """See `commands.VolumeFiles`."""
        for path, content in files.items():
            if len(content) > WRITE_LIMIT:
                raise ValueError(f"{path} has {len(content)} bytes, more than the {WRITE_LIMIT} that are written")
        for path, content in files.items():
            self._ask("write", folder, path=path, data=base64.b64encode(content).decode("ascii"), mode=mode)

    def read(self, path: str, *, folder: str = "", limit: int = OUTPUT_LIMIT) -> bytes:
        """See `commands.VolumeFiles`."""
        content = b""
        while True:
            answer = self._ask("read", folder, path=path, offset=len(content), limit=PIECE)
            piece = base64.b64decode(answer["data"])
            content += piece
            size = max(int(answer["size"]), len(content))
            if size > limit:
                raise ValueError(f"{path} has {size} bytes, more than the {limit} that are read")
            if not piece or len(content) >= size:
                return content

    def kind(self, path: str, *, folder: str = "") -> str:
        """See `commands.VolumeFiles`."""
        return str(self._ask("kind", folder, path=path)["kind"] or "")

    def remove(self, path: str, *, folder: str = "") -> None:
        """See `commands.VolumeFiles`."""
        self._ask("remove", folder, path=path)

    def _ask(self, what: str, folder: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return self.session.call(
                f"volume-{what}",
                seconds=SECONDS,
                volume=self.place,
                folder=folder,
                uid=self.uid,
                gid=self.gid,
                **arguments,
            )
        except SessionError as error:
            if error.kind == "gone":
                raise
            if error.kind == "missing":
                raise FileNotFoundError(error.message) from error
            raise ValueError(error.message) from error
