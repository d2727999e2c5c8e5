"""The only reader of YAML and JSON text: plain data and the line of each value, or one clear error.

YAML is read by events, never by a constructor: nothing in a document can name a Python object, and every cap below is
counted while reading. Anchors, aliases and merge keys (`<<`) are honest work in Compose files, so they are followed,
but each use counts with everything that it stands for: a billion laughs is refused at its ten-thousandth node.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a document to a value."""

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000
_MAX_INTEGER_DIGITS = 18
_SHOWN = 60

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


_YAML_WORDS = (
    ("did not find expected", "something here is opened and not closed, indented too little, or has no value"),
    ("could not find expected ':'", "a key has no `:` after it, here or just above"),
    ("unexpected end of stream", "a quote is opened and not closed"),
    ("mapping values are not allowed", "a second `: ` on one line, or a line indented too far; quote what is text"),
    (
        "cannot start any token",
        "a value begins with a tab or a sign of YAML's own; indent with spaces, quote what is text",
    ),
)
"""What the parser says, in part, and what that means for a person."""


class DocumentError(ValueError):
    """A text is not a document that we read.

    Args:
        message: What is wrong, one line.
        line: 1-based line, 0 when no line is to blame.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and where each value stands.

    Attributes:
        data: The root value; None for an empty text.
        lines: 1-based line of the value at each path; a mapping's entry points at its key. Empty for JSON.
    """

    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Line of the value at `path`, or of the nearest value around it; 0 when nothing is known."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0


@dataclass(slots=True)
class _Node:
    """A value while it is read: `size` and `height` count everything below it, aliases followed."""

    kind: str
    line: int
    scalar: Any = None
    entries: list[tuple[str | int, int, _Node]] = field(default_factory=list)
    size: int = 1
    height: int = 1

    def add(self, key: str | int, line: int, child: _Node) -> None:
        self.entries.append((key, line, child))
        self.size += child.size
        self.height = max(self.height, child.height + 1)


def read_yaml(text: str | bytes) -> Document:
    """Read one YAML document, in the manner of YAML 1.2: only `true` and `false` are booleans, `22:22` is text.

    Raises:
        DocumentError: Not YAML, not one document, or beyond a cap; duplicate keys and tags of its own are refused.
    """
    source = _decoded(text)
    try:
        root = _Reader(yaml.parse(source, Loader=_LOADER)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The end of the text is reported one line too far.
        line = min(mark.line, source.rstrip("\n").count("\n")) + 1 if mark else 0
        raise DocumentError(f"not valid YAML: {_in_words(str(error.problem or error.context))}", line) from None
    except yaml.YAMLError as error:
        raise DocumentError(f"not valid YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        return Document(None)
    lines: dict[Path, int] = {}
    return Document(_plain(root, (), root.line, lines), lines)


def read_json(text: str | bytes) -> Document:
    """Read one JSON text strictly.

    Raises:
        DocumentError: Not JSON, a duplicate key, NaN or an infinite number, or beyond a cap.
    """
    source = _decoded(text)
    _check_json_depth(source)
    try:
        data = json.loads(source, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not valid JSON: {error.msg}", error.lineno) from None
    except DocumentError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError(f"not valid JSON: {error}") from None
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DocumentError("a text holds half a surrogate pair") from None
    return Document(data)


def _decoded(text: str | bytes) -> str:
    """The text, which is then known to be encodable and within the size cap."""
    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) > MAX_BYTES:
            raise DocumentError(f"larger than {MAX_BYTES // 1024} KiB")
        return raw.decode("utf-8-sig")
    except UnicodeError:
        raise DocumentError("not valid UTF-8") from None


class _Reader:
    """Turns parser events into nodes, with every cap counted on the way."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, _Node | None] = {}
        self._nodes = 0

    def read(self) -> _Node | None:
        root: _Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise DocumentError("more than one YAML document", _line(event))
                root = self._value(next(self._events), 1)
        return root

    def _count(self, size: int, event: Any) -> None:  # noqa: ANN401
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise DocumentError(f"more than {MAX_NODES} values, aliases counted in full", _line(event))

    def _value(self, event: Any, depth: int) -> _Node:  # noqa: ANN401
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        self._count(1, event)
        _check_depth(depth, event)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = _Node("scalar", _line(event), _scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: Any, depth: int) -> _Node:  # noqa: ANN401
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self._anchors
            raise DocumentError(
                f"alias *{_short(event.anchor)} {'contains itself' if inside else 'is unknown'}", _line(event)
            )
        self._count(node.size, event)
        _check_depth(depth + node.height - 1, event)
        return node

    def _sequence(self, start: Any, depth: int) -> _Node:  # noqa: ANN401
        _check_tag(start, "seq")
        node = _Node("list", _line(start))
        for event in self._events:  # pragma: no branch - the parser ends each collection
            if isinstance(event, yaml.SequenceEndEvent):
                break
            node.add(len(node.entries), _line(event), self._value(event, depth + 1))
        return node

    def _mapping(self, start: Any, depth: int) -> _Node:  # noqa: ANN401
        _check_tag(start, "map")
        node = _Node("dict", _line(start))
        own: set[str | int] = set()
        merged: list[_Node] = []
        for event in self._events:  # pragma: no branch - the same
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = _key(event)
            value = self._value(next(self._events), depth + 1)
            if key == "<<" and event.implicit[0]:
                merged += _merge_sources(value, event)
                continue
            if key in own:
                raise DocumentError(f"the key {_short(key)!r} stands here twice", _line(event))
            own.add(key)
            node.add(key, _line(event), value)
        self._merge(node, own, merged, start)
        return node

    def _merge(self, node: _Node, own: set[str | int], sources: list[_Node], event: Any) -> None:  # noqa: ANN401
        for source in sources:
            for key, line, child in source.entries:
                if key not in own:
                    own.add(key)
                    self._count(child.size, event)
                    node.add(key, line, child)


def _in_words(problem: str) -> str:
    return next((words for part, words in _YAML_WORDS if part in problem), problem)


def _short(text: str) -> str:
    """What of the candidate's text an error may repeat."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _line(event: Any) -> int:  # noqa: ANN401
    return int(event.start_mark.line) + 1


def _check_depth(depth: int, event: Any) -> None:  # noqa: ANN401
    if depth > MAX_DEPTH:
        raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", _line(event))


def _check_tag(event: Any, *names: str) -> None:  # noqa: ANN401
    if event.tag not in (None, "!", *(_TAG + name for name in names)):
        raise DocumentError(f"the tag {_short(event.tag)!r} is not read here", _line(event))


def _key(event: Any) -> str:  # noqa: ANN401
    if not isinstance(event, yaml.ScalarEvent):
        raise DocumentError("a key must be plain text", _line(event))
    if event.anchor is not None:
        raise DocumentError("an anchor on a key is not read here", _line(event))
    _check_tag(event, "str", "int", "float", "bool", "null", "merge")
    return _encodable(event)


def _merge_sources(node: _Node, event: Any) -> list[_Node]:  # noqa: ANN401
    sources = [node] if node.kind == "dict" else [child for _, _, child in node.entries]
    if node.kind == "scalar" or any(source.kind != "dict" for source in sources):
        raise DocumentError("`<<` merges mappings only", _line(event))
    return sources


def _encodable(event: Any) -> str:  # noqa: ANN401
    text: str = event.value
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DocumentError("a text holds half a surrogate pair", _line(event)) from None
    return text


def _scalar(event: Any) -> Any:  # noqa: ANN401
    _check_tag(event, "str", "int", "float", "bool", "null")
    text = _encodable(event)
    if event.tag == _TAG + "str" or event.tag == "!" or (event.tag is None and not event.implicit[0]):
        return text
    return _resolved(text)


def _resolved(text: str) -> Any:  # noqa: ANN401
    """What a plain scalar means. Leading zeros and numbers beyond 64 bits stay text, so that nothing is lost."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _MAX_INTEGER_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text) and math.isfinite(float(text)):
        return float(text)
    return text


def _plain(node: _Node, path: Path, line: int, lines: dict[Path, int]) -> Any:  # noqa: ANN401
    lines[path] = line
    if node.kind == "scalar":
        return node.scalar
    values = {key: _plain(child, (*path, key), at, lines) for key, at, child in node.entries}
    return values if node.kind == "dict" else list(values.values())


def _check_json_depth(text: str) -> None:
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", text.count("\n", 0, token.start()) + 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DocumentError(f"the key {_short(twice)!r} stands in one object twice")
    return values


def _no_constant(name: str) -> NoReturn:
    raise DocumentError(f"{name} is not a number that JSON knows")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise DocumentError(f"the number {text[:20]} is too large")
    return number
