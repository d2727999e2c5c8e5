"""Files on a volume of the fake engine: path to content, folders implied, no links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from mde_grader.runtimes.commands import OUTPUT_LIMIT


@dataclass(frozen=True, slots=True)
class FakeFiles:
    """See `commands.VolumeFiles`.

    Attributes:
        content: The volume's files by their path on it.
    """

    content: dict[str, bytes]

    def make(self, folder: str) -> None:
        """See `commands.VolumeFiles`."""
        for above in _above(folder):
            if above in self.content:
                raise ValueError(f"{folder}: Not a directory")

    def write(self, files: Mapping[str, bytes], *, folder: str = "", mode: int = 0o644) -> None:  # noqa: ARG002
        """See `commands.VolumeFiles`."""
        for path, data in files.items():
            place = _place(folder, path)
            self.make(place.rpartition("/")[0])
            if self.kind(place) == "directory":
                raise ValueError(f"{path}: Is a directory")
            self.content[place] = data

    def read(self, path: str, *, folder: str = "", limit: int = OUTPUT_LIMIT) -> bytes:
        """See `commands.VolumeFiles`."""
        place = _place(folder, path)
        found = self.kind(place)
        if not found:
            raise FileNotFoundError(path)
        if found != "file":
            raise ValueError(f"{path} is a {found}, not a regular file")
        if len(self.content[place]) > limit:
            raise ValueError(f"{path} has {len(self.content[place])} bytes, more than the {limit} that are read")
        return self.content[place]

    def kind(self, path: str, *, folder: str = "") -> str:
        """See `commands.VolumeFiles`."""
        place = _place(folder, path)
        if place in self.content:
            return "file"
        return "directory" if any(each.startswith(f"{place}/") for each in self.content) else ""

    def remove(self, path: str, *, folder: str = "") -> None:
        """See `commands.VolumeFiles`."""
        place = _place(folder, path)
        for each in [each for each in self.content if each == place or each.startswith(f"{place}/")]:
            del self.content[each]


def _place(folder: str, path: str) -> str:
    parts = [*(folder.split("/") if folder else ()), *path.split("/")]
    if any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"not a plain relative path: {path!r}")
    return "/".join(parts)


def _above(folder: str) -> list[str]:
    path = PurePosixPath(folder)
    return [str(each) for each in (path, *path.parents) if str(each) != "."]
