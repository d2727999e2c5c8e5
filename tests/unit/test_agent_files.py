"""What the inspector reads in a service, and what it cannot be led to."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mde_grader.runtimes.inspector.agent import files, rooted
from mde_grader.runtimes.inspector.agent.limits import OpError
from tests.unit.fake_proc import WEB, DirectSession, FakeProc, proc

__all__ = ["proc"]

SESSION = DirectSession()


def ask(op: str, **arguments: Any) -> dict[str, Any]:
    return SESSION.call(op, service=WEB, **arguments)


def kind_of_error(op: str, **arguments: Any) -> str:
    with pytest.raises(Exception, match=":") as caught:
        ask(op, **arguments)
    return str(getattr(caught.value, "kind", caught.value))


@pytest.fixture
def odd(proc: FakeProc) -> Iterator[FakeProc]:
    """A root with one of everything that could trip us."""
    proc.write("/etc/passwd", "inside\n")
    proc.write("/app/secret", "0700 file", mode=0o700)
    for name, target in (
        ("absolute", "/etc/passwd"),
        ("up", "../../../../../../etc/passwd"),
        ("loop", "loop"),
        ("dangling", "/nope"),
        ("chain", "absolute"),
    ):
        (proc.root / "app" / name).symlink_to(target)
    (proc.root / "absolute-folder").symlink_to("/etc")
    os.mkfifo(proc.root / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(proc.root / "sock"))
        yield proc


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/app/absolute",
        "/app/up",
        "/app/chain",
        "/absolute-folder/passwd",
        "/../../etc/passwd",
        "etc/passwd",
    ],
)
def test_every_way_leads_to_the_file_inside(odd: FakeProc, path: str) -> None:
    assert base64.b64decode(ask("read", path=path)["data"]) == b"inside\n"
    assert ask("stat", path=path)["resolved"] == "/etc/passwd"


def test_a_magic_link_is_not_followed(odd: FakeProc) -> None:
    (odd.root / "proc").mkdir()
    (odd.root / "out").symlink_to(f"/proc/{os.getpid()}/root/etc/passwd")
    assert ask("stat", path="/out")["exists"] is False


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/etc", "directory"), ("/fifo", "fifo"), ("/sock", "socket"), ("/app/secret", "file"), ("/app/chain", "file")],
)
def test_kinds(odd: FakeProc, path: str, kind: str) -> None:
    assert ask("stat", path=path)["kind"] == kind


def test_a_link_itself(odd: FakeProc) -> None:
    facts = ask("stat", path="/app/absolute", follow=False)
    assert (facts["kind"], facts["target"]) == ("link", "/etc/passwd")


def test_the_facts_of_a_file(odd: FakeProc) -> None:
    place = odd.root / "app/secret"
    facts = ask("stat", path="/app/secret")
    assert (facts["mode"], facts["size"], facts["uid"]) == (0o700, 9, place.stat().st_uid)
    assert facts["mtime"] == pytest.approx(place.stat().st_mtime)
    assert (facts["ctime"], facts["inode"]) == (pytest.approx(place.stat().st_ctime), place.stat().st_ino)


@pytest.mark.parametrize("path", ["/nope", "/app/dangling", "/app/loop", "/etc/passwd/x", "/" + "n" * 300])
def test_what_is_not_there(odd: FakeProc, path: str) -> None:
    assert ask("stat", path=path)["exists"] is False
    assert kind_of_error("read", path=path) == "missing"


@pytest.mark.parametrize("path", ["/fifo", "/etc"])
def test_only_regular_files_are_opened(odd: FakeProc, path: str) -> None:
    assert kind_of_error("read", path=path) == "refused"
    assert kind_of_error("digest", path=path) == "refused"


def test_a_socket_is_not_opened(odd: FakeProc) -> None:
    assert kind_of_error("read", path="/sock") == "refused"


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_impossible_paths(odd: FakeProc, path: str) -> None:
    assert kind_of_error("stat", path=path) == "bad-request"


@pytest.mark.parametrize("limit", [6, 7, 8])
def test_a_read_is_cut_at_its_limit(odd: FakeProc, limit: int) -> None:
    answer = ask("read", path="/etc/passwd", limit=limit)
    assert base64.b64decode(answer["data"]) == b"inside\n"[:limit]
    assert answer["truncated"] == (limit < 7)


def test_a_sparse_terabyte_costs_nothing(odd: FakeProc) -> None:
    with (odd.root / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    answer = ask("read", path="/huge", limit=1 << 62)
    assert answer["truncated"]
    assert len(answer["data"]) < 6_000_000
    assert kind_of_error("digest", path="/huge") == "too-large"


def test_digests(odd: FakeProc) -> None:
    for name in ("sha256", "md5"):
        wanted = hashlib.new(name, b"inside\n", usedforsecurity=False).hexdigest()
        assert ask("digest", path="/etc/passwd", algorithm=name)["digest"] == wanted
    assert kind_of_error("digest", path="/etc/passwd", algorithm="crc") == "bad-request"


def test_a_folder_is_listed_with_a_cap(odd: FakeProc) -> None:
    whole = ask("list", path="/app")
    assert [entry["name"] for entry in whole["entries"]] == ["absolute", "chain", "dangling", "loop", "secret", "up"]
    assert {entry["kind"] for entry in whole["entries"]} == {"link", "file"}
    part = ask("list", path="/app", limit=2)
    assert (len(part["entries"]), part["truncated"]) == (2, True)
    assert kind_of_error("list", path="/fifo") == "missing"


def test_find_stays_inside_and_below_its_depth(odd: FakeProc) -> None:
    odd.write("/a/b/c/deep.txt")
    odd.write("/a/top.txt")
    (odd.root / "a" / "back").symlink_to("/a")
    assert ask("find", path="/", names=["*.txt"])["paths"] == ["/a/b/c/deep.txt", "/a/top.txt"]
    assert ask("find", path="/a", names=["*.txt"], depth=0)["paths"] == ["/a/top.txt"]
    assert ask("find", path="/", names=["*.txt"], limit=1)["truncated"] is True
    assert ask("find", path="/absolute-folder", names=["passwd"])["paths"] == ["/absolute-folder/passwd"]


def test_a_walk_ends_at_its_deadline(odd: FakeProc) -> None:
    assert ask("find", path="/", names=["*"], seconds=0) == {"paths": [], "truncated": True}


def test_search_finds_a_secret_across_pieces(odd: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_CHUNK", 5)
    odd.write("/srv/config", b"xxx the-secret-value yyy")
    odd.write("/srv/other", b"the-secret")
    needles = [base64.b64encode(needle).decode() for needle in (b"the-secret-value", b"absent", b"yyy")]
    answer = ask("search", path="/", needles=needles)
    assert answer["hits"] == [
        {"path": "/srv/config", "needle_index": 0},
        {"path": "/srv/config", "needle_index": 2},
    ]
    assert answer["files_read"] == 4
    assert not answer["truncated"]
    assert kind_of_error("search", path="/", needles=[]) == "bad-request"
    assert kind_of_error("search", path="/", needles=[""]) == "bad-request"


def test_search_leaves_pseudo_file_systems_alone(odd: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    odd.write("/sys/x", b"needle")
    device = (odd.root / "sys").stat().st_dev
    table = f"1 0 {os.major(device)}:{os.minor(device)} / /sys rw - sysfs sysfs rw\n"
    (odd.base / "20" / "mountinfo").write_text(table)
    answer = ask("search", path="/", needles=[base64.b64encode(b"needle").decode()])
    assert answer["hits"] == []


def test_the_cache_of_main_processes_is_checked(proc: FakeProc) -> None:
    proc.write("/x", "1")
    assert ask("stat", path="/x")["exists"]
    assert rooted._known == {WEB: 20}
    (proc.base / "20" / "cgroup").write_text("0::/docker/" + "ef" * 32)
    assert ask("stat", path="/x")["exists"]
    assert rooted._known == {WEB: 7}


def test_a_service_that_is_gone_is_denied(proc: FakeProc) -> None:
    for pid in ("20", "7"):
        (proc.base / pid / "cgroup").write_text("0::/")
    assert kind_of_error("stat", path="/") == "denied"


@pytest.mark.parametrize("service", ["web", "../1", "AB" * 32, "a" * 63])
def test_only_container_ids_are_looked_for(proc: FakeProc, service: str) -> None:
    with pytest.raises(OpError, match="not a container id"):
        rooted.pids(service)


def test_there_is_no_naive_way_without_openat2(proc: FakeProc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rooted, "_SYS_OPENAT2", 100_000)
    proc.write("/x", "1")
    assert kind_of_error("stat", path="/x") == "gone"
