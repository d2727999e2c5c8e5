"""Run folders: their names, which are kept, how they are found, and that files are written whole or not at all."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader import runs
from mde_grader.errors import MdeGradeError, UsageError


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "mde-grade"


def finished(name: str, home: Path) -> Path:
    folder = home / name
    folder.mkdir(parents=True)
    (folder / runs.CARD).write_text("{}")
    return folder


def test_the_state_folder_is_xdgs(state: Path) -> None:
    assert runs.state_home() == state


@pytest.mark.parametrize("given_home", ["", "relative/place"])
def test_without_a_usable_xdg_it_is_under_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given_home: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", given_home)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs.state_home() == tmp_path / ".local/state/mde-grade"


def test_a_new_run_is_its_owners_alone_and_has_room_for_evidence(state: Path) -> None:
    folder = runs.new_run("lab-02")
    assert folder.parent == state / "runs"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "evidence").is_dir()
    assert "-lab-02-" in folder.name


def test_runs_of_one_second_get_folders_of_their_own() -> None:
    assert len({runs.new_run("lab-02") for _ in range(20)}) == 20


def test_a_run_can_be_made_elsewhere_and_nothing_is_removed_there(tmp_path: Path) -> None:
    for number in range(60):
        finished(f"20200101-0000{number:02}-lab-02-abcd", tmp_path / "else")
    folder = runs.new_run("lab-02", tmp_path / "else")
    assert len(list(folder.parent.iterdir())) == 61


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MdeGradeError, match="cannot make the run folder") as caught:
        runs.new_run("lab-02", tmp_path / "file")
    assert "XDG_STATE_HOME" in caught.value.hint


def test_only_the_newest_fifty_stay(state: Path) -> None:
    names = [f"20200101-0000{number:02}-lab-02-abcd" for number in range(55)]
    for name in names:
        finished(name, state / "runs")
    runs.new_run("lab-02")
    left = sorted(path.name for path in (state / "runs").iterdir())
    assert left[:-1] == names[6:]


def test_what_is_not_a_run_stays(state: Path) -> None:
    home = state / "runs"
    for name in ("notes", "20200101-000000-lab-02", "20200101-000000-lab-02-abcd.txt"):
        finished(name, home)
    finished("20200101-000000-lab-02-abcd", home)
    assert runs.forget_old(home, keep=0) == 1
    assert len(list(home.iterdir())) == 3


def test_a_run_that_may_still_be_going_on_stays_until_a_day_has_gone(state: Path) -> None:
    home = state / "runs"
    going = home / "20200101-000000-lab-02-abcd"
    going.mkdir(parents=True)
    assert runs.forget_old(home, keep=0) == 0
    yesterday = time.time() - 90_000
    os.utime(going, (yesterday, yesterday))
    assert runs.forget_old(home, keep=0) == 1


def test_a_link_among_the_runs_is_not_followed(state: Path, tmp_path: Path) -> None:
    precious = finished("precious", tmp_path / "elsewhere")
    home = state / "runs"
    home.mkdir(parents=True)
    (home / "20200101-000000-lab-02-abcd").symlink_to(precious)
    runs.forget_old(home, keep=0)
    assert (precious / runs.CARD).exists()


@pytest.fixture
def three(state: Path) -> list[Path]:
    names = ("20200101-000000-lab-02-aaaa", "20200102-000000-lab-02-bbbb", "20200102-000001-lab-03-cccc")
    return [finished(name, state / "runs") for name in names]


@pytest.mark.parametrize(("name", "index"), [("last", 2), ("20200101", 0), ("20200102-000000", 1)])
def test_a_run_is_found_by_its_beginning(three: list[Path], name: str, index: int) -> None:
    assert runs.find_run(name) == three[index]


def test_a_run_is_found_by_its_path_and_by_its_scorecard(three: list[Path]) -> None:
    assert runs.find_run(str(three[1])) == three[1]
    assert runs.find_run(str(three[1] / runs.CARD)) == three[1]


@pytest.mark.parametrize(
    ("name", "told"), [("20200102", "2 runs begin with"), ("2019", "there is no run"), ("", "no run")]
)
def test_what_is_not_one_run_is_refused_with_the_newest_names(three: Any, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        runs.find_run(name)
    assert three[2].name in caught.value.hint or three[1].name in caught.value.hint


def test_a_whole_name_wins_over_a_longer_one(state: Path) -> None:
    short = finished("20200101-000000-lab-02-aaaa", state / "runs")
    finished("20200101-000000-lab-02-aaaa-0000", state / "runs")
    assert runs.find_run(short.name) == short


def test_the_last_run_has_a_scorecard(three: list[Path], state: Path) -> None:
    (state / "runs" / "20990101-000000-lab-02-dddd").mkdir()
    assert runs.find_run("last") == three[2]
    assert runs.run_names()[0] == three[2].name


def test_without_any_run_it_says_how_to_get_one() -> None:
    with pytest.raises(UsageError, match="no runs yet"):
        runs.find_run("last")


@given(st.one_of(st.binary(max_size=2000), st.text(max_size=2000)))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = runs.write_atomically(tmp_path_factory.mktemp("w") / "deep" / "file", content)
    expected = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    assert path.read_bytes() == expected
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = runs.write_atomically(tmp_path / "file", "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mde_grader.runs.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        runs.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
