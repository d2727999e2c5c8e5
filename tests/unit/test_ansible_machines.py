"""What a run did to a host, from the inspector's facts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from graders.ansible.machines import Entry, Machine, processes_of, touched, unlike
from mde_grader.checking.api import CheckFailedError
from mde_grader.runtimes.base import Stack
from mde_grader.runtimes.inspector.session import SessionError
from tests.unit.fake_proc import WEB, DirectSession, FakeProc, proc

__all__ = ["proc"]


class OneService:
    """A stack with the made-up service."""

    session = DirectSession()

    def __getitem__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(container_id=WEB, name=name)


@pytest.fixture
def machine(proc: FakeProc) -> Machine:
    proc.write("/srv/board/board.conf", "berth = 4\n")
    proc.write("/srv/board/token", "secret", mode=0o600)
    (proc.root / "srv/board/link").symlink_to("/etc/passwd")
    return Machine(cast("Stack", OneService()), "target-1")


def test_entries(machine: Machine) -> None:
    found = machine.entries("/srv")
    kinds = {path.removeprefix("/srv/board"): entry.kind for path, entry in found.items()}
    assert kinds == {"": "directory", "/board.conf": "file", "/token": "file", "/link": "link"}
    assert (found["/srv/board/token"].mode, len(found["/srv/board/token"].digest)) == (0o600, 64)
    assert found["/srv/board/link"].digest == ""


def test_a_host_that_nobody_touched_is_the_same(machine: Machine) -> None:
    assert touched(machine.entries("/srv"), machine.entries("/srv")) == ()


def test_a_file_that_is_written_again_is_touched_but_not_unlike(machine: Machine, proc: FakeProc) -> None:
    before = machine.entries("/srv")
    place = proc.root / "srv/board/board.conf"
    proc.write("/srv/new", "berth = 4\n").replace(place)
    after = machine.entries("/srv")
    assert touched(before, after) == ("/srv/board/board.conf",)
    assert unlike(before, after) == ()


def test_what_is_made_removed_or_opened_is_both(machine: Machine, proc: FakeProc) -> None:
    before = machine.entries("/srv")
    proc.write("/srv/board/more")
    (proc.root / "srv/board/link").unlink()
    (proc.root / "srv/board/token").chmod(0o644)
    after = machine.entries("/srv")
    paths = ("/srv/board/link", "/srv/board/more", "/srv/board/token")
    assert touched(before, after) == unlike(before, after) == paths


def test_a_folder_counts_by_its_own_rights() -> None:
    folder = Entry("directory", 0o755, 1, inode=1, mtime=1.0, ctime=1.0)
    later = Entry("directory", 0o755, 1, inode=1, mtime=2.0, ctime=2.0)
    opened = Entry("directory", 0o777, 1, inode=1, mtime=2.0, ctime=3.0)
    assert touched({"/a": folder}, {"/a": later}) == ()
    assert touched({"/a": folder}, {"/a": opened}) == ("/a",)


def test_too_many_files_are_the_submissions_fault(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.ansible.machines.MOST_ENTRIES", 3)
    with pytest.raises(CheckFailedError, match="has more"):
        machine.entries("/srv")


def test_text(machine: Machine) -> None:
    assert machine.text("/srv/board/board.conf") == "berth = 4\n"
    assert machine.text("/srv/board/none") is None
    assert machine.text("/srv/board") is None


def test_a_dead_host_is_not_an_empty_file(proc: FakeProc) -> None:
    for pid in (20, 7):
        (proc.base / str(pid) / "cgroup").write_text("0::/\n")
    with pytest.raises(CheckFailedError, match="target-1 cannot be looked into any more"):
        Machine(cast("Stack", OneService()), "target-1").text("/srv/board/token")


def test_a_fault_of_ours_stays_ours(machine: Machine, proc: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise SessionError("gone", "the session was closed")

    monkeypatch.setattr(DirectSession, "call", gone)
    for look in (lambda: machine.text("/srv/board/token"), lambda: machine.entries("/srv")):
        with pytest.raises(SessionError, match="gone"):
            look()


def test_which_files_hold_a_text(machine: Machine) -> None:
    assert machine.holding("/srv", "secret") == ["/srv/board/token"]
    assert machine.holding("/srv", "nowhere") == []


def test_processes(machine: Machine) -> None:
    assert machine.running("worker") == {(7, 101)}
    assert machine.running("work") == frozenset()


def test_a_dead_process_does_not_run() -> None:
    row = {"pid": 3, "started": 9, "cmdline": ["python3", "/opt/board.py"], "state": "S"}
    assert processes_of([row], "/opt/board.py") == {(3, 9)}
    assert processes_of([{**row, "state": "Z"}], "/opt/board.py") == frozenset()
