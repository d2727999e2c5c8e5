"""Commits of the pipeline labs: harmless edits harm nothing, each seeded fault is seen by the gate that it is for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from graders.pipelines import edits, ferry
from graders.pipelines.edits import Files
from tests.unit.ferry_app import ferry_app

CHANCE = range(40)
FAKE_DRIVER = """class DatabaseError(Exception): ...
class InterfaceError(Exception): ...
Connection = None
"""
"""In place of pg8000, which is no dependency of ours: unit tests of the application never connect."""
CAUGHT = {
    "groups of ten no longer pay less": "test_a_group_pays_less",
    "children pay more": "test_a_family_with_bikes",
    "bikes cost more": "test_bikes_are_no_part_of_a_group",
    "groups are given less": "test_a_group_pays_less",
    "bikes travel without a passenger": "test_nobody_is_sold_such_a_ticket",
    "a departure of this very minute is left out": "test_the_next_departure",
    "nobody waits over midnight": "test_waiting",
    "the timetable is in the order of free seats": "test_the_earliest_is_first",
    "a notice can be markup": "test_names_cannot_be_markup",
    "a page without its timetable is called well": "test_no_departures_without_the_api",
    "a full departure is called a wrong request": "test_a_full_departure",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return ferry_app(tmp_path_factory.mktemp("app"))


def drawn(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - what is drawn is no secret


def written(files: Files, folder: Path) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def with_all(files: Files, swaps: Iterable[edits.Swap]) -> Files:
    for swap in swaps:
        files = edits.apply(files, swap.fault(files).change)
    return files


def linted(folder: Path) -> str:
    options = ("check", "--no-cache", "--output-format=concise", ".")
    return subprocess.run(
        [sys.executable, "-m", "ruff", *options], cwd=folder, capture_output=True, text=True, check=False
    ).stdout


def unit_tested(files: Files, folder: Path) -> str:
    written({**files, "pg8000/__init__.py": b"", "pg8000/native.py": FAKE_DRIVER.encode()}, folder)
    options = ("-q", "--disable-plugin-autoload", "-p", "no:cacheprovider", "--tb=no", "-rf", "tests/unit")
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *options], cwd=folder, capture_output=True, text=True, check=False
    ).stdout


@pytest.mark.parametrize("seed", CHANCE)
def test_harmless_edits_change_the_notice_and_code(app: Files, seed: int) -> None:
    change = edits.harmless(app, drawn(seed), notice="fog 17")
    assert b'NOTICE = "fog 17"' in change[edits.NOTICE]
    assert len(change) > 1
    assert all(content != app.get(path) for path, content in change.items())


def test_the_same_chance_makes_the_same_commit(app: Files) -> None:
    assert edits.harmless(app, drawn(3), notice="x") == edits.harmless(app, drawn(3), notice="x")
    assert edits.message(drawn(3)) == edits.message(drawn(3))
    assert edits.author(drawn(3)) == edits.author(drawn(3))


@pytest.mark.parametrize("seed", CHANCE)
def test_documents_are_all_that_a_documents_commit_changes(app: Files, seed: int) -> None:
    change = edits.documents(app, drawn(seed))
    assert change
    assert all(path.startswith("docs/") for path in change)


def test_migrations_are_numbered_on(app: Files) -> None:
    first, harbour, change = edits.migration(app, drawn(1))
    second, _, _ = edits.migration(edits.apply(app, change), drawn(2))
    assert (first[:5], second[:5]) == ("0004_", "0005_")
    assert harbour.encode() in change[f"migrations/{first}"]


def test_a_change_can_remove(app: Files) -> None:
    assert "README.md" not in edits.apply(app, {"README.md": None})


@pytest.mark.parametrize("seed", CHANCE)
def test_a_secret_is_in_what_leaks_it_and_nowhere_else(app: Files, seed: int) -> None:
    fault = edits.secret_fault(app, drawn(seed), prefix="abc")
    (content,) = fault.change.values()
    assert content is not None
    assert fault.secret.encode() in content
    assert fault.secret.startswith(("abc_live_", "-----BEGIN "))
    assert not any(fault.secret.encode() in text for text in app.values())


def test_every_kind_of_leak_is_drawn(app: Files) -> None:
    told = {edits.secret_fault(app, drawn(seed), prefix="abc").told for seed in range(200)}
    for place in ("docs/", "ferry/", "tests/", ".env", "private key"):
        assert any(place in text for text in told), place


@pytest.mark.parametrize("swap", [*ferry.UNIT, *ferry.INTEGRATION, *ferry.UNHEALTHY], ids=lambda swap: swap.told)
def test_a_fault_fits_the_application_also_after_harmless_edits(app: Files, swap: edits.Swap) -> None:
    for seed in range(3):
        later = edits.apply(app, edits.harmless(app, drawn(seed), notice="x"))
        assert swap.fault(later).change[swap.path] != later[swap.path]


def test_a_fault_that_does_not_fit_is_ours(app: Files) -> None:
    with pytest.raises(ValueError, match="0 times"):
        edits.Swap("x", ferry.WEB, "no such text", "y").fault(app)


@pytest.mark.parametrize("draw", [ferry.unit_fault, ferry.integration_fault, ferry.unhealthy_fault])
def test_faults_are_drawn_from_all_there_are(app: Files, draw: ferry.Draw) -> None:
    assert len({draw(app, drawn(seed)).told for seed in range(120)}) >= 6


def test_the_linter_takes_all_but_what_is_seeded_for_it(app: Files, tmp_path: Path) -> None:
    seeded = []
    for seed in range(16):
        good = edits.apply(app, edits.harmless(app, drawn(seed), notice="fog"))
        fault = edits.lint_fault(good, drawn(seed))
        written(good, tmp_path / "good" / f"{seed}")
        written(edits.apply(good, fault.change), tmp_path / "bad" / f"{seed}")
        seeded.append(f"{seed}/{next(iter(fault.change))}:")
    for number, swap in enumerate([*ferry.UNIT, *ferry.INTEGRATION, *ferry.UNHEALTHY]):
        written(edits.apply(app, swap.fault(app).change), tmp_path / "good" / f"swap-{number}")
    assert linted(tmp_path / "good") == "All checks passed!\n"
    told = linted(tmp_path / "bad")
    assert [place for place in seeded if place not in told] == []


def test_unit_tests_pass_with_every_fault_that_is_not_for_them(app: Files, tmp_path: Path) -> None:
    other = [swap for swap in ferry.INTEGRATION if swap.told != "bookings are counted, not their seats"]
    other = [swap for swap in other if "largest booking" not in swap.told]
    started = {swap.path: swap for swap in ferry.UNHEALTHY}
    files = with_all(edits.apply(app, edits.harmless(app, drawn(1), notice="fog")), [*other, *started.values()])
    told = unit_tested(files, tmp_path)
    assert " passed" in told
    assert "failed" not in told


def test_each_unit_fault_is_caught_by_a_test_of_its_own(app: Files, tmp_path: Path) -> None:
    told = unit_tested(with_all(app, ferry.UNIT), tmp_path)
    assert [name for swap in ferry.UNIT if (name := CAUGHT[swap.told]) not in told] == []
