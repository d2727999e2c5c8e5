from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader import places
from mde_grader.errors import UsageError


def with_data(folder: Path) -> Path:
    for name in ("labs", "graders"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.HOME_VARIABLE, raising=False)


def test_a_checkout_holds_its_own_data() -> None:
    assert (places.data_root() / "pyproject.toml").is_file()


def test_a_wheels_data_comes_before_what_lies_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_data(tmp_path)
    package = tmp_path / "src" / "mde_grader"
    monkeypatch.setattr(places, "PACKAGE", package)
    assert places.data_root() == tmp_path
    assert places.data_root() != with_data(package / "_data")
    assert places.data_root() == package / "_data"


def test_a_named_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(with_data(tmp_path / "mine")))
    assert places.data_root() == tmp_path / "mine"


def test_a_named_folder_without_labs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="which has no labs/ and graders/"):
        places.data_root()


def test_an_installation_without_data_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "src" / "mde_grader")
    with pytest.raises(UsageError, match="has no labs") as caught:
        places.data_root()
    assert places.HOME_VARIABLE in caught.value.hint


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.cache_folder() == tmp_path / "mde-grade"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.cache_folder() == tmp_path / ".cache" / "mde-grade"
