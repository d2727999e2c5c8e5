"""Testinfra's `host` for a service of a stack: through the side container, never by the image's own programs.

`host.run(...)` runs a shell of ours, a static busybox, in the service's root; files, sockets, processes, users, groups,
packages, mounts and the environment are read by the inspector. Testinfra's other modules would need programs of the
image and are refused, and so is every other connection: no check can look at the machine that grades.
"""

from __future__ import annotations

import base64
from typing import Any, NoReturn

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.native.accounts import NativeGroup, NativeUser
from mde_grader.checking.native.base import NotNativeError
from mde_grader.checking.native.files import NativeFile, NativeMountPoint
from mde_grader.checking.native.packages import NativePackage
from mde_grader.checking.native.processes import NativeEnvironment, NativeProcess, NativeSocket
from mde_grader.checking.native.view import InspectionRefusedError, ServiceView
from mde_grader.model import Evidence
from mde_grader.runtimes.base import Stack

__all__ = ["Hosts", "InspectionRefusedError", "ServiceHost", "SessionBackend"]

RUN_SECONDS = 10.0
"""Deadline of one `host.run`."""
OUTPUT_LIMIT = 1_048_576
"""Bytes of output of one `host.run`; more is a failure."""
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NATIVE: dict[str, type] = {
    "environment": NativeEnvironment,
    "file": NativeFile,
    "group": NativeGroup,
    "mount_point": NativeMountPoint,
    "package": NativePackage,
    "process": NativeProcess,
    "socket": NativeSocket,
    "user": NativeUser,
}
_THROUGH_RUN = frozenset({"command", "system_info"})
"""Testinfra's own modules that need nothing but what our busybox has."""


class SessionBackend(BaseBackend):  # type: ignore[misc]
    """A testinfra connection that is the session with the side container.

    Args:
        view: The service.
        seconds: Deadline of a command.
        limit: Bytes of its output.
    """

    NAME = "mde"

    def __init__(self, view: ServiceView, *, seconds: float = RUN_SECONDS, limit: int = OUTPUT_LIMIT) -> None:
        super().__init__(view.name)
        self.view = view
        self._seconds = seconds
        self._limit = limit

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ANN401
        """Run a line of shell in the service's root.

        Raises:
            CheckFailedError: It did not end in time, or wrote more than the limit.
            InspectionRefusedError: The service cannot be looked into.
        """
        del kwargs
        line = self.get_command(command, *args)
        answer = self.view.ask("run", argv=["sh", "-c", line], limit=self._limit, seconds=self._seconds)
        if answer["truncated"]:
            expected = f"`{line}` writes at most {self._limit} bytes"
            raise CheckFailedError(Evidence(expected=expected, seen="it wrote more and was stopped"))
        output, errors = base64.b64decode(answer["stdout"]), base64.b64decode(answer["stderr"])
        return self.result(int(answer["exit_code"]), line.encode(), output, errors)

    def run_local(self, command: str, *args: str) -> NoReturn:  # noqa: ARG002 - testinfra's signature
        """Refuse: nothing of a check runs on the machine that grades.

        Raises:
            NotNativeError: Always.
        """
        raise NotNativeError("a check cannot run commands on the machine that grades")

    def decode(self, data: bytes) -> str:
        """UTF-8; what is not becomes U+FFFD."""
        return data.decode("utf-8", "replace")

    def encode(self, data: str) -> bytes:
        """UTF-8."""
        return data.encode("utf-8", "surrogateescape")


class ServiceHost(Host):  # type: ignore[misc]
    """Testinfra's `Host` for one service."""

    backend: SessionBackend

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _NATIVE:
            module = _NATIVE[name].get_module(self)  # type: ignore[attr-defined]
            setattr(self, name, module)
            return module
        if name in _THROUGH_RUN:
            return super().__getattr__(name)
        raise NotNativeError(f"host.{name} needs programs of the image, which are not believed; see host.run and probe")

    def exists(self, command: str) -> bool:
        """Whether the service's PATH leads to an executable file of that name."""
        return self._find(command, ()) is not None

    def find_command(self, command: str, extrapaths: Any = ("/sbin", "/usr/sbin")) -> str:  # noqa: ANN401
        """Path of a command of the service.

        Raises:
            ValueError: There is none, as testinfra has it.
        """
        found = self._find(command, tuple(extrapaths))
        if found is None:
            raise ValueError(f'cannot find "{command}" command')
        return found

    def _find(self, command: str, extra: tuple[str, ...]) -> str | None:
        view = self.backend.view
        path = view.ask("environ", pid=None)["environ"].get("PATH") or _DEFAULT_PATH
        folders = [folder.rstrip("/") for folder in (*path.split(":"), *extra) if folder.startswith("/")]
        places = [command] if "/" in command else [f"{folder}/{command}" for folder in folders[:64]]
        for place in places:
            facts = view.ask("stat", path=place)
            if facts["kind"] == "file" and facts["mode"] & 0o111:
                return place
        return None

    @classmethod
    def get_host(cls, hostspec: str, **kwargs: Any) -> NoReturn:  # noqa: ANN401
        """Refuse: a check has the hosts of its stack and no others.

        Raises:
            NotNativeError: Always.
        """
        del kwargs
        raise NotNativeError(f"no connection to {hostspec!r}: a check has the services of its stack, as hosts[name]")

    get_hosts = get_host


class Hosts:
    """Testinfra hosts of a stack's services: `hosts["worker"]`.

    Args:
        stack: The running stack.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._hosts: dict[str, ServiceHost] = {}

    def __getitem__(self, name: str) -> ServiceHost:
        """The host of that service; KeyError names the ones there are."""
        if name not in self._hosts:
            _ = self._stack[name]
            backend = SessionBackend(ServiceView(self._stack, name))
            host = ServiceHost(backend)
            backend.set_host(host)
            self._hosts[name] = host
        return self._hosts[name]
