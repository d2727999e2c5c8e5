"""The candidate's tool at work: commands in containers of their own, and the files that they work on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from mde_grader.checking.api import CheckFailedError
from mde_grader.model import Evidence
from mde_grader.runtimes.base import ServiceSpec, Stack
from mde_grader.runtimes.commands import OUTPUT_LIMIT, SCRATCH, Ran, VolumeFiles

__all__ = ["Ran", "Running", "Workspace"]


class Running:
    """A command that was started, while the check goes on."""

    def __init__(self, future: Future[Ran]) -> None:
        self._future = future

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._future.done()

    def wait(self) -> Ran:
        """Wait for its end, which its own deadline bounds.

        Raises:
            EngineError: It could not be run, or the stack was closed meanwhile.
        """
        return self._future.result()


class Workspace:
    """Where a lab's checks run the candidate's tool.

    Each command has a new container: the workspace's image and user, a read-only root, an own /tmp, the stack's network
    and nothing else. What it leaves are its files on the workspace's volume, where every folder stands below one root.
    A workspace without a volume leaves nothing: its commands work in /tmp and share no file, and asking for a folder or
    a file raises LookupError.

    Args:
        stack: The running stack.
        name: The workspace's name in environment.yaml.

    Raises:
        LookupError: The lab has no such workspace.
    """

    def __init__(self, stack: Stack, name: str) -> None:
        self._stack = stack
        self._spec = _find(stack, name)

    @property
    def root(self) -> str:
        """The folder, in each command's container, below which every `folder` stands."""
        return self._spec.mounts[0].target.rstrip("/") if self._spec.mounts else SCRATCH

    @property
    def _files(self) -> VolumeFiles:
        return self._stack.files(self._spec.name)

    def path(self, folder: str) -> str:
        """A folder as the commands see it."""
        return f"{self.root}/{folder}" if folder else self.root

    def run(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> Ran:
        """Run one command to its end. How it ends is for the check to judge; no exit code is an error here.

        Args:
            command: Program and arguments; no shell takes part unless it is named.
            seconds: When it is killed, with everything that it started.
            folder: Where it runs, below the root; made when it is not there.
            environment: Added to what environment.yaml gives.
            limit: Bytes that are kept of each output, head and tail; `Ran.cut` tells when there was more.

        Raises:
            CheckFailedError: The folder cannot be made: something of the candidate's stands in its way.
            EngineError: The command could not be run, or the stack was closed meanwhile.
        """
        if folder:
            with _words(f"{self.path(folder)} is a folder"):
                self._files.make(folder)
        return self._stack.run(
            self._spec.name,
            command,
            seconds=seconds,
            environment=environment,
            working_dir=self.path(folder),
            limit=limit,
        )

    def start(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> Running:
        """Start a command and go on; arguments as in `run`. Six run at once, the next waits for a place."""
        future: Future[Ran] = Future()

        def carry_out() -> None:
            try:
                ran = self.run(command, seconds=seconds, folder=folder, environment=environment, limit=limit)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                future.set_exception(error)
            else:
                future.set_result(ran)

        threading.Thread(target=carry_out, name="workspace", daemon=True).start()
        return Running(future)

    def write(self, files: Mapping[str, bytes], *, folder: str = "", mode: int = 0o644) -> None:
        """Write files, path to content, in place of what is there, as the user that commands run as.

        Args:
            files: Paths below `folder`; folders are made.
            folder: Folder below the root.
            mode: Permission bits of each file, 0o755 for one that is to be run.

        Raises:
            CheckFailedError: Something of the candidate's stands in the way, or the volume is full.
        """
        with _words(f"files can be written to {self.path(folder)}"):
            self._files.write(files, folder=folder, mode=mode)

    def read(self, path: str, *, folder: str = "", limit: int = OUTPUT_LIMIT) -> bytes:
        """The content of one regular file.

        Args:
            path: Path below `folder`; a link that stays in it is followed.
            folder: Folder below the root.
            limit: Most bytes; a larger file is not read at all.

        Raises:
            CheckFailedError: There is none, or it is no regular file, leads out of the folder, or is too large.
        """
        with _words(f"{self.path(folder)}/{path} is a file of at most {limit} bytes"):
            return self._files.read(path, folder=folder, limit=limit)

    def kind(self, path: str, *, folder: str = "") -> str:
        """`file`, `directory`, `link`, `fifo`, `socket` or `device`; empty when there is nothing."""
        with _words(f"{self.path(folder)} can be looked at"):
            return self._files.kind(path, folder=folder)

    def remove(self, path: str, *, folder: str = "") -> None:
        """Remove a file, or a folder with all in it; no error when there is nothing.

        Raises:
            CheckFailedError: It cannot be removed.
        """
        with _words(f"{self.path(folder)}/{path} can be removed"):
            self._files.remove(path, folder=folder)


def _find(stack: Stack, name: str) -> ServiceSpec:
    for spec in stack.spec.workspaces:
        if spec.name == name:
            return spec
    raise LookupError(f"this lab's environment.yaml has no workspace {name!r}")


@contextmanager
def _words(expected: str) -> Iterator[None]:
    """Say what the candidate's files did not allow."""
    try:
        yield
    except FileNotFoundError:
        seen = "it is not there"
    except ValueError as error:
        seen = str(error)
    else:
        return
    raise CheckFailedError(Evidence(expected=expected, seen=seen)) from None
