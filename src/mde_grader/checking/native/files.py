"""`host.file` and `host.mount_point`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from testinfra.modules.file import File
from testinfra.modules.mountpoint import MountPoint

from mde_grader.checking.native.accounts import group_name, user_name
from mde_grader.checking.native.base import Native
from mde_grader.checking.native.view import FactMissingError
from mde_grader.model import Evidence

DIGEST_SECONDS = 30.0


class NativeFile(Native, File):  # type: ignore[misc]
    """See testinfra's `File`; links are followed but by `is_symlink`, and resolve inside the service."""

    path: str

    def _stat(self, *, follow: bool = True) -> dict[str, Any]:
        return self.view().ask("stat", path=self.path, follow=follow)

    def _fact(self, name: str) -> Any:  # noqa: ANN401
        facts = self._stat()
        if not facts["exists"]:
            service = self.view().name
            seen = "there is no such file"
            raise FactMissingError(Evidence(expected=f"{self.path} exists in the service {service}", seen=seen))
        return facts[name]

    def _is(self, kind: str) -> bool:
        return bool(self._stat()["kind"] == kind)

    @property
    def exists(self) -> bool:
        """Whether the path leads to anything."""
        return bool(self._stat()["exists"])

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self._is("file")

    @property
    def is_directory(self) -> bool:
        """Whether it is a folder."""
        return self._is("directory")

    @property
    def is_pipe(self) -> bool:
        """Whether it is a FIFO."""
        return self._is("fifo")

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket."""
        return self._is("socket")

    @property
    def is_symlink(self) -> bool:
        """Whether the path itself is a link."""
        return bool(self._stat(follow=False)["kind"] == "link")

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""
        facts = self._stat()
        return bool(facts["exists"] and facts["mode"] & 0o111)

    @property
    def linked_to(self) -> str:
        """The path at the end of all links."""
        return str(self._fact("resolved"))

    @property
    def uid(self) -> int:
        """Number of the owner."""
        return int(self._fact("uid"))

    @property
    def gid(self) -> int:
        """Number of the group."""
        return int(self._fact("gid"))

    @property
    def user(self) -> str:
        """Name of the owner in the service's /etc/passwd; `UNKNOWN` as stat(1) says where it has none."""
        return user_name(self.view(), self.uid) or "UNKNOWN"

    @property
    def group(self) -> str:
        """Name of the group in the service's /etc/group."""
        return group_name(self.view(), self.gid) or "UNKNOWN"

    @property
    def mode(self) -> int:
        """Permission bits."""
        return int(self._fact("mode"))

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self._fact("size"))

    @property
    def mtime(self) -> dt.datetime:
        """Time of the last change, in local time without a zone, as testinfra has it."""
        return dt.datetime.fromtimestamp(float(self._fact("mtime")))  # noqa: DTZ006

    @property
    def md5sum(self) -> str:
        """MD5 of the content."""
        return self._digest("md5")

    @property
    def sha256sum(self) -> str:
        """SHA-256 of the content."""
        return self._digest("sha256")

    def _digest(self, algorithm: str) -> str:
        answer = self.view().ask("digest", path=self.path, algorithm=algorithm, seconds=DIGEST_SECONDS)
        return str(answer["digest"])

    @property
    def content(self) -> bytes:
        """The content; more than 1 MiB is a failure."""
        return self.view().read(self.path)

    @property
    def content_string(self) -> str:
        """The content as UTF-8."""
        return self.content.decode("utf-8", "replace")

    def contains(self, pattern: str) -> bool:
        """Whether a line of the file has a match of a (Python) regular expression."""
        if not self.is_file:
            return False
        return any(re.search(pattern, line) for line in self.content_string.splitlines())

    def listdir(self) -> list[str]:
        """Names in the folder, sorted."""
        answer = self.view().ask("list", path=self.path)
        return [str(entry["name"]) for entry in answer["entries"]]


class NativeMountPoint(Native, MountPoint):  # type: ignore[misc]
    """See testinfra's `MountPoint`; `device` is not told, since it names things of the host."""

    @classmethod
    def _iter_mountpoints(cls) -> Iterator[dict[str, Any]]:
        for mount in cls.view().ask("mounts")["mounts"]:
            yield {
                "path": mount["target"],
                "device": "none",
                "filesystem": mount["fstype"],
                "options": mount["options"],
            }
