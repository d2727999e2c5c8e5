"""Variables in text, as Compose writes them: `$NAME`, `${NAME}`, `${NAME:-default}` and their like, bounded.

Values come from a mapping that the caller gives, never from the grader's own environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MAX_TEXT = 64 * 1024
"""Most characters of a text after its variables were replaced."""

_MAX_NESTING = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WRITE = "write ${NAME} or ${NAME:-value}, and $$ for a dollar sign"
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


class VariableError(ValueError):
    """A text's variables cannot be replaced: bad grammar, a required one without value, or too long a result.

    Args:
        message: What is wrong.
        hint: What to write instead, where that is known.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def substitute(text: str, values: Mapping[str, str], unset: Callable[[str], object] = str, *, depth: int = 0) -> str:
    """The text with its variables replaced.

    Args:
        text: Any text; `$$` is a dollar sign.
        values: What there is.
        unset: Called with each name that has neither value nor default; the name is then replaced by nothing.
        depth: How many defaults of defaults this one stands in.

    Raises:
        VariableError: See there.
    """
    if depth > _MAX_NESTING:
        raise VariableError("variables are nested too deeply")
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        found, at = _one(text, dollar + 1, values, unset, depth)
        parts.append(found)
    result = "".join(parts) + text[at:]
    if len(result) > MAX_TEXT and len(result) > len(text):
        raise VariableError(f"a text grows beyond {MAX_TEXT // 1024} KiB")
    return result


def _one(text: str, at: int, values: Mapping[str, str], unset: Callable[[str], object], depth: int) -> tuple[str, int]:
    """What stands for the variable whose dollar sign is just before `at`, and where the text goes on."""
    if text.startswith("$", at):
        return "$", at + 1
    if text.startswith("{", at):
        end = _closing(text, at)
        return _braced(text[at + 1 : end], values, unset, depth), end + 1
    name = _NAME.match(text, at)
    if name is None:
        raise VariableError("a `$` that names no variable; write `$$` for a dollar sign", _WRITE)
    return _plain(name[0], values, unset), name.end()


def _plain(name: str, values: Mapping[str, str], unset: Callable[[str], object]) -> str:
    if name not in values:
        unset(name)
    return values.get(name, "")


def _closing(text: str, at: int) -> int:
    """Where the brace that opens at `at` is closed."""
    open_braces = 0
    for place in range(at, len(text)):
        if text[place] == "{" and text[place - 1] == "$":
            open_braces += 1
        elif text[place] == "}":
            open_braces -= 1
            if open_braces == 0:
                return place
    raise VariableError("a `${` that is not closed", "write ${NAME}, with both braces")


def _braced(body: str, values: Mapping[str, str], unset: Callable[[str], object], depth: int) -> str:
    name = _NAME.match(body)
    if name is None:
        raise VariableError(f"`${{{body[:30]}}}` names no variable", _WRITE)
    rest = body[name.end() :]
    if not rest:
        return _plain(name[0], values, unset)
    operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), None)
    if operator is None:
        raise VariableError(f"`${{{body[:30]}}}` is not a form that is known here", _WRITE)
    word = rest[len(operator) :]
    value = values.get(name[0])
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("?"):
        if not there:
            raise VariableError(f"{name[0]} is required and has no value: {word[:200]}")
        return value or ""
    if operator.endswith("+"):
        return substitute(word, values, unset, depth=depth + 1) if there else ""
    return (value or "") if there else substitute(word, values, unset, depth=depth + 1)
