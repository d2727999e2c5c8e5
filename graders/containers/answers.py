"""Reading what a candidate's service answered, without trusting its shape."""

from __future__ import annotations

from typing import Protocol


class Answer(Protocol):
    """The part of a probe's response that is read here."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    def json(self) -> object:
        """The body as JSON; an AssertionError where it is none."""
        ...


def fields(answer: Answer) -> dict[str, object]:
    """The JSON object that was answered; empty where the answer is an error or something else than an object."""
    if not 200 <= answer.status < 300:  # noqa: PLR2004
        return {}
    try:
        data = answer.json()
    except (AssertionError, ValueError):
        return {}
    return {str(name): value for name, value in data.items()} if isinstance(data, dict) else {}


def number(answer: Answer, name: str = "id") -> int | None:
    """The whole number in a field of the JSON object that was answered; None where there is none."""
    value = fields(answer).get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
