"""A value of a pipeline's file, where it stands, and how it is read: one clear refusal when it is of the wrong type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NoReturn

from graders.pipelines.refusals import refuse, shown
from mde_grader.codec.documents import MAX_BYTES, Document, DocumentError, Path, read_yaml

_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


@dataclass(frozen=True, slots=True)
class Place:
    """One value.

    Attributes:
        data: Plain data.
        document: Knows the lines.
        file: Path of the file in the repository.
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
        return f"{shown(self.file)}:{line}" if line else shown(self.file)

    @property
    def label(self) -> str:
        """The keys as they are written, such as `jobs.test.steps[2].uses`."""
        text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path)
        return shown(text.lstrip("."), 100) or "the file"

    def refuse(self, rule: str, message: str, hint: str) -> NoReturn:
        """Refuse what stands here; the message is preceded by the keys.

        Raises:
            RefusedError: Always.
        """
        raise refuse(rule, f"`{self.label}` {message}", where=self.where, hint=hint)

    def wrong(self, wanted: str) -> NoReturn:
        """Refuse the value for its type, as the platform would.

        Raises:
            RefusedError: Always.
        """
        kind = _KINDS.get(type(self.data), "empty")
        self.refuse("pipeline.invalid", f"is {kind}, which the platform does not take", f"write {wanted}")

    def child(self, key: str | int) -> Place:
        """The value under a key or position; None data when it is not there."""
        if isinstance(self.data, Mapping):
            data = self.data.get(key)
        else:
            data = self.data[key] if isinstance(self.data, list) and isinstance(key, int) else None
        return Place(data, self.document, self.file, (*self.path, key))

    def has(self, key: str) -> bool:
        """Whether the mapping has the key, whatever its value."""
        return isinstance(self.data, Mapping) and key in self.data

    def items(self, wanted: str = "a mapping") -> Iterator[tuple[str, Place]]:
        """Entries of a mapping; none of an empty value."""
        if self.data is None:
            return
        if not isinstance(self.data, Mapping):
            self.wrong(wanted)
        for key in self.data:
            yield str(key), self.child(key)

    def elements(self, wanted: str = "a list") -> list[Place]:
        """Elements of a list; one value counts as a list of one, nothing as none."""
        if isinstance(self.data, list):
            return [self.child(index) for index in range(len(self.data))]
        if isinstance(self.data, Mapping):
            self.wrong(wanted)
        return [] if self.data is None else [self]

    def text(self, wanted: str = "text") -> str:
        """A text; numbers and booleans as they would be written."""
        if isinstance(self.data, bool):
            return str(self.data).lower()
        if not isinstance(self.data, (str, int, float)):
            self.wrong(wanted)
        return str(self.data)

    def texts(self, wanted: str = "a list of texts") -> tuple[str, ...]:
        """A list of texts, or one text."""
        return tuple(element.text(wanted) for element in self.elements(wanted))

    def known(self, names: Collection[str], what: str) -> None:
        """Refuse keys that are not among the names; the nearest one is named.

        Raises:
            RefusedError: There is such a key.
        """
        for key, child in self.items():
            if key not in names:
                near = get_close_matches(key[:60], sorted(names), 1)
                hint = f"did you mean `{near[0]}`?" if near else f"it knows {', '.join(sorted(names))}"[:300]
                child.refuse("pipeline.invalid", f"is not a key that {what} has", hint)

    def with_data(self, data: object) -> Place:
        """The same place with another value, for one that was worked out."""
        return replace(self, data=data)


def read_place(content: bytes, file: str) -> Place:
    """Read one YAML file of a candidate's.

    Raises:
        RefusedError: It is too large, not text, or no YAML that is read here.
    """
    if len(content) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES >> 10} KiB"
        raise refuse("pipeline.text", message, where=shown(file), hint="take out what is no part of the pipeline")
    try:
        document = read_yaml(content)
    except DocumentError as error:
        where = f"{shown(file)}:{error.line}" if error.line else shown(file)
        raise refuse("pipeline.yaml", shown(error.message, 200), where=where, hint=_next_step(error.message)) from None
    return Place(document.data, document, file)


def _next_step(message: str) -> str:
    if "tag" in message:
        return "write the value out, or share it with an anchor or `extends`"
    if "twice" in message:
        return "keep one of the two"
    return "mend the YAML, and look at it with `yamllint`"
