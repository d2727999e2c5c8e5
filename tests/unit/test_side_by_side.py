"""Sharing test files out to several processes of pytest: none is lost, and what they say is added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.side_by_side import SHARE, SHARES, counted, is_others, worst

HERE = Path(__file__).parent


def test_every_file_is_in_one_share_and_every_share_has_some() -> None:
    names = [path.name for path in HERE.glob("test_*.py")]
    owners = {name: [n for n in range(1, SHARES + 1) if not is_others(name, f"{n}/{SHARES}")] for name in names}
    assert all(len(found) == 1 for found in owners.values())
    assert {found[0] for found in owners.values()} == set(range(1, SHARES + 1))


def test_counts_are_those_of_the_last_lines() -> None:
    outputs = [
        "3 failed things are told here\n=== 1 failed, 20 passed, 2 errors in 0.50s ===\n",
        "5 passed, 1 skipped, 90 deselected in 0.31s\n\n",
        "it crashed",
        "",
    ]
    assert counted(outputs) == {"failed": 1, "passed": 25, "errors": 2, "skipped": 1, "deselected": 90}


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0], 0), ([0, 1], 1), ([2, 1, 0], 2), ([5, 0], 0), ([5, 5], 5), ([5, 1], 1), ([0, -9], -9)]
)
def test_one_bad_end_is_a_bad_end(codes: list[int], code: int) -> None:
    assert worst(codes) == code


@pytest.mark.parametrize("number", range(1, SHARES + 1))
def test_a_process_leaves_the_others_files_alone(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    share = f"{number}/{SHARES}"
    monkeypatch.setenv(SHARE, share)
    for path in HERE.glob("*.py"):
        left = pytestconfig.hook.pytest_ignore_collect(collection_path=path, config=pytestconfig)
        assert bool(left) == is_others(path.name, share)
    assert not pytestconfig.hook.pytest_ignore_collect(collection_path=HERE, config=pytestconfig)
