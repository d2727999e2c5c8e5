"""A value of a Compose file, where it stands, and how it is read: one clear refusal when it is of the wrong type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mde_grader.codec.documents import Document, Path
from mde_grader.runtimes.policy.interpolate import VariableError, substitute
from mde_grader.runtimes.policy.rules import refuse, shown

MAX_INTERPOLATED = 1024 * 1024
"""Characters of all texts together after their variables were replaced."""

_MAX_NOTES = 100
_DURATION = re.compile(
    r"(?=.)(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,6}(?:\.\d{1,6})?)s)?(?:(\d{1,6})ms)?(?:\d{1,9}us)?"
)
_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


class Notes:
    """What is accepted and has no effect here; each line once, so many at the most."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def add(self, line: str) -> None:
        """Keep one line for the candidate."""
        if len(self._lines) < _MAX_NOTES:
            self._lines.setdefault(line)

    def lines(self) -> tuple[str, ...]:
        """The notes, in the order they were made."""
        return tuple(self._lines)


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Attributes:
        data: Plain data, variables replaced.
        document: Knows the lines.
        file: Name of the file.
        path: Keys from the root to here.
    """

    data: Any
    document: Document
    file: str
    path: Path = ()

    @property
    def where(self) -> str:
        """`file:line`."""
        line = self.document.line(self.path)
        return f"{self.file}:{line}" if line else self.file

    @property
    def label(self) -> str:
        """The keys as a candidate writes them, such as `services.web.ports`."""
        return shown(".".join(str(key) for key in self.path), 100) or "the file"

    def wrong(self, wanted: str) -> NoReturn:
        """Refuse the value for its type."""
        kind = _KINDS.get(type(self.data), "empty")
        raise refuse(
            "compose.type",
            f"{self.label} must be {wanted}, and is {kind}",
            where=self.where,
            hint="see the Compose file reference",
        )

    def child(self, key: str | int) -> Value:
        """The value under a key or position; None data when it is not there."""
        data = self.data.get(key) if isinstance(self.data, Mapping) else self.data[key]
        return Value(data, self.document, self.file, (*self.path, key))

    def items(self) -> Iterator[tuple[str, Value]]:
        """Entries of a mapping; nothing for an empty value."""
        if not isinstance(self.data, Mapping):
            if self.data is not None:
                self.wrong("a mapping")
            return
        for key in self.data:
            yield key, self.child(key)

    def elements(self) -> list[Value]:
        """Elements of a list; a single text counts as a list of one, nothing as none."""
        if isinstance(self.data, list):
            return [self.child(index) for index in range(len(self.data))]
        if self.data is None:
            return []
        if isinstance(self.data, Mapping):
            self.wrong("a list")
        return [self]

    def text(self) -> str:
        """A text; numbers and booleans as they are written."""
        if isinstance(self.data, bool):
            return str(self.data).lower()
        if not isinstance(self.data, (str, int, float)):
            self.wrong("text")
        text = str(self.data)
        if "\0" in text:
            raise refuse("compose.type", f"{self.label} holds a NUL character", where=self.where, hint="remove it")
        return text

    def boolean(self) -> bool:
        """True or false, also as text (which a variable always is)."""
        known = {"true": True, "false": False}
        if isinstance(self.data, bool):
            return self.data
        if not isinstance(self.data, str) or self.data.lower() not in known:
            self.wrong("true or false")
        return known[self.data.lower()]

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(element.text() for element in self.elements())

    def seconds(self) -> float:
        """A duration such as `1m30s`, in seconds."""
        match = _DURATION.fullmatch(self.text())
        if match is None:
            message = f"{shown(self.text())} is not a duration"
            raise refuse("compose.duration", message, where=self.where, hint="write it like 10s or 1m30s")
        hours, minutes, seconds, thousandths = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds + thousandths / 1000

    def pairs(self) -> dict[str, Value]:
        """A mapping, or a list of `NAME=value` texts in which a NAME alone has None data."""
        if not isinstance(self.data, list):
            return dict(self.items())
        found: dict[str, Value] = {}
        for element in self.elements():
            name, sign, value = element.text().partition("=")
            found[name] = Value(value if sign else None, self.document, self.file, element.path)
        return found


@dataclass(slots=True)
class Interpolation:
    """Replaces the variables of a whole document; `values` is all there is to replace them with."""

    values: Mapping[str, str]
    notes: Notes
    known: tuple[str, ...]
    total: int = field(default=0)

    def apply(self, value: Value) -> Any:  # noqa: ANN401
        """Plain data of `value` with every text's variables replaced; keys stay as they are."""
        if isinstance(value.data, Mapping):
            return {
                key: self.apply(child) for key, child in value.items() if not (key.startswith("x-") and not value.path)
            }
        if isinstance(value.data, list):
            return [self.apply(child) for child in value.elements()]
        return self._text(value) if isinstance(value.data, str) and "$" in value.data else value.data

    def _text(self, value: Value) -> str:
        def unset(name: str) -> None:
            self.notes.add(f"{value.where}: the variable {shown(name)} is not set here and is empty")

        try:
            return self._counted(substitute(value.data, self.values, unset))
        except VariableError as error:
            given = ", ".join(self.known) or "none"
            raise refuse(
                "compose.variable",
                f"{value.label}: {shown(str(error), 300)}",
                where=value.where,
                hint=error.hint or f"this lab sets {given}; others need a default, as in ${{NAME:-value}}",
            ) from None

    def _counted(self, text: str) -> str:
        self.total += len(text)
        if self.total > MAX_INTERPOLATED:
            raise VariableError(f"all texts together grow beyond {MAX_INTERPOLATED >> 20} MiB")
        return text
