"""The application of lab-01, as its practice variant gives it to candidates."""

from __future__ import annotations

from pathlib import Path

from graders.pipelines.edits import Files
from mde_grader.labs import load_lab


def ferry_app(folder: Path) -> Files:
    """Its files, laid out in an empty folder."""
    lab = load_lab("lab-01").given_to(None)
    lab.lay_out(lab.starter, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
