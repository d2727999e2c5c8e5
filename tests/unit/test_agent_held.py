"""Files on a volume: written as somebody else, never through a link, and the same words from the fake."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from mde_grader.runtimes.commands import VolumeFiles
from mde_grader.runtimes.inspector.agent import held
from mde_grader.runtimes.inspector.held import WRITE_LIMIT, HeldFiles
from mde_grader.runtimes.inspector.session import SessionError
from mde_grader.testing import FakeFiles, FakeSession
from tests.unit.fake_proc import DirectSession

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def files(tmp_path: Path) -> HeldFiles:
    return HeldFiles(DirectSession(), str(tmp_path), os.getuid(), os.getgid())


@pytest.fixture(params=["held", "fake"])
def either(request: pytest.FixtureRequest, files: HeldFiles) -> VolumeFiles:
    return files if request.param == "held" else FakeFiles({})


def test_what_is_written_is_read(either: VolumeFiles) -> None:
    either.write({"a/b": b"1", "c": b""}, folder="main/deep")
    assert either.read("a/b", folder="main/deep") == either.read("main/deep/a/b") == b"1"
    assert either.read("c", folder="main/deep") == b""
    either.write({"a/b": b"2"}, folder="main/deep")
    assert either.read("a/b", folder="main/deep") == b"2"
    assert [either.kind(path, folder="main/deep") for path in ("a", "a/b", "no")] == ["directory", "file", ""]


def test_what_cannot_be_is_told(either: VolumeFiles) -> None:
    either.write({"file": b"x", "folder/in": b"12"})
    with pytest.raises(FileNotFoundError):
        either.read("nothing")
    for path in ("../x", "/x", "a//b", ".", ""):
        with pytest.raises(ValueError, match=r"path"):
            either.read(path)
    with pytest.raises(ValueError, match="regular file"):
        either.read("folder")
    with pytest.raises(ValueError, match="more than the 1"):
        either.read("folder/in", limit=1)
    with pytest.raises(ValueError, match="directory"):
        either.write({"folder": b"x"})
    with pytest.raises(ValueError, match="directory"):
        either.write({"file/x": b"x"})
    with pytest.raises(ValueError, match="directory"):
        either.make("file/x")


def test_removing_is_quiet_where_nothing_is(either: VolumeFiles) -> None:
    either.write({"a/b/c": b"x", "a/d": b"x", "ab": b"x"})
    either.remove("a")
    either.remove("a")
    either.remove("no/where")
    assert (either.kind("a"), either.kind("ab")) == ("", "file")
    either.remove("ab")
    assert either.kind("ab") == ""


def test_links_are_not_followed_out(files: HeldFiles, tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "outside").write_text("secret")
    targets = {"up": "../outside", "abs": "/etc/passwd", "in": "real", "dir": "/etc", "loop": "loop"}
    for name, target in targets.items():
        (tmp_path / "main" / name).symlink_to(target)
    (tmp_path / "main" / "real").write_text("inside")
    os.mkfifo(tmp_path / "main" / "pipe")
    assert files.read("in", folder="main") == b"inside"
    for name in ("up", "abs", "dir", "loop", "pipe"):
        with pytest.raises(ValueError, match=name):
            files.read(name, folder="main")
    assert [files.kind(name, folder="main") for name in ("up", "pipe")] == ["link", "fifo"]
    with pytest.raises(ValueError, match="directory"):
        files.write({"x": b"x"}, folder="main/dir")
    files.write({"up": b"ours"}, folder="main")
    assert (tmp_path / "outside").read_text() == "secret"
    files.remove("dir", folder="main")
    assert Path("/etc/passwd").exists()


def test_modes_are_as_asked(files: HeldFiles, tmp_path: Path) -> None:
    files.write({"run": b"x"}, mode=0o4755)
    assert (tmp_path / "run").stat().st_mode & 0o7777 == 0o755


def test_large_files_are_read_in_pieces_and_not_written(files: HeldFiles, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (7 << 20))
    assert len(files.read("big", limit=8 << 20)) == 7 << 20
    with pytest.raises(ValueError, match="that are written"):
        files.write({"big": b"x" * (WRITE_LIMIT + 1)})


def test_a_deep_tree_is_removed(files: HeldFiles, tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    files.remove("d")
    assert not list(tmp_path.iterdir())


@ROOT_ONLY
def test_files_belong_to_the_one_who_works_there() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        files = HeldFiles(DirectSession(), name, 12345, 54321)
        files.write({"a/b": b"x"})
        for path in ("a", "a/b"):
            facts = (place / path).stat()
            assert (facts.st_uid, facts.st_gid) == (12345, 54321)
        (place / "ours").mkdir(0o700)
        with pytest.raises(ValueError, match="Permission denied"):
            files.write({"ours/x": b"x"})
        (place / "own").write_text("x")
        assert (place / "own").stat().st_uid == 0


def test_a_user_that_cannot_be_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_LIBC", type("Libc", (), {"setfsuid": lambda _: 7, "setfsgid": lambda _: 7}))
    with pytest.raises(SessionError, match="gone"):
        HeldFiles(DirectSession(), str(tmp_path), 8, 8).write({"a": b""})


def test_a_session_that_is_gone_is_nobodys_file() -> None:
    session = FakeSession({})
    session.close()
    with pytest.raises(SessionError):
        HeldFiles(session, "/mnt/held/0", 1, 1).read("x")
