"""A session that answers from a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from mde_grader.runtimes.inspector.session import SessionError

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class FakeSession:
    """A `Session` that answers from a table.

    Args:
        answers: Operation to what answers it; it may raise `SessionError`.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed = False

    def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """See `Session.call`."""
        self.asked.append((op, arguments))
        if self.closed:
            raise SessionError("gone", "the session was closed")
        if op not in self.answers:
            raise SessionError("bad-request", f"no such operation: {op}")
        return self.answers[op]({"seconds": seconds, **arguments})

    def submit(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> Future[dict[str, Any]]:  # noqa: ANN401
        """See `Session.submit`."""
        future: Future[dict[str, Any]] = Future()
        try:
            future.set_result(self.call(op, seconds=seconds, **arguments))
        except SessionError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """See `Session.close`."""
        self.closed = True
