"""GitHub's expressions, worked out before anything runs: literals, contexts, operators and the pure functions.

What is only known while a pipeline runs (`needs`, `steps`, `success()`) cannot be worked out, and is told apart from
what the platform would not take. Source: GitHub's reference "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graders.pipelines.tokens import tokens

Value: TypeAlias = Any
"""What JSON can hold."""

LONGEST = 4096
"""Characters of one expression."""

_DEEPEST = 40
_LARGEST = 64 * 1024
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]*]))"
)
_INSIDE = re.compile(r"(?:[^'}]++|'[^']*+'|\}(?!\}))*+(?=\}\})")
_WORDS = {"true": True, "false": False, "null": None}
_LATER = frozenset({"needs", "steps", "job", "jobs", "runner", "secrets", "strategy"})
_LATER_FUNCTIONS = frozenset({"success", "failure", "always", "cancelled", "hashfiles"})
_ORDER = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


class ExpressionError(ValueError):
    """An expression that the platform does not take."""


class UnknownError(ExpressionError):
    """An expression that is right, and of which the value is known only while the pipeline runs."""


class _Later:
    """A value in a context that is known only while the pipeline runs."""


LATER = _Later()
"""Stands in a context for what is not known yet."""


class _Expression(str):
    """What stands between `${{` and `}}`."""

    __slots__ = ()


class _Everything(list[Any]):
    """What `.*` stands for: its members' fields are asked for one by one."""


def filled(text: str, contexts: Mapping[str, Any]) -> Value:
    """A text with its expressions worked out; a text that is one expression keeps the kind of its value.

    Args:
        text: What stands in the file.
        contexts: Values by name of the context: `github`, `vars`, `matrix`, ...

    Raises:
        ExpressionError: It is none.
        UnknownError: It is not known yet.
    """
    pieces = _pieces(text.strip())
    if len(pieces) == 1 and isinstance(pieces[0], _Expression):
        return evaluated(pieces[0], contexts)
    pieces = _pieces(text)
    return "".join(as_text(evaluated(one, contexts)) if isinstance(one, _Expression) else one for one in pieces)


def evaluated(text: str, contexts: Mapping[str, Any]) -> Value:
    """The value of one expression.

    >>> evaluated("github.head_ref || github.run_id", {"github": {"run_id": "7"}})
    '7'

    Raises:
        ExpressionError: It is none.
        UnknownError: It is not known yet.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"has more than {LONGEST} characters")
    reader = _Reader(_tokens(text), contexts)
    value = reader.either(0)
    reader.end()
    return list(value) if isinstance(value, _Everything) else value


def as_text(value: Value) -> str:
    """A value as the platform writes it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.15g}"
    return value if isinstance(value, str) else ("Array" if isinstance(value, list) else "Object")


def truth(value: Value) -> bool:
    """Whether a value counts as true: not `false`, `0`, the empty text or nothing."""
    return not (
        value is None or value is False or value == "" or (_is_number(value) and (value == 0 or math.isnan(value)))
    )


def _pieces(text: str) -> list[str]:
    """The plain parts of a text, and its expressions without their `${{` and `}}`.

    >>> _pieces("ci-${{ github.ref }}")
    ['ci-', ' github.ref ']
    """
    found: list[str] = []
    at = 0
    while (start := text.find("${{", at)) >= 0:
        inside = _INSIDE.match(text, start + 3)
        if inside is None:
            raise ExpressionError("has a `${{` that is not closed")
        found += [text[at:start]] if start > at else []
        found.append(_Expression(inside[0]))
        at = inside.end() + 2
    return [*found, text[at:]] if at < len(text) or not found else found


def _tokens(text: str) -> list[tuple[str, str]]:
    found = tokens(text, _TOKEN, ExpressionError)
    if not found:
        raise ExpressionError("is empty")
    return found


@dataclass
class _Reader:
    """Reads and works out at once; both sides of `&&` and `||` are read, as they are to be right in any case."""

    tokens: list[tuple[str, str]]
    contexts: Mapping[str, Any]
    at: int = field(default=0)

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" else ""

    def take(self, sign: str) -> bool:
        if self.peek() == sign:
            self.at += 1
            return True
        return False

    def insist(self, sign: str) -> None:
        if not self.take(sign):
            raise ExpressionError(f"lacks a `{sign}`")

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise ExpressionError(f"has `{self.tokens[self.at][1][:20]}` too much")

    def either(self, depth: int) -> Value:
        if depth > _DEEPEST:
            raise ExpressionError("is nested too deeply")
        return self._lazily("||", lambda: self._lazily("&&", lambda: self._equal(depth), stop=False), stop=True)

    def _lazily(self, sign: str, read: Callable[[], Any], *, stop: bool) -> Value:
        """Operands from left to right until one decides; what comes after it need not be known."""
        value = read()
        while self.take(sign):
            decided = truth(value) is stop
            start = self.at
            try:
                other = read()
            except UnknownError:
                if not decided:
                    raise
                self._skip(start, sign)
                continue
            value = value if decided else other
        return value

    def _skip(self, start: int, sign: str) -> None:
        """Go past an operand that is not known and does not matter."""
        self.at, depth = start, 0
        ends = {"||": {"||"}, "&&": {"&&", "||"}}[sign]
        while self.at < len(self.tokens):
            token = self.peek()
            if depth == 0 and token in ends | {")", "]", ","}:
                return
            depth += (token in {"(", "["}) - (token in {")", "]"})
            self.at += 1

    def _equal(self, depth: int) -> Value:
        left = self._ordered(depth)
        while self.peek() in {"==", "!="}:
            sign = self.tokens[self.at][1]
            self.at += 1
            left = _same(left, self._ordered(depth)) is (sign == "==")
        return left

    def _ordered(self, depth: int) -> Value:
        left = self._unary(depth)
        while self.peek() in _ORDER:
            sign = self.tokens[self.at][1]
            self.at += 1
            left = _compared(sign, left, self._unary(depth))
        return left

    def _unary(self, depth: int) -> Value:
        denials = 0
        while self.take("!"):
            denials += 1
        value = self._postfix(depth)
        return value if not denials else truth(value) is (denials % 2 == 0)

    def _postfix(self, depth: int) -> Value:
        value = self._primary(depth)
        while True:
            if self.take("."):
                value = _every(value) if self.take("*") else _member(value, self._name())
            elif self.take("["):
                value = _every(value) if self.take("*") else _member(value, self.either(depth + 1))
                self.insist("]")
            else:
                return value

    def _name(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind != "name":
            raise ExpressionError("has a `.` with no name after it")
        self.at += 1
        return text

    def _primary(self, depth: int) -> Value:
        if self.take("("):
            value = self.either(depth + 1)
            self.insist(")")
            return value
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        self.at += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text, 16) if "x" in text else float(text)
        if kind != "name":
            raise ExpressionError(f"lacks a value before `{text}`" if text else "ends where a value should stand")
        return self._function(text, depth) if self.take("(") else self._word(text)

    def _word(self, text: str) -> Value:
        if text in _WORDS:
            return _WORDS[text]
        name = text.lower()
        if name in self.contexts:
            return self.contexts[name]
        if name in _LATER | {"github", "env", "vars", "inputs", "matrix"}:
            raise UnknownError(f"asks for `{text}`, which is not known before it runs")
        raise ExpressionError(f"names `{text}`, which is no context; a text stands in single quotes")

    def _function(self, text: str, depth: int) -> Value:
        values: list[Any] = []
        while not self.take(")"):
            if values:
                self.insist(",")
            values.append(self.either(depth + 1))
        name = text.lower()
        if name in _LATER_FUNCTIONS:
            raise UnknownError(f"asks for `{text}()`, which is not known before it runs")
        low, high, function = _FUNCTIONS.get(name, (0, 0, None))
        if function is None:
            raise ExpressionError(f"calls `{text}`, which is no function")
        if not low <= len(values) <= high:
            raise ExpressionError(f"calls `{text}` with {len(values)} values")
        result = function(*values)
        if isinstance(result, str) and len(result) > _LARGEST:
            raise ExpressionError("makes a text that is too long")
        return result


def _every(value: Value) -> _Everything:
    if isinstance(value, Mapping):
        return _Everything(value.values())
    return _Everything(value if isinstance(value, list) else ())


def _member(value: Value, key: Value) -> Value:
    if isinstance(value, _Everything):
        return _Everything(found for one in value if (found := _member(one, key)) is not None)
    if isinstance(value, Mapping):
        wanted = as_text(key).lower()
        found = next((one for name, one in value.items() if name.lower() == wanted), None)
        if found is LATER:
            raise UnknownError(f"asks for `{as_text(key)[:40]}`, which is not known before it runs")
        return found
    if isinstance(value, list) and _is_number(key) and key == int(key) and 0 <= key < len(value):
        return value[int(key)]
    return None


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Value) -> float:
    if value is None or value == "":
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    try:
        return float(int(value, 16)) if str(value).startswith("0x") else float(value)
    except (TypeError, ValueError):
        return math.nan


def _same(left: Value, right: Value) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, (list, Mapping)) or isinstance(right, (list, Mapping)):
        return left is right
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


def _compared(sign: str, left: Value, right: Value) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDER[sign](left.lower(), right.lower()))
    return bool(_ORDER[sign](_number(left), _number(right)))


def _contains(where: Value, what: Value) -> bool:
    if isinstance(where, list):
        return any(_same(one, what) for one in where)
    return as_text(what).lower() in as_text(where).lower()


def _format(text: Value, *values: Value) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        if int(match[1]) >= len(values):
            raise ExpressionError(f"formats `{match[0]}` and gives {len(values)} values")
        return as_text(values[int(match[1])])

    return re.sub(r"\{\{|\}\}|\{(\d{1,3})\}", one, as_text(text))


def _join(values: Value, separator: Value = ",") -> str:
    parts = values if isinstance(values, list) else [values]
    return as_text(separator).join(as_text(part) for part in parts)


def _from_json(text: Value) -> Value:
    try:
        return json.loads(as_text(text))
    except (ValueError, RecursionError):
        raise ExpressionError("reads JSON from what is none") from None


_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any] | None]] = {
    "contains": (2, 2, _contains),
    "startswith": (2, 2, lambda text, part: as_text(text).lower().startswith(as_text(part).lower())),
    "endswith": (2, 2, lambda text, part: as_text(text).lower().endswith(as_text(part).lower())),
    "format": (1, 30, _format),
    "join": (1, 2, _join),
    "tojson": (1, 1, lambda value: json.dumps(value, indent=2)),
    "fromjson": (1, 1, _from_json),
}
"""By lower-case name: the least and the most values, and what is done with them."""
