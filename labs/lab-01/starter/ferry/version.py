"""Which commit this release was built from."""

from pathlib import Path

UNKNOWN = "unknown"


def read_version(folder: Path | None = None) -> str:
    """The content of VERSION, which the pipeline puts beside the packages of a release."""
    place = (folder or Path(__file__).resolve().parent.parent) / "VERSION"
    return place.read_text(encoding="utf-8").strip() if place.is_file() else UNKNOWN
