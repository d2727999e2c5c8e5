"""The build context as a tar stream whose bytes depend on nothing but the files' names, contents and x bits.

So the engine's build cache hits for equal submissions, whoever handed them in and when.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker.utils.build import exclude_paths

from mde_grader.errors import BuildFailedError

DOCKERFILE = ".mde-grade.Dockerfile"
"""Name of the rewritten Dockerfile in the stream; no submission's file, for the stream's own comes last."""

IGNORE = ".dockerignore"
"""The builder takes what this names out of the context after it has read the Dockerfile."""

BLOCK = 512
PIECE = 65_536
MIB = 1 << 20


def context_stream(root: Path, dockerfile: str, excludes: Sequence[str], *, limit_mb: int) -> Iterator[bytes]:
    """The context in pieces, ready to be sent.

    Raises:
        BuildFailedError: The files that are left after the excludes are larger than `limit_mb`.
    """
    members = _members(root, excludes)
    size = sum(status.st_size for _, status in members if stat.S_ISREG(status.st_mode))
    if size > limit_mb * MIB:
        raise BuildFailedError(
            "build.context",
            f"the build context is {size / MIB:.1f} MB, and {limit_mb} MB is the most",
            hint="name what the image does not need in .dockerignore",
        )
    return _stream(root, members, dockerfile)


def _members(root: Path, excludes: Sequence[str]) -> list[tuple[str, os.stat_result]]:
    """Sorted relative paths of what is sent. Links are sent as links: the builder resolves them inside the context."""
    # The SDK puts the Dockerfile's name back in whatever the patterns say; ours cannot be among the files.
    names = exclude_paths(str(root), list(excludes), dockerfile=DOCKERFILE)
    members = []
    for name in sorted(names):
        if name in {"", IGNORE, DOCKERFILE}:
            continue
        status = (root / name).lstat()
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode):
            members.append((name, status))
    return members


def _stream(root: Path, members: list[tuple[str, os.stat_result]], dockerfile: str) -> Iterator[bytes]:
    for name, status in members:
        info = tarfile.TarInfo(name)
        if stat.S_ISDIR(status.st_mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            yield _header(info)
        elif stat.S_ISLNK(status.st_mode):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, str((root / name).readlink())
            yield _header(info)
        else:
            info.mode = 0o755 if status.st_mode & 0o100 else 0o644
            info.size = status.st_size
            yield _header(info)
            yield from _content(root / name, status.st_size)
    yield from _text(DOCKERFILE, dockerfile)
    yield from _text(IGNORE, f"{DOCKERFILE}\n{IGNORE}\n")
    yield bytes(2 * BLOCK)


def _header(info: tarfile.TarInfo) -> bytes:
    info.mtime = 0
    return info.tobuf(tarfile.PAX_FORMAT)


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    # A file that shrank since would shift everything behind it.
    yield bytes(left + -size % BLOCK)


def _text(name: str, text: str) -> Iterator[bytes]:
    content = text.encode()
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    yield _header(info)
    yield content
    yield bytes(-len(content) % BLOCK)


def file_archive(files: dict[str, bytes]) -> bytes:
    """A small tar of files at absolute paths, mode 0444, root's, for the engine's archive call."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files.items()):
            info = tarfile.TarInfo(path.lstrip("/"))
            info.size, info.mode = len(content), 0o444
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
