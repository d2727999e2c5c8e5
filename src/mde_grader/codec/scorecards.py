"""Scorecard <-> plain data, as `schema/scorecard.schema.json` publishes it.

Fields that this version does not know are kept: they stand in `Scorecard.extra`, a top-level one under its own name and
a nested one under its JSON Pointer (`/results/0/outcomes/1/colour`), and are put back where they were.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NoReturn, TypeVar

from mde_grader.model import (
    DialectIdentity,
    Evidence,
    Fault,
    Lab,
    Outcome,
    Phase,
    Requirement,
    RequirementResult,
    Scorecard,
    Status,
    SubmissionIdentity,
    Trust,
    VariantIdentity,
    Verdict,
)

SCHEMA = "mde-grade/scorecard/1"

_DERIVED = ("schema", "percent", "possible")
"""Written for readers; worked out again rather than believed."""

_KINDS: dict[str, type] = {"str": str, "int": int, "bool": bool}

T = TypeVar("T")


class ScorecardFormatError(ValueError):
    """Plain data that is no scorecard; the message names the field."""


def scorecard_to(card: Scorecard) -> dict[str, Any]:
    """Plain data of a scorecard, ready for JSON.

    Args:
        card: Any scorecard; its `extra` is put back where it was found.
    """
    data: dict[str, Any] = {"schema": SCHEMA}
    for field in dataclasses.fields(card):
        if field.name not in {"results", "extra"}:
            data[field.name] = _plain(getattr(card, field.name))
    _leave_out(data, card)
    data |= {"percent": card.percent, "possible": card.possible}
    data["results"] = [_row_to(row) for row in card.results]
    for key, value in card.extra.items():
        _put(data, key, value)
    return data


def _leave_out(data: dict[str, Any], card: Scorecard) -> None:
    """A lab without variants or dialects says nothing of them, as before there were any."""
    del data["lab"]["dialects"]  # a scorecard tells the one that it was
    if card.dialect is None:
        del data["dialect"]
    if card.variant is None:
        del data["variant"]
    if card.lab.version == 1:
        del data["lab"]["version"]


def scorecard_from(data: Mapping[str, Any]) -> Scorecard:
    """The scorecard that `scorecard_to` wrote, or that a later version of it wrote.

    Args:
        data: Plain data; never trusted to be well formed.

    Raises:
        ScorecardFormatError: A field is missing or of the wrong type, or the schema is not `mde-grade/scorecard/1`.
    """
    reader = _Reader(data, "", {})
    if reader.data.get("schema") != SCHEMA:
        reader.fail("schema", f"must be {SCHEMA!r}")
    lab = _lab(reader.inner("lab"))
    card = Scorecard(
        attempt=reader.get("attempt", str),
        lab=lab,
        submission=_record(SubmissionIdentity, reader.inner("submission")),
        started=reader.get("started", str),
        seconds=reader.number("seconds"),
        verdict=reader.enum("verdict", Verdict),
        points=reader.number("points"),
        points_high=reader.number("points_high"),
        results=tuple(_row_from(item, lab) for item in reader.many("results")),
        fault=None if reader.data.get("fault") is None else _record(Fault, reader.inner("fault")),
        phases=tuple(_record(Phase, item) for item in reader.many("phases", required=False)),
        environment=reader.mapping("environment"),
        partial=reader.words("partial"),
        variant=None if reader.data.get("variant") is None else _variant(reader.inner("variant")),
        dialect=None if reader.data.get("dialect") is None else _record(DialectIdentity, reader.inner("dialect")),
    )
    reader.keep_unknown([field.name for field in dataclasses.fields(card) if field.name != "extra"] + list(_DERIVED))
    return dataclasses.replace(card, extra=reader.extra)


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """Plain data of one outcome, as `schema/outcome.schema.json` publishes it."""
    result: dict[str, Any] = _plain(outcome)
    return result


def outcome_from(data: Mapping[str, Any]) -> Outcome:
    """The outcome that `outcome_to` wrote; unknown fields are left out.

    Raises:
        ScorecardFormatError: A field is missing or of the wrong type.
    """
    return _outcome(_Reader(data, "", {}))


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _row_to(row: RequirementResult) -> dict[str, Any]:
    """A row names its requirement by id; the lab holds the rest."""
    return {**_plain(row), "requirement": row.requirement.id}


@dataclasses.dataclass(frozen=True, slots=True)
class _Reader:
    """One object of the data; unknown fields are gathered in the one `extra` of the document."""

    data: Mapping[str, Any]
    pointer: str
    extra: dict[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.data, Mapping):
            raise ScorecardFormatError(f"{self.pointer or 'the scorecard'} must be an object")

    def fail(self, name: str, problem: str) -> NoReturn:
        raise ScorecardFormatError(f"{self.pointer}/{name} {problem}")

    def get(self, name: str, kind: type[T], default: T | None = None) -> T:
        value = self.data.get(name, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(name, "is missing" if value is None else f"must be of type {kind.__name__}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(name, "must be a number")
        try:
            result = float(value)
        except OverflowError:
            result = math.inf
        if not math.isfinite(result):
            self.fail(name, "must be a finite number")
        return result

    def enum(self, name: str, kind: Callable[[str], T], default: str | None = None) -> T:
        value = self.get(name, str, default)
        try:
            return kind(value)
        except ValueError:
            self.fail(name, f"has the unknown value {value[:40]!r}")

    def words(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            self.fail(name, "must be a list of text")
        return tuple(values)

    def mapping(self, name: str) -> dict[str, Any]:
        return dict(self.get(name, Mapping, {}))  # type: ignore[type-abstract]

    def inner(self, name: str) -> _Reader:
        return _Reader(self.get(name, Mapping), f"{self.pointer}/{name}", self.extra)  # type: ignore[type-abstract]

    def many(self, name: str, *, required: bool = True) -> list[_Reader]:
        values = self.get(name, list, None if required else [])
        return [_Reader(value, f"{self.pointer}/{name}/{index}", self.extra) for index, value in enumerate(values)]

    def keep_unknown(self, known: Iterable[str]) -> None:
        for name in self.data.keys() - set(known):
            plain = not self.pointer and not name.startswith("/")
            key = name if plain else f"{self.pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            self.extra[key] = self.data[name]


def _record(kind: type[T], reader: _Reader) -> T:
    """A dataclass whose fields are texts, numbers, flags and lists of text."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        absent = None if field.default is dataclasses.MISSING else field.default
        if field.type == "float":
            values[field.name] = reader.number(field.name, absent)
        elif field.type == "tuple[str, ...]":
            values[field.name] = reader.words(field.name)
        else:
            values[field.name] = reader.get(field.name, _KINDS[str(field.type)], absent)
    reader.keep_unknown(values)
    return kind(**values)


def _lab(reader: _Reader) -> Lab:
    lab = Lab(
        id=reader.get("id", str),
        title=reader.get("title", str),
        category=reader.get("category", str),
        level=reader.get("level", str),
        track=reader.get("track", str),
        minutes=reader.get("minutes", int),
        pass_mark=reader.get("pass_mark", int),
        requirements=tuple(_record(Requirement, item) for item in reader.many("requirements")),
        summary=reader.get("summary", str, ""),
        digest=reader.get("digest", str, ""),
        parameters=reader.mapping("parameters"),
        version=reader.get("version", int, 1),
    )
    reader.keep_unknown(field.name for field in dataclasses.fields(lab) if field.name != "dialects")
    return lab


def _variant(reader: _Reader) -> VariantIdentity:
    variant = VariantIdentity(
        id=reader.get("id", str), practice=reader.get("practice", bool), values=reader.mapping("values")
    )
    reader.keep_unknown(field.name for field in dataclasses.fields(variant))
    return variant


def _row_from(reader: _Reader, lab: Lab) -> RequirementResult:
    name = reader.get("requirement", str)
    requirement = next((item for item in lab.requirements if item.id == name), None)
    if requirement is None:
        reader.fail("requirement", f"names {name[:64]!r}, which the lab does not have")
    row = RequirementResult(
        requirement=requirement,
        status=reader.enum("status", Status),
        points=reader.number("points"),
        points_high=reader.number("points_high"),
        outcomes=tuple(_outcome(item) for item in reader.many("outcomes")),
    )
    reader.keep_unknown(field.name for field in dataclasses.fields(row))
    return row


def _outcome(reader: _Reader) -> Outcome:
    outcome = Outcome(
        check=reader.get("check", str),
        title=reader.get("title", str),
        requirement=reader.get("requirement", str),
        status=reader.enum("status", Status),
        seconds=reader.number("seconds", 0.0),
        evidence=None if reader.data.get("evidence") is None else _record(Evidence, reader.inner("evidence")),
        reason=reader.get("reason", str, ""),
        trust=reader.enum("trust", Trust, Trust.OUTSIDE.value),
    )
    reader.keep_unknown(field.name for field in dataclasses.fields(outcome))
    return outcome


def _put(data: dict[str, Any], key: str, value: object) -> None:
    """Put an unknown field back; one whose place is gone is dropped."""
    if not key.startswith("/"):
        data.setdefault(key, value)
        return
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in key[1:].split("/")]
    place: Any = data
    for part in path:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict) and part in place:
            place = place[part]
        else:
            return
    if isinstance(place, dict):
        place.setdefault(last, value)
