"""One service through the inspector, with refusals in words for the candidate."""

from __future__ import annotations

import base64
from typing import Any, NoReturn

from mde_grader.checking.api import CheckFailedError
from mde_grader.model import Evidence
from mde_grader.runtimes.base import Stack
from mde_grader.runtimes.inspector.session import SessionError

READ_LIMIT = 1_048_576
"""Bytes of a file that `content` reads; a larger file is a clear failure, never a part of it."""
SECONDS = 10.0
"""Deadline of one fact."""


class InspectionRefusedError(CheckFailedError):
    """The service cannot be looked into: it has ended, or runs as root and therefore stands apart."""


class FactMissingError(CheckFailedError):
    """What a check wanted to read is not there, is no file, or is larger than we read."""


class ServiceView:
    """Facts of one service of a stack; the container is looked up anew each time, because it can be replaced.

    Args:
        stack: The running stack.
        name: The service.
    """

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name

    def ask(self, op: str, *, seconds: float = SECONDS, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask the inspector about this service.

        Raises:
            InspectionRefusedError: It cannot be looked into.
            FactMissingError: What was asked for is missing, not readable, too large or took too long.
            ValueError: The check asked for something impossible.
            SessionError: `gone`; the side container is no longer there.
        """
        service = self.stack[self.name].container_id
        try:
            return self.stack.session.call(op, seconds=seconds, service=service, **arguments)
        except SessionError as error:
            self._explain(error)

    def _explain(self, error: SessionError) -> NoReturn:
        if error.kind in ("gone", "protocol"):
            raise error
        if error.kind == "bad-request":
            raise ValueError(error.message) from error
        if error.kind == "denied":
            raise InspectionRefusedError(
                Evidence(
                    expected=f"the service {self.name} runs, as a user other than root, so that it can be looked into",
                    seen=f"{error.message}; it has ended, or runs as root and is kept apart for that reason",
                    look="docker compose ps, and docker compose top",
                )
            ) from error
        expected = f"this can be read in the service {self.name}"
        raise FactMissingError(Evidence(expected=expected, seen=error.message)) from error

    def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """A whole regular file.

        Raises:
            FactMissingError: There is none, it is not regular, or it is larger than `limit`.
        """
        answer = self.ask("read", path=path, limit=limit)
        if answer["truncated"]:
            raise FactMissingError(
                Evidence(
                    expected=f"{path} in the service {self.name} has at most {limit} bytes",
                    seen=f"a file of {answer['size']} bytes",
                )
            )
        return base64.b64decode(answer["data"])

    def text(self, path: str, *, limit: int = READ_LIMIT) -> str:
        """A text file, or nothing where there is none."""
        try:
            return self.read(path, limit=limit).decode("utf-8", "replace")
        except FactMissingError as error:
            cause = error.__cause__
            if isinstance(cause, SessionError) and cause.kind == "missing":
                return ""
            raise
