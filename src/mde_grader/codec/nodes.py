"""A place in a document: its value, where it stands, and how to read it with a clear error.

Lab authors read these errors, so each names file, line, key and what would have been right.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mde_grader.codec.documents import Document, DocumentError, read_yaml
from mde_grader.errors import LabInvalidError

Key = str | int

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document.

    Attributes:
        data: The value, plain data.
        file: Name of the file, for errors.
        lines: Path to 1-based line, as far as the reader knows them.
        path: Keys and indices from the document's root to here.
    """

    data: Any
    file: str
    lines: Mapping[tuple[Key, ...], int] = field(default_factory=dict)
    path: tuple[Key, ...] = ()

    @property
    def where(self) -> str:
        """`file:line` of this value or of the nearest thing around it whose line is known."""
        for length in range(len(self.path), -1, -1):
            line = self.lines.get(self.path[:length])
            if line is not None:
                return f"{self.file}:{line}"
        return self.file

    @property
    def label(self) -> str:
        """The path as an author writes it, such as `requirements[2].points`."""
        text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path)
        return text.lstrip(".") or "the document"

    def fail(self, problem: str) -> NoReturn:
        """Say what is wrong with this value.

        Raises:
            LabInvalidError: Always.
        """
        raise LabInvalidError(f"{self.where}: {self.label} {problem}")

    def child(self, key: Key, data: object) -> Node:
        """The node of one entry."""
        return Node(data, self.file, self.lines, (*self.path, key))

    def items(self) -> Iterator[tuple[str, Node]]:
        """Entries of a mapping whose keys are text."""
        if not isinstance(self.data, Mapping):
            self.fail("must be a mapping")
        for key, value in self.data.items():
            if not isinstance(key, str):
                self.fail(f"has the key {key!r}, which must be text")
            yield key, self.child(key, value)

    def fields(self, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Node]:
        """Entries of a mapping with known keys; keys that begin with `x-` and are not known are left out.

        Raises:
            LabInvalidError: A key is unknown (the nearest known one is named) or a required one is missing.
        """
        names = list(known)
        found = {}
        for key, node in self.items():
            if key in names:
                found[key] = node
            elif not key.startswith("x-"):
                near = difflib.get_close_matches(key, names, n=1)
                node.fail("is not known here" + (f"; did you mean `{near[0]}`?" if near else ""))
        missing = [name for name in required if name not in found]
        if missing:
            self.fail(f"lacks `{missing[0]}`")
        return found

    def entries(self) -> list[Node]:
        """Entries of a list."""
        if not isinstance(self.data, list):
            self.fail("must be a list")
        return [self.child(index, value) for index, value in enumerate(self.data)]

    def text(self, *, pattern: str = "", empty: bool = False) -> str:
        """A text, matching `pattern` as a whole when one is given."""
        if not isinstance(self.data, str):
            self.fail(f"must be text, not {kind(self.data)}")
        if not empty and not self.data.strip():
            self.fail("must not be empty")
        if pattern and not re.fullmatch(pattern, self.data):
            self.fail(f"is {self.data[:80]!r}, which does not match {pattern}")
        return self.data

    def choice(self, values: Iterable[str]) -> str:
        """One of a few words."""
        words = list(values)
        value = self.text()
        if value not in words:
            self.fail(f"is {value[:80]!r}; it must be one of: {', '.join(words)}")
        return value

    def integer(self, low: int, high: int) -> int:
        """A whole number within bounds, both included."""
        if isinstance(self.data, bool) or not isinstance(self.data, int):
            self.fail(f"must be a whole number, not {kind(self.data)}")
        if not low <= self.data <= high:
            self.fail(f"is {self.data}; it must be from {low} to {high}")
        return self.data

    def number(self, low: float, high: float) -> float:
        """A number within bounds, both included."""
        if isinstance(self.data, bool) or not isinstance(self.data, int | float):
            self.fail(f"must be a number, not {kind(self.data)}")
        if not low <= self.data <= high:
            self.fail(f"is {self.data:g}; it must be from {low:g} to {high:g}")
        return float(self.data)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.data, bool):
            self.fail(f"must be true or false, not {kind(self.data)}")
        return self.data

    def words(self, *, pattern: str = "") -> tuple[str, ...]:
        """A list of texts without repetition."""
        values = tuple(node.text(pattern=pattern) for node in self.entries())
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            self.fail(f"names {twice!r} twice")
        return values

    def command(self) -> tuple[str, ...]:
        """A command as Compose takes it: a list, or one text that is split as a shell would."""
        if isinstance(self.data, list):
            return tuple(node.text(empty=True) for node in self.entries())
        try:
            return tuple(shlex.split(self.text()))
        except ValueError:
            self.fail("has a quotation mark that is not closed")

    def seconds(self, low: float = 0.0, high: float = 86_400.0) -> float:
        """A duration: a number of seconds, or text such as `90s`, `1m30s`, `500ms`."""
        value = self.data
        if isinstance(value, str):
            match = _DURATION.fullmatch(value.strip())
            if match is None or not any(match.groups()):
                self.fail(f"is {value[:40]!r}; write a duration as seconds or as in `90s`, `1m30s`, `500ms`")
            hours, minutes, whole, parts = (float(part or 0) for part in match.groups())
            value = hours * 3600 + minutes * 60 + whole + parts / 1000
        return self.child_value(value).number(low, high)

    def child_value(self, data: object) -> Node:
        """The same place with another value, for one that was worked out."""
        return Node(data, self.file, self.lines, self.path)


def document_from(text: str | bytes, *, file: str) -> Document:
    """Read the YAML of one of a lab's own files.

    Args:
        text: What the file holds.
        file: Its name, for errors.

    Raises:
        LabInvalidError: It is no YAML that we take; names file and line.
    """
    try:
        return read_yaml(text)
    except DocumentError as error:
        where = f"{file}:{error.line}" if error.line else file
        raise LabInvalidError(f"{where}: {error.message}") from error


def kind(value: object) -> str:
    """What a value of a document is called in an error."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
