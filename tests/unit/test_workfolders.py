"""Folders of staged copies: private, gone at the end, and swept when their grader has died."""

from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.workfolders import sweep_work_folders, work_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "mde-grade" / "work"


def test_it_is_private_and_gone_at_the_end(home: Path) -> None:
    with work_folder("one", "me") as folder:
        assert folder == home / "one"
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "deep" / "er").mkdir(parents=True)
    assert not folder.exists()


def test_it_is_gone_after_an_error_too(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt), work_folder("one", "me"):
        raise KeyboardInterrupt
    assert list(home.iterdir()) == []


def test_two_attempts_never_share_one() -> None:
    with work_folder("one", "me"), pytest.raises(FileExistsError), work_folder("one", "you"):
        pass


def test_only_the_folders_of_the_dead_are_swept(home: Path) -> None:
    for owner in ("dead", "alive"):
        (home / owner).mkdir(parents=True)
        (home / f"{owner}.owner").write_text(owner, encoding="utf-8")
        (home / owner / "file").touch()
    (home / "half-made").mkdir()
    (home / "a file").touch()
    assert sweep_work_folders(lambda owner: owner == "alive") == 1
    assert sorted(path.name for path in home.iterdir()) == ["a file", "alive", "alive.owner", "half-made"]


def test_a_grader_that_died_before_or_after_its_folder_was_there_leaves_nothing(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "early.owner").write_text("dead", encoding="utf-8")
    with work_folder("late", "dead") as folder:
        assert (home / "late.owner").read_text(encoding="utf-8") == "dead", "it is owned from its first moment"
        folder.rmdir()
        assert sweep_work_folders(lambda owner: owner != "dead") == 2
        assert list(home.iterdir()) == []


def test_there_may_be_nothing_to_sweep() -> None:
    assert sweep_work_folders(lambda _: False) == 0
