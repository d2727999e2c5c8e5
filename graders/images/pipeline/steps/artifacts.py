"""`actions/upload-artifact` and `actions/download-artifact`: files that jobs of one run leave for each other.

https://github.com/actions/upload-artifact#usage and https://github.com/actions/download-artifact#usage. As there, a
name can be used once, file modes are lost, hidden files stay behind unless they are asked for, and files keep their
place below the common folder of all paths.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from .inputs import PIPELINE, StepError, flag, give, home, lines, notice, text

STORE = PIPELINE / "artifacts"
_WILD = frozenset("*?[")
_FORBIDDEN = frozenset('"":<>|*?\r\n\\/')


def upload() -> None:
    """Keep files under a name.

    Raises:
        StepError: There are none and that is an error, or the name is taken.
    """
    name = text("name", "artifact")
    if _FORBIDDEN & set(name) or name.startswith("."):
        raise StepError(f"upload-artifact: {name!r} is no usable name")
    patterns = lines("path")
    if not patterns:
        raise StepError("upload-artifact: the input path is missing")
    found = gathered(patterns, hidden=flag("include-hidden-files", default=False))
    if not found:
        _nothing(patterns)
        return
    place = STORE / name
    if place.exists() and not flag("overwrite", default=False):
        raise StepError(f"upload-artifact: an artifact {name!r} is there already (409 Conflict)")
    shutil.rmtree(place, ignore_errors=True)
    for target, source in found.items():
        (place / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place / target)
    give(artifact_id=str(len(list(STORE.iterdir()))), artifact_url="")
    notice("", f"{len(found)} files are kept as {name}")


def _nothing(patterns: Iterable[str]) -> None:
    message = f"no files were found with the path: {', '.join(patterns)}"
    kind = text("if-no-files-found", "warn")
    if kind not in {"warn", "error", "ignore"}:
        raise StepError(f"upload-artifact: if-no-files-found must be warn, error or ignore, not {kind!r}")
    if kind == "error":
        raise StepError(f"upload-artifact: {message}")
    notice("warning" if kind == "warn" else "", message)


def gathered(patterns: Iterable[str], *, hidden: bool) -> dict[str, Path]:
    """Path in the artifact to file, for the patterns of a `path` input; `!` takes out.

    Args:
        patterns: One a line.
        hidden: Whether files and folders with a dot before their name are taken.
    """
    wanted = [home(pattern) for pattern in patterns if not pattern.startswith("!")]
    unwanted = [str(home(pattern[1:].strip())) for pattern in patterns if pattern.startswith("!")]
    roots = [_root(path) for path in wanted]
    found = {file for path in wanted for file in _files(path)}
    kept = [file for file in sorted(found) if not any(_matches(str(file), pattern) for pattern in unwanted)]
    if not kept:
        return {}
    base = Path(os.path.commonpath(roots)) if roots else Path()
    if base.is_file() or (len(wanted) == 1 and wanted[0].is_file()):
        base = wanted[0].parent
    placed = {os.path.relpath(file, base): file for file in kept}
    return {
        place: file for place, file in placed.items() if hidden or not any(part[0] == "." for part in Path(place).parts)
    }


def _root(path: Path) -> str:
    """The folder that a pattern searches: all before its first wildcard, or the file's own folder."""
    parts: list[str] = []
    for part in path.parts:
        if _WILD & set(part):
            break
        parts.append(part)
    root = Path(*parts)
    return str(root.parent if root.is_file() else root)


def _files(path: Path) -> Iterable[Path]:
    matches = glob.glob(str(path), recursive=True, include_hidden=True)  # noqa: PTH207 - a pattern, no path
    for match in map(Path, matches):
        if match.is_file():
            yield match
        elif match.is_dir():
            yield from (file for file in match.rglob("*") if file.is_file())


def _matches(path: str, pattern: str) -> bool:
    pattern = pattern.rstrip("/")
    return fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"{pattern}/*")


def download() -> None:
    """Bring artifacts into the job's folder.

    Raises:
        StepError: There is none of that name.
    """
    name, place = text("name"), home(text("path", "."))
    there = sorted(path for path in STORE.iterdir()) if STORE.is_dir() else []
    if name:
        chosen = [path for path in there if path.name == name]
        if not chosen:
            raise StepError(f"download-artifact: there is no artifact {name!r} in this run")
        _copy(chosen[0], place)
    else:
        chosen = [path for path in there if fnmatch.fnmatch(path.name, text("pattern", "*"))]
        for path in chosen:
            _copy(path, place if flag("merge-multiple", default=False) else place / path.name)
    give(download_path=str(place))
    notice("", f"brought {', '.join(path.name for path in chosen) or 'nothing'}")


def _copy(source: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, place, dirs_exist_ok=True)
