"""Reading JSON whose shape somebody else decides: what is not as expected is empty, never an error."""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]


def parsed(text: bytes | str) -> Object:
    """The JSON object in a text.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - one error for every text that is not as it should be
    return value


def mapping(value: object) -> Object:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Object]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: object) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
