import fnmatch
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.containers.contents import LOOK_FOR, needless

EXTRA = [
    "/venv/lib/python3.11/site-packages/_pytest",
    "/usr/local/lib/python3.11/site-packages/mypy",
    "/usr/bin/gcc",
    "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
    "/usr/bin/vim",
    "/root/.cache/pip",
    "/home/app/.cache/uv",
    "/var/lib/apt/lists/deb.debian.org_dists_bookworm_main_binary-amd64_Packages.lz4",
]


@pytest.mark.parametrize("path", EXTRA)
def test_what_is_needless_is_said_and_would_be_found(path: str) -> None:
    assert list(needless([path])) == [path]
    assert any(fnmatch.fnmatch(PurePosixPath(path).name, pattern) for pattern in LOOK_FOR)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/lib/python3.11/site-packages/pip",
        "/usr/local/bin/pip",
        "/app/make",
        "/app/git",
        "/usr/share/bash-completion/completions/git",
        "/app/_pytest",
        "/var/lib/dpkg/info/x_Packages",
        "/usr/lib/gcc",
    ],
)
def test_what_belongs_there_is_left_out(path: str) -> None:
    assert needless([path]) == {}


@given(st.lists(st.text(max_size=40)))
def test_any_path_is_judged(paths: list[str]) -> None:
    assert set(needless(paths)) <= set(paths)
