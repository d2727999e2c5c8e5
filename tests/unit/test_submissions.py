from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader import submissions
from mde_grader.errors import SubmissionRefusedError, UsageError
from mde_grader.submissions import stage, valid_name
from tests.unit.policying import write


def refused(folder: Path, tmp_path: Path) -> SubmissionRefusedError:
    with pytest.raises(SubmissionRefusedError) as caught:
        stage(folder, tmp_path / "copy")
    assert caught.value.hint
    return caught.value


def test_a_folder_is_copied_hashed_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "Ada", {"Dockerfile": "FROM x\n", "app/run.sh": "#!/bin/sh\n"})
    (folder / "app/run.sh").chmod(0o700)
    staged = stage(folder, tmp_path / "copy")
    assert staged.identity.name == "ada"
    assert staged.identity.files == 2
    assert staged.identity.size == 17
    assert staged.identity.source == str(folder)
    assert [(entry.path, entry.mark) for entry in staged.manifest] == [("Dockerfile", "-"), ("app/run.sh", "x")]
    assert (staged.root / "app/run.sh").stat().st_mode & 0o7777 == 0o755
    assert (staged.root / "Dockerfile").stat().st_mode & 0o7777 == 0o644


def test_the_digest_is_over_the_sorted_manifest_as_documented(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"b": "2", "a": ""})
    lines = b"".join(
        f"{path}\0-\0{len(text)}\0{hashlib.sha256(text.encode()).hexdigest()}\n".encode()
        for path, text in [("a", ""), ("b", "2")]
    )
    assert stage(folder, tmp_path / "copy").identity.digest == "sha256:" + hashlib.sha256(lines).hexdigest()


def test_the_digest_is_the_same_for_the_same_content_and_differs_for_anything_else(tmp_path: Path) -> None:
    def digest(number: int, **files: str) -> str:
        return stage(write(tmp_path / f"s{number}", files), tmp_path / f"copy{number}").identity.digest

    first = digest(1, a="1", b="2")
    assert digest(2, b="2", a="1") == first
    assert digest(3, a="1", b="3") != first
    assert digest(4, a="1", c="2") != first
    assert digest(5, a="12", b="") != first
    folder = write(tmp_path / "s6", {"a": "1", "b": "2"})
    (folder / "a").chmod(0o755)
    assert stage(folder, tmp_path / "copy6").identity.digest != first
    (write(tmp_path / "s7", {"a": "1", "b": "2"}) / "empty").mkdir()
    assert stage(tmp_path / "s7", tmp_path / "copy7").identity.digest != first


@pytest.mark.parametrize("name", sorted(submissions.LEFT_OUT))
def test_history_and_caches_are_not_read(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "s", {"a": "1", f"{name}/x": "2", f"deep/{name}/y": "3", "deep/z": "4"})
    os.mkfifo(folder / name / "pipe")
    staged = stage(folder, tmp_path / "copy")
    assert [entry.path for entry in staged.manifest] == ["a", "deep/z"]


def test_the_git_file_of_a_worktree_is_not_read(tmp_path: Path) -> None:
    staged = stage(write(tmp_path / "s", {"a": "1", ".git": "gitdir: /elsewhere"}), tmp_path / "copy")
    assert [entry.path for entry in staged.manifest] == ["a"]


def test_empty_folders_and_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"app/a": "1"})
    (folder / "static").mkdir()
    (folder / "app/up").symlink_to("../app/a")
    (folder / "loop").symlink_to("loop")
    staged = stage(folder, tmp_path / "copy")
    assert [(entry.path, entry.mark) for entry in staged.manifest] == [
        ("app/a", "-"),
        ("app/up", "l"),
        ("loop", "l"),
        ("static", "d"),
    ]
    assert (staged.root / "static").is_dir()
    assert (staged.root / "app/up").read_text() == "1"
    assert staged.identity.files == 3


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "app/../../outside", "..", "../../../../etc/passwd"])
def test_a_link_that_leaves_is_refused(tmp_path: Path, target: str) -> None:
    folder = write(tmp_path / "s", {"app/a": "1"})
    (folder / "Dockerfile").symlink_to(target)
    error = refused(folder, tmp_path)
    assert (error.rule, error.where) == ("submission.link", "Dockerfile")


def test_a_link_that_leaves_by_way_of_another_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"deep/a/b/c": "1"})
    (folder / "deep/a/b/up").symlink_to("../../..")
    (folder / "sly").symlink_to("deep/a/b/up/../outside")
    assert refused(folder, tmp_path).where == "sly"


def test_pipes_and_sockets_are_refused_without_a_hang(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"a": "1"})
    os.mkfifo(folder / "pipe")
    assert refused(folder, tmp_path).rule == "submission.special-file"
    (folder / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "sock"))
        assert refused(folder, tmp_path / "2").rule == "submission.special-file"


def test_a_file_that_becomes_a_link_between_looking_and_opening_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "s", {"a": "1"})
    status = os.stat

    def swap(path: Any, **options: Any) -> os.stat_result:
        found = status(path, **options)
        if path == "a":
            (folder / "a").unlink()
            (folder / "a").symlink_to("/etc/passwd")
        return found

    monkeypatch.setattr(os, "stat", swap)
    assert refused(folder, tmp_path).rule == "submission.unreadable"


def test_a_sparse_giant_is_refused_by_its_size(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"a": "1"})
    with (folder / "big").open("wb") as stream:
        stream.truncate(1 << 40)
    assert refused(folder, tmp_path).rule == "submission.file-size"


@pytest.mark.parametrize(
    ("cap", "value", "rule"),
    [
        ("MAX_ENTRIES", 2, "too-many"),
        ("MAX_TOTAL", 5, "total-size"),
        ("MAX_FILE", 3, "file-size"),
        ("MAX_DEPTH", 1, "depth"),
        ("MAX_PATH", 4, "depth"),
    ],
)
def test_every_cap_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cap: str, value: int, rule: str) -> None:
    folder = write(tmp_path / "s", {"a": "12", "b": "3456", "sub/c": ""})
    assert stage(folder, tmp_path / "fits").identity.files == 3
    monkeypatch.setattr(submissions, cap, value)
    assert refused(folder, tmp_path).rule == f"submission.{rule}"


@pytest.mark.parametrize("name", [b"\xff", b"new\nline", b"esc\x1b[0m"])
def test_names_that_cannot_be_shown_are_refused(tmp_path: Path, name: bytes) -> None:
    folder = write(tmp_path / "s", {"a": "1"})
    (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_text("")
    error = refused(folder, tmp_path)
    assert error.rule == "submission.name"
    error.message.encode()
    assert error.message.isprintable()


def test_our_own_copy_inside_the_submission_is_not_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", {"a": "1"})
    staged = stage(folder, folder / "runs/copy")
    assert [entry.path for entry in staged.manifest if entry.mark == "-"] == ["a"]


@pytest.mark.parametrize("source", ["/", "~", "nowhere", "a-file", "empty", "only-folders", "x.zip", "no\0where", ""])
def test_what_is_no_submission_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(write(tmp_path / "here", {"a-file": "1", "x.zip": "PK"}))
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    Path("empty").mkdir()
    Path("only-folders/inner").mkdir(parents=True)
    with pytest.raises(UsageError) as caught:
        stage(str(tmp_path / "here") if source in {"~", ""} else source, tmp_path / "copy")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "source", ["https://example.org/a.git", "git@example.org:a/b", "ssh://x/y", "a.tar.gz", "a.ZIP"]
)
def test_ways_that_come_later_say_so(tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="yet"):
        stage(source, tmp_path / "copy")


def test_a_folder_that_is_called_like_an_archive_is_a_folder(tmp_path: Path) -> None:
    assert stage(write(tmp_path / "a.zip", {"a": "1"}), tmp_path / "copy").identity.name == "a.zip"


def test_a_folder_may_be_named_by_a_link(tmp_path: Path) -> None:
    write(tmp_path / "s", {"a": "1"})
    (tmp_path / "link").symlink_to("s")
    assert stage(tmp_path / "link", tmp_path / "copy").identity.name == "s"


def test_a_folder_name_that_is_no_candidate_name_is_not_bent_into_one(tmp_path: Path) -> None:
    assert stage(write(tmp_path / "My Work", {"a": "1"}), tmp_path / "copy").identity.name == "submission"


@pytest.mark.parametrize(
    ("text", "name"), [("ada", "ada"), ("Ada-1.x_y", "ada-1.x_y"), ("a" * 64, "a" * 64), ("_", "_")]
)
def test_names_are_folded(text: str, name: str) -> None:
    assert valid_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "-rf", ".x", "a" * 65, "é", "a\n", "=1+1", "<b>", "a\0"])
def test_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        valid_name(text)


@given(st.text(max_size=70))
def test_a_name_is_refused_or_stable(text: str) -> None:
    try:
        name = valid_name(text)
    except UsageError:
        return
    assert valid_name(name) == name
    assert name.isascii()
    assert "/" not in name
