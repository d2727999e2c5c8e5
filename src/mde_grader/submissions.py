"""Staging: a submission is copied once, hashed while it is copied, and never read again from where it came.

The walk goes by folder descriptors and follows no link, so that nothing outside the folder can be read, whatever is
changed under our feet. What was hashed is what was copied.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from mde_grader.errors import UsageError
from mde_grader.model import SubmissionIdentity
from mde_grader.runtimes.policy.rules import refuse

LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", ".mde-grade", ".terraform", ".venv", "__pycache__", "node_modules", "venv"}
)
"""Folders (and a `.git` file of a worktree) that are never read: history, caches and what installers made."""

MAX_ENTRIES = 5_000
MAX_TOTAL = 64 * 1024 * 1024
MAX_FILE = 32 * 1024 * 1024
MAX_DEPTH = 32
MAX_PATH = 1024

_CHUNK = 1024 * 1024
_NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,63}")
_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.[a-z0-9]+)$", re.IGNORECASE)
_REMOTE = re.compile(r"^([a-z][a-z0-9+.-]*://|git@)", re.IGNORECASE)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line of the manifest.

    Attributes:
        path: Inside the submission, with `/`.
        mark: `x` executable file, `-` other file, `l` link, `d` empty folder.
        size: Bytes of content; of a link, of its target's text.
        sha256: Digest of the content, in hex.
    """

    path: str
    mark: str
    size: int
    sha256: str

    def line(self) -> bytes:
        """What goes into the submission's digest."""
        return f"{self.path}\0{self.mark}\0{self.size}\0{self.sha256}\n".encode()


@dataclass(frozen=True, slots=True)
class StagedSubmission:
    """A submission that is ready to be looked at: `root` is our copy, `manifest` lists it in order of path."""

    identity: SubmissionIdentity
    root: Path
    manifest: tuple[Entry, ...]


class Source(Protocol):
    """A way in which submissions are handed in."""

    def matches(self, text: str) -> bool:
        """Whether this is the way that `text` names."""
        ...

    def stage(self, text: str, destination: Path) -> tuple[Entry, ...]:
        """Copy the submission into the empty folder `destination`; the manifest in order of path.

        Raises:
            UsageError: There is nothing that can be staged.
            SubmissionRefusedError: It holds what we do not take.
        """
        ...


def stage(source: str | Path, destination: Path, *, name: str | None = None) -> StagedSubmission:
    """Copy a submission into `destination` (made when missing) and say what it is.

    Args:
        source: A folder. Archives and git addresses are known, and not taken yet.
        destination: Empty folder for the copy.
        name: The candidate's; the folder's own name when None and it is a valid one, else `submission`.

    Raises:
        UsageError: `source` is no folder with anything in it, or `name` is not valid.
        SubmissionRefusedError: A link leaves the folder, a device or pipe is in it, or a cap is passed.
    """
    text = os.fspath(source)
    candidate = _default_name(text) if name is None else valid_name(name)
    way = next(way for way in SOURCES if way.matches(text))
    destination.mkdir(parents=True, exist_ok=True)
    manifest = way.stage(text, destination)
    digest = hashlib.sha256(b"".join(entry.line() for entry in manifest)).hexdigest()
    files = [entry for entry in manifest if entry.mark != "d"]
    identity = SubmissionIdentity(
        name=candidate,
        digest=f"sha256:{digest}",
        source=text,
        files=len(files),
        size=sum(entry.size for entry in files),
    )
    return StagedSubmission(identity, destination, manifest)


def valid_name(text: str) -> str:
    """The form in which a candidate's name is kept: NFC and case folded; anything else is refused, never renamed.

    Raises:
        UsageError: The name is not `[a-z0-9._-]{1,64}` then, or begins with a dot or a dash.
    """
    name = unicodedata.normalize("NFC", text).casefold()
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{text[:80]!r} cannot be a candidate's name",
            hint="use 1 to 64 of the letters a-z, digits, dot, dash and underscore, not beginning with a dot or a dash",
        )
    return name


def _default_name(text: str) -> str:
    try:
        return valid_name(Path(text).resolve().name)
    except (UsageError, OSError, RuntimeError, ValueError):
        return "submission"


class FolderSource:
    """A folder on this machine."""

    def matches(self, text: str) -> bool:
        """Folders are what is left when no other way matched."""
        return isinstance(text, str)

    def stage(self, text: str, destination: Path) -> tuple[Entry, ...]:
        """Copy the folder; see `Source.stage`."""
        folder = _checked_folder(text)
        descriptor = os.open(folder, _FOLDER_FLAGS)
        try:
            walk = _Walk(destination)
            walk.folder(descriptor, "", 0)
        finally:
            os.close(descriptor)
        walk.check_links()
        if not any(entry.mark in "x-" for entry in walk.entries):
            raise UsageError(f"{text} holds no file that could be graded", hint="name the folder that you want graded")
        return tuple(sorted(walk.entries))


class LaterSource:
    """A way that is planned; it says so instead of failing in some other manner."""

    def __init__(self, pattern: re.Pattern[str], what: str) -> None:
        self._pattern = pattern
        self._what = what

    def matches(self, text: str) -> bool:
        """Whether `text` looks like it and is no folder."""
        return bool(self._pattern.search(text)) and not Path(text).is_dir()

    def stage(self, text: str, destination: Path) -> tuple[Entry, ...]:  # noqa: ARG002
        """Say that only folders are taken."""
        raise UsageError(
            f"{self._what} cannot be graded yet: {text[:200]}", hint="unpack or clone it, and name the folder"
        )


SOURCES: tuple[Source, ...] = (
    LaterSource(_REMOTE, "a remote repository"),
    LaterSource(_ARCHIVE, "an archive"),
    FolderSource(),
)
"""The ways in, tried in order."""


def _checked_folder(text: str) -> Path:
    try:
        folder = Path(text).resolve(strict=True)
        home = Path.home().resolve()
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"there is no folder {text[:200]!r}", hint="name the folder of your submission") from None
    if not folder.is_dir():
        raise UsageError(f"{text[:200]!r} is not a folder", hint="name the folder that holds the file")
    if folder in (Path(folder.anchor), home):
        what = "your home folder" if folder == home else "the root of the file system"
        raise UsageError(f"{what} is not a submission", hint="name the folder of your submission")
    return folder


class _Walk:
    """One pass over a folder: checks, copies and lists."""

    def __init__(self, destination: Path) -> None:
        self.entries: list[Entry] = []
        self._destination = destination
        own = destination.stat()
        self._own = (own.st_dev, own.st_ino)
        self._seen = 0
        self._total = 0

    def folder(self, descriptor: int, path: str, depth: int) -> None:
        before = len(self.entries)
        for name in _names(descriptor, path):
            inner = f"{path}/{name}" if path else name
            self._seen += 1
            if self._seen > MAX_ENTRIES:
                _refuse(
                    "too-many", f"more than {MAX_ENTRIES} files and folders", path, "leave out what can be made again"
                )
            _check_path(name, inner, depth)
            if name not in LEFT_OUT:
                self._entry(descriptor, name, inner, depth)
        if path and len(self.entries) == before:
            (self._destination / path).mkdir(parents=True, exist_ok=True)
            self.entries.append(Entry(path, "d", 0, hashlib.sha256().hexdigest()))

    def _entry(self, parent: int, name: str, path: str, depth: int) -> None:
        with _readable(path):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                self._link(os.readlink(name, dir_fd=parent), path)
            elif stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) != self._own:
                    self._subfolder(parent, name, path, depth)
            elif stat.S_ISREG(status.st_mode):
                self._file(parent, name, path)
            else:
                _refuse("special-file", "neither a file, a folder nor a link", path, "remove it from the submission")

    def check_links(self) -> None:
        """Refuse links that leave the copy by way of other links; nothing of the copy is followed before this."""
        root = Path(os.path.realpath(self._destination))
        for entry in self.entries:
            if entry.mark == "l" and not Path(os.path.realpath(root / entry.path)).is_relative_to(root):
                _refuse("link", "a link that leaves the submission", entry.path, "put the file itself in its place")

    def _subfolder(self, parent: int, name: str, path: str, depth: int) -> None:
        descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        try:
            self.folder(descriptor, path, depth + 1)
        finally:
            os.close(descriptor)

    def _link(self, target: str, path: str) -> None:
        if not _stays_inside(path, target):
            _refuse("link", "a link that leaves the submission", path, "put the file itself in its place")
        raw = target.encode()
        place = self._destination / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        self.entries.append(Entry(path, "l", len(raw), hashlib.sha256(raw).hexdigest()))

    def _file(self, parent: int, name: str, path: str) -> None:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                _refuse("special-file", "changed while it was read", path, "hand in again when nothing writes there")
            self._check_size(status.st_size, path)
            executable = bool(status.st_mode & stat.S_IXUSR)
            size, digest = self._copy(descriptor, path, executable=executable)
        finally:
            os.close(descriptor)
        self.entries.append(Entry(path, "x" if executable else "-", size, digest))

    def _copy(self, descriptor: int, path: str, *, executable: bool) -> tuple[int, str]:
        place = self._destination / path
        place.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(place, flags, 0o644), "wb") as copy:
            while chunk := os.read(descriptor, _CHUNK):
                size += len(chunk)
                self._check_size(size, path)
                digest.update(chunk)
                copy.write(chunk)
            os.fchmod(copy.fileno(), 0o755 if executable else 0o644)
        self._total += size
        return size, digest.hexdigest()

    def _check_size(self, size: int, path: str) -> None:
        if size > MAX_FILE:
            _refuse("file-size", f"a file of more than {MAX_FILE >> 20} MiB", path, "leave out data and build results")
        if self._total + size > MAX_TOTAL:
            _refuse("total-size", f"more than {MAX_TOTAL >> 20} MiB in all", path, "leave out data and build results")


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn what the file system refuses into a refusal with the path in it."""
    try:
        yield
    except UnicodeError:
        _refuse("name", "a link's target is not valid UTF-8", path, "name it otherwise")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        _refuse(
            "unreadable", f"cannot be staged: {reason}", path, "check its permissions, and that nothing writes there"
        )


def _names(descriptor: int, path: str) -> list[str]:
    """Sorted names of a folder, no more of them than could be taken."""
    names: list[str] = []
    with os.scandir(descriptor) as listing:
        for entry in listing:
            names.append(entry.name)
            if len(names) > MAX_ENTRIES:
                _refuse("too-many", f"more than {MAX_ENTRIES} entries", path, "leave out what can be made again")
    return sorted(names)


def _check_path(name: str, path: str, depth: int) -> None:
    shown = path.encode("utf-8", "replace").decode()
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        _refuse("name", "a name that is not valid UTF-8", shown, "name it otherwise")
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        _refuse("name", "a name with control characters", repr(shown), "name it otherwise")
    if length > MAX_PATH or depth >= MAX_DEPTH:
        _refuse("depth", f"deeper than {MAX_DEPTH} folders or {MAX_PATH} bytes of path", shown[:80], "make it flatter")


def _stays_inside(path: str, target: str) -> bool:
    """Whether a link at `path` ends inside the submission, read as text: `..` may never climb above the root."""
    if target.startswith("/"):
        return False
    depth = path.count("/")
    for part in target.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return False
    return True


def _refuse(rule: str, message: str, path: str, hint: str) -> NoReturn:
    raise refuse(f"submission.{rule}", f"{path or 'the submission'}: {message}", where=path, hint=hint)
