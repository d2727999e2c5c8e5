"""The grader's end of the one kept-open session with the side container.

Wire format: one JSON object a line. Request `{"id": 7, "op": "http", ...}`; answer `{"id": 7, "ok": {...}}` or
`{"id": 7, "error": {"kind": "timeout", "message": "..."}}`. Answers come in any order; bytes travel as base64.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Protocol


class SessionError(Exception):
    """The side container answered that it could not do what was asked.

    Args:
        kind: `timeout`, `refused`, `missing`, `denied`, `too-large`, `protocol`, `resolve`, `gone` or `bad-request`.
        message: One line of detail.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Session(Protocol):
    """A conversation with the agent; safe to use from several threads at once."""

    def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask and wait.

        Raises:
            SessionError: The agent refused, failed, or did not answer within `seconds` (plus a second of grace).
        """
        ...

    def submit(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> Future[dict[str, Any]]:  # noqa: ANN401
        """Ask and go on; the future raises `SessionError` as `call` does."""
        ...

    def close(self) -> None:
        """End the session; the side container ends with it."""
        ...
