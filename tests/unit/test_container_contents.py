import base64
import fnmatch
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.containers.contents import LOOK_FOR, disguises, needless

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


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), secret=st.text(min_size=6, max_size=40))
def test_a_secret_is_found_wherever_it_stands_in_base64(before: bytes, after: bytes, secret: str) -> None:
    forms = disguises(secret)
    coded = base64.b64encode(before + secret.encode() + after).decode()
    assert any(form in coded for what, form in forms.items() if "base64" in what)


def test_a_secret_s_other_forms() -> None:
    forms = disguises("Kai-2009")
    assert (forms["as it is"], forms["in hexadecimal"], forms["backwards"]) == (
        "Kai-2009",
        "4b61692d32303039",
        "9002-iaK",
    )
    assert all(len(form) >= 8 for form in forms.values()), "a short form would be found by chance"
