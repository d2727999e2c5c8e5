"""Conditions of GitLab's `rules: if`, by the grammar that GitLab documents for its CI/CD variable expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from graders.pipelines.regexes import RegexError, found_in
from graders.pipelines.tokens import tokens

LONGEST = 2048
"""Characters of one condition."""

_DEEPEST = 20
_TOKEN = re.compile(
    r"\s*(?:(?P<variable>\$[A-Za-z0-9_]+)|(?P<text>\"[^\"]*\"|'[^']*')|(?P<null>null\b)"
    r"|(?P<pattern>/(?:[^/\\]|\\.)+/[ismU]*)|(?P<sign>==|!=|=~|!~|&&|\|\||[!()]))",
    re.DOTALL,
)
_PATTERN = re.compile(r"/(?P<body>(?:[^/\\]|\\.)+)/(?P<flags>[ismU]*)", re.DOTALL)
Operand = str | bool | None


class ConditionError(ValueError):
    """No condition that GitLab takes; the message says what is wrong."""


class DoubtfulError(ConditionError):
    """A condition that GitLab takes, and gitlab-ci-local for something else."""


def holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Whether a condition holds.

    >>> holds('$CI_COMMIT_BRANCH == "main" && $CI_COMMIT_TAG == null', {"CI_COMMIT_BRANCH": "main"})
    True

    Raises:
        ConditionError: It is none that GitLab takes.
        DoubtfulError: It is, and the runner that is here takes it for something else.
    """
    if len(condition) > LONGEST:
        raise ConditionError(f"has more than {LONGEST} characters")
    # The first one last, so that they can be popped.
    reader = _Reader(tokens(condition, _TOKEN, ConditionError)[::-1], variables)
    value = reader.either(0)
    if reader.tokens:
        raise ConditionError(f"has `{reader.tokens[-1][1][:20]}` too much")
    return bool(value)


@dataclass
class _Reader:
    """Reads and works out at once; all of a condition is read, so that none is right only by accident."""

    tokens: list[tuple[str, str]]
    variables: Mapping[str, str]

    def take(self, *signs: str) -> str:
        if self.tokens and self.tokens[-1][0] == "sign" and self.tokens[-1][1] in signs:
            return self.tokens.pop()[1]
        return ""

    def either(self, depth: int) -> Operand:
        if depth > _DEEPEST:
            raise ConditionError("is nested too deeply")
        value = self._both(depth)
        while self.take("||"):
            other = self._both(depth)
            value = bool(value) or bool(other)
        return value

    def _both(self, depth: int) -> Operand:
        value = self._compared(depth)
        while self.take("&&"):
            other = self._compared(depth)
            value = bool(value) and bool(other)
        return value

    def _compared(self, depth: int) -> Operand:
        value = self._operand(depth)
        while sign := self.take("==", "!=", "=~", "!~"):
            if sign in {"==", "!="}:
                value = _same(value, self._operand(depth)) is (sign == "==")
            else:
                value = self._matched(value) is (sign == "=~")
        return value

    def _matched(self, value: Operand) -> bool:
        kind = self.tokens[-1][0] if self.tokens else ""
        if kind not in {"pattern", "variable", "text"}:
            raise ConditionError("lacks an expression between slashes")
        written = self.tokens.pop()[1] if kind == "pattern" else str(self._operand(0) or "")
        pattern = _PATTERN.fullmatch(written)
        if pattern is None:
            return False
        text = value if isinstance(value, str) else ""
        try:
            return found_in(pattern["body"], text, flags=pattern["flags"]) and text != ""
        except RegexError as error:
            raise ConditionError(f"has the expression `{written[:40]}`, which {error}") from None

    def _operand(self, depth: int) -> Operand:
        if self.take("!"):
            return not self._operand(depth)
        if self.take("("):
            value = self.either(depth + 1)
            if not self.take(")"):
                raise ConditionError("has a `(` that is not closed")
            return value
        kind, text = self.tokens.pop() if self.tokens else ("", "")
        if kind == "variable":
            return self.variables.get(text[1:])
        if kind == "null":
            return None
        if kind == "text":
            return text[1:-1]
        raise ConditionError(
            f"has `{text[:20]}` where a value should stand" if text else "ends where a value should stand"
        )


def _same(left: Operand, right: Operand) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        raise DoubtfulError("compares whether something holds")
    return left == right
