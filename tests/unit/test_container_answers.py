from dataclasses import dataclass

import pytest

from graders.containers.answers import fields, number


@dataclass
class Said:
    value: object
    status: int = 200

    def json(self) -> object:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_fields_of_an_object() -> None:
    assert fields(Said({"id": 1, "state": "done"}, 202)) == {"id": 1, "state": "done"}


@pytest.mark.parametrize(
    "said",
    [
        Said([1]),
        Said("x"),
        Said(None),
        Said(AssertionError("no JSON")),
        Said(ValueError()),
        Said({"id": 1}, 500),
        Said({}, 302),
    ],
)
def test_anything_else_has_none(said: Said) -> None:
    assert fields(said) == {}
    assert number(said) is None


@pytest.mark.parametrize(("value", "result"), [(7, 7), (True, None), ("7", None), (7.0, None), (None, None)])
def test_only_whole_numbers_count(value: object, result: int | None) -> None:
    assert number(Said({"id": value})) == result
