"""Makes the values that one attempt gives to a submission and to the lab's own services."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping

from mde_grader.environments import Variable

_ALPHABET = string.ascii_letters + string.digits
_WORD_LETTERS = 8
_WORD_DIGITS = 3


def make_values(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Return a value for each variable; random ones are new at each call.

    Secrets are letters and digits only, so that any honest way of putting them into a URL or a file works.
    """
    return {name: _value(variable) for name, variable in variables.items()}


def _value(variable: Variable) -> str:
    if variable.kind == "secret":
        return "".join(secrets.choice(_ALPHABET) for _ in range(variable.length))
    if variable.kind == "word":
        letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_WORD_LETTERS))
        return letters + "".join(secrets.choice(string.digits) for _ in range(_WORD_DIGITS))
    return variable.value


_REFERENCE = re.compile(r"\$(?:\{(?P<name>[A-Z][A-Z0-9_]*)\}|(?P<dollar>\$)|)")


def references(text: str) -> tuple[str, ...]:
    """Names of the variables that a text of the lab's names as `${NAME}`.

    Raises:
        ValueError: There is a `$` that begins neither `${NAME}` nor `$$`.
    """
    found = list(_REFERENCE.finditer(text))
    if any(match[0] == "$" for match in found):
        raise ValueError("has a `$` that names no variable; write ${NAME}, and $$ for a dollar sign")
    return tuple(match["name"] for match in found if match["name"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of the lab's with its variables replaced, and each `$$` by one dollar sign."""
    return _REFERENCE.sub(lambda match: values[match["name"]] if match["name"] else "$", text)


def masked(text: str, variables: Mapping[str, Variable], values: Mapping[str, str]) -> str:
    """Return `text` with the value of each secret variable replaced by its name."""
    for name, variable in variables.items():
        if variable.secret and values.get(name):
            text = text.replace(values[name], f"<{name}>")
    return text
