"""Validation against the published JSON Schemas.

`jsonschema` takes a tenth of a second to import, so this module is only imported where something is validated.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

NAMES = ("lab", "environment", "outcome", "scorecard")
"""The schemas that are published under `mde_grader/schema/`."""


@cache
def schema(name: str) -> dict[str, Any]:
    """One of `NAMES` as plain data.

    Args:
        name: One of `NAMES`.
    """
    text = resources.files("mde_grader").joinpath("schema", f"{name}.schema.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


def problems(name: str, data: object, *, limit: int = 20) -> list[str]:
    """What is wrong with some data, `/path: message` a line, in the order of the paths; empty when all is well.

    Args:
        name: One of `NAMES`.
        data: Plain data.
        limit: Most problems that are told.
    """
    found = Draft202012Validator(schema(name)).iter_errors(data)
    lines = sorted(f"/{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}" for error in found)
    return lines[:limit]
