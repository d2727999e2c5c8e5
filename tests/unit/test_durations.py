from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.durations import longest_first, remember

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_order_stays_where_nothing_is_known() -> None:
    assert longest_first("lab", NAMES) == NAMES


def test_the_longest_goes_first_and_what_is_new_before_it() -> None:
    remember("lab", {"a": 1.5, "b": 40, "d": 7})
    assert longest_first("lab", NAMES) == ["c", "b", "d", "a"]
    assert longest_first("another", NAMES) == NAMES


def test_the_latest_time_counts_and_the_others_are_kept() -> None:
    remember("lab", {"a": 1, "b": 2, "c": 3, "d": 4})
    remember("lab", {"a": 9})
    assert longest_first("lab", NAMES) == ["a", "d", "c", "b"]


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": "long", "b": null}', "\xff"])
def test_what_cannot_be_read_is_as_nothing(cache: Path, content: str) -> None:
    remember("lab", {"a": 1})
    (file,) = (cache / "mde-grade" / "durations").iterdir()
    file.write_text(content, encoding="latin-1")
    assert longest_first("lab", NAMES) == NAMES
    remember("lab", {"d": 1, "b": 2, "a": 3, "c": 4})
    assert longest_first("lab", NAMES) == ["c", "a", "b", "d"]


def test_a_place_that_cannot_be_written_is_passed_over(cache: Path) -> None:
    (cache / "mde-grade").write_text("")
    remember("lab", {"a": 1})
    assert longest_first("lab", NAMES) == NAMES
