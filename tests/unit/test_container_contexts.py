import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.containers.contexts import (
    LARGEST,
    files_with,
    gained,
    inflate,
    plant,
    planted_seen,
    touch_sources,
)

FILES = {".env": 200_000, ".git/objects/pack": 400_000, "secrets/db": 800_000}
SECRET = "Kran-und-Kai-2009"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)


def test_planted_files_are_there_in_full_and_never_twice_the_same(tmp_path: Path) -> None:
    plant(tmp_path, FILES)
    first = (tmp_path / ".env").read_text()
    plant(tmp_path, FILES)
    assert {name: (tmp_path / name).stat().st_size for name in FILES} == FILES
    assert (tmp_path / ".env").read_text() != first


@given(st.sets(st.sampled_from(sorted(FILES))), st.integers(-90_000, 90_000))
def test_growth_tells_which_files_were_taken_in(taken: set[str], noise: int) -> None:
    growth = sum(FILES[name] for name in taken) + noise
    assert set(planted_seen(growth, FILES)) == taken


def test_files_that_hold_a_secret_are_named(tmp_path: Path) -> None:
    write(tmp_path, a__ini=f"password={SECRET}", b__py="x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c").write_bytes(b"\xff\x00" + SECRET.encode())
    (tmp_path / "link").symlink_to("a.ini")
    assert files_with(tmp_path, SECRET) == ["a.ini", "deep/c"]


@pytest.mark.parametrize("needle", ["", "short"])
def test_short_words_are_no_secrets(tmp_path: Path, needle: str) -> None:
    write(tmp_path, a="short")
    assert files_with(tmp_path, needle) == []


def test_large_files_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "large").write_text(SECRET)
    os.truncate(tmp_path / "large", LARGEST + 1)
    assert files_with(tmp_path, SECRET) == []


def test_inflating_makes_a_file_grow_by_what_is_said_and_keeps_its_lines(tmp_path: Path) -> None:
    write(tmp_path, a__ini=f"[db]\npassword = {SECRET}\nuser = x\n", other="x", Dockerfile=SECRET)
    before = (tmp_path / "a.ini").stat().st_size
    inflate(tmp_path, SECRET)
    text = (tmp_path / "a.ini").read_text()
    assert len(text) - before == gained(SECRET)
    assert text.count("\n") == 3
    assert (tmp_path / "other").read_text() == "x"
    assert (tmp_path / "Dockerfile").read_text() == SECRET


def test_named_sources_are_touched_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    for name in ("app/web.py", "app/other.py", "setup.py", "app/__init__.py", "web.txt"):
        (tmp_path / name).write_text("x = 1\n")
    assert touch_sources(tmp_path, {"web.py"}, "tok") == ["app/web.py"]
    assert (tmp_path / "app" / "web.py").read_text() == "x = 1\n\n# tok\n"
    assert (tmp_path / "app" / "other.py").read_text() == "x = 1\n"


def test_all_sources_are_touched_where_no_name_is_known(tmp_path: Path) -> None:
    for name in ("main.py", "setup.py", "__init__.py"):
        (tmp_path / name).write_text("")
    assert touch_sources(tmp_path, {"web.py"}, "tok") == ["main.py"]


def test_without_python_nothing_is_touched(tmp_path: Path) -> None:
    write(tmp_path, index__html="x")
    assert touch_sources(tmp_path, {"web.py"}, "tok") == []
