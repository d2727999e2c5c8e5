"""Regular expressions of candidates in RE2's syntax, matched without going back, so that no text makes them explode.

Taken are literals, classes, groups, alternatives, repetitions and anchors. What RE2 does not know (references, looking
ahead) is refused, as GitLab does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 512
"""Characters of one expression."""

_DEEPEST = 20
_MOST = 1000
_STEPS = 200_000
_DIGITS, _SPACE = (frozenset(text) for text in ("0123456789", " \t\n\r\f\v"))
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_POSIX: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha,
    "digit": lambda one: one in _DIGITS,
    "alnum": str.isalnum,
    "lower": str.islower,
    "upper": str.isupper,
    "space": lambda one: one in _SPACE,
    "punct": lambda one: one.isascii() and one.isprintable() and not one.isalnum() and one != " ",
}

Takes = Callable[[str], bool]


class RegexError(ValueError):
    """No regular expression that is taken; the message says what is wrong."""


@dataclass(slots=True)
class _Node:
    """A piece: `one` character, an `anchor`, all of its `parts` in a row, `any` of them, or `many` of the first."""

    kind: str
    takes: Takes = bool
    parts: tuple[_Node, ...] = ()
    low: int = 0
    high: int = 0


def found_in(expression: str, text: str, *, flags: str = "") -> bool:
    """Whether some part of a text matches.

    Args:
        expression: The expression, without slashes around it.
        text: The text.
        flags: Letters after the last slash: `i` takes upper and lower case for the same, `m` lets `^` and `$` stand for
            the ends of lines, `s` lets a dot stand for the end of a line too.

    Raises:
        RegexError: It is none that is taken.
    """
    if len(expression) > LONGEST:
        raise RegexError(f"has more than {LONGEST} characters")
    node = _Parser(expression, flags).read()
    return bool(_Matcher(text).ends(node, frozenset(range(len(text) + 1))))


class _Matcher:
    """Where in a text a piece can end, for all places at once at which it can begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps = 0

    def ends(self, node: _Node, starts: frozenset[int]) -> frozenset[int]:
        self._steps += 1 + len(starts)
        if self._steps > _STEPS:
            raise RegexError("is too costly")
        if node.kind == "one":
            return frozenset(at + 1 for at in starts if at < len(self._text) and node.takes(self._text[at]))
        if node.kind == "row":
            for part in node.parts:
                starts = self.ends(part, starts)
            return starts
        if node.kind == "any":
            return frozenset().union(*(self.ends(part, starts) for part in node.parts))
        if node.kind == "many":
            return self._many(node, starts)
        return frozenset(at for at in starts if self._anchored(node.kind, at))

    def _many(self, node: _Node, starts: frozenset[int]) -> frozenset[int]:
        reached = starts
        for _ in range(node.low):
            after = self.ends(node.parts[0], reached)
            if after == reached:
                break
            reached = after
        found, edge = reached, reached
        for _ in range(node.high - node.low):
            edge = self.ends(node.parts[0], edge) - found
            if not edge:
                break
            found |= edge
        return found

    def _anchored(self, kind: str, at: int) -> bool:
        text = self._text
        if kind == "begin":
            return at == 0
        if kind == "end":
            return at == len(text)
        if kind == "line-begin":
            return at == 0 or text[at - 1] == "\n"
        if kind == "line-end":
            return at == len(text) or text[at] == "\n"
        before = at > 0 and _is_word(text[at - 1])
        return (before != (at < len(text) and _is_word(text[at]))) is (kind == "edge")


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, source: str, flags: str) -> None:
        self._source = source
        self._fold = "i" in flags
        self._lines = "m" in flags
        self._dots = "s" in flags
        self._at = 0

    def read(self) -> _Node:
        node = self._either(0)
        if self._at < len(self._source):
            raise RegexError("has a `)` too much")
        return node

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        if self._source.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _either(self, depth: int) -> _Node:
        if depth > _DEEPEST:
            raise RegexError("is nested too deeply")
        choices = [self._row(depth)]
        while self._take("|"):
            choices.append(self._row(depth))
        return choices[0] if len(choices) == 1 else _Node("any", parts=tuple(choices))

    def _row(self, depth: int) -> _Node:
        parts: list[_Node] = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated(self._piece(depth)))
        return _Node("row", parts=tuple(parts))

    def _repeated(self, node: _Node) -> _Node:
        bounds = {"*": (0, _MOST), "+": (1, _MOST), "?": (0, 1)}.get(self._peek())
        if bounds is not None:
            self._at += 1
        else:
            bounds = self._counted()
        if bounds is None:
            return node
        self._take("?")
        if self._peek() in {"*", "+", "?"} and self._peek():
            raise RegexError(f"repeats a repetition by `{self._peek()}`")
        return _Node("many", parts=(node,), low=bounds[0], high=bounds[1])

    def _counted(self) -> tuple[int, int] | None:
        """`{2}`, `{2,}` or `{2,4}`; a brace that is none of them is itself."""
        end = self._source.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        low, comma, high = self._source[self._at + 1 : end].partition(",")
        if not low.isdecimal() or (high and not high.isdecimal()):
            return None
        bounds = int(low), int(high) if high else (_MOST if comma else int(low))
        if bounds[0] > bounds[1] or bounds[1] > _MOST:
            raise RegexError(f"repeats by `{self._source[self._at : end + 1]}`")
        self._at = end + 1
        return bounds

    def _piece(self, depth: int) -> _Node:
        sign = self._peek()
        self._at += 1
        if sign == "(":
            return self._group(depth)
        if sign == "[":
            return _Node("one", self._class())
        if sign == ".":
            return _Node("one", lambda one: self._dots or one != "\n")
        if sign in "^$":
            return _Node(f"{'line-' if self._lines else ''}{'begin' if sign == '^' else 'end'}")
        if sign in "*+?":
            raise RegexError(f"has a `{sign}` with nothing before it")
        return self._escaped() if sign == "\\" else _Node("one", self._same(sign))

    def _group(self, depth: int) -> _Node:
        if self._take("?"):
            if self._take("i)"):
                self._fold = True
                return _Node("row")
            named = self._take("P<") or (self._take("<") and self._peek() not in {"=", "!"})
            if named:
                self._at = self._source.find(">", self._at) + 1 or len(self._source)
            elif not self._take(":"):
                raise RegexError("looks ahead or back, which RE2 does not know")
        node = self._either(depth + 1)
        if not self._take(")"):
            raise RegexError("has a `(` that is not closed")
        return node

    def _escaped(self) -> _Node:
        sign = self._peek()
        self._at += 1
        anchor = {"A": "begin", "z": "end", "Z": "end", "b": "edge", "B": "no-edge"}.get(sign)
        if anchor:
            return _Node(anchor)
        if sign == "" or sign.isdecimal():
            raise RegexError("ends with a backslash" if not sign else "refers back, which RE2 does not know")
        return _Node("one", _kind(sign) or self._same(_SIGNS.get(sign, sign)))

    def _same(self, sign: str) -> Takes:
        if self._fold:
            return lambda one: one.lower() == sign.lower()
        return sign.__eq__

    def _class(self) -> Takes:
        negative = self._take("^")
        takes: list[Takes] = []
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise RegexError("has a `[` that is not closed")
            first = False
            takes.append(self._member())
        self._at += 1
        return lambda one: any(take(one) for take in takes) is not negative

    def _member(self) -> Takes:
        if self._take("[:"):
            name, _, _ = self._source[self._at :].partition(":]")
            if name not in _POSIX:
                raise RegexError("names a class that is none")
            self._at += len(name) + 2
            return _POSIX[name]
        low = self._character()
        if not isinstance(low, str):
            return low
        if self._peek() == "-" and self._source[self._at + 1 : self._at + 2] not in {"", "]"}:
            self._at += 1
            high = self._character()
            if not isinstance(high, str) or low > high:
                raise RegexError("has a range that is none")
            if self._fold:
                return lambda one: low <= one.lower() <= high or low <= one.upper() <= high
            return lambda one: low <= one <= high
        return self._same(low)

    def _character(self) -> str | Takes:
        sign = self._peek()
        self._at += 1
        if sign != "\\":
            return sign
        sign = self._peek()
        self._at += 1
        return _kind(sign) or _SIGNS.get(sign, sign)


def _is_word(one: str) -> bool:
    return one.isascii() and (one.isalnum() or one == "_")


def _kind(sign: str) -> Takes | None:
    r"""What `\d`, `\w`, `\s` and their opposites take."""
    takes: dict[str, Takes] = {"d": _DIGITS.__contains__, "w": _is_word, "s": _SPACE.__contains__}
    take = takes.get(sign.lower())
    if take is None:
        return None
    return take if sign.islower() else lambda one: not take(one)
