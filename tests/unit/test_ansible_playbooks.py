"""How a submission is run and prepared, with a workspace that only remembers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import pytest

from graders.ansible import rounds
from graders.ansible.boards import Shown
from graders.ansible.inventories import Host
from graders.ansible.machines import Entry
from graders.ansible.playbooks import LARGEST, Playbooks, Vaulted, files_of, holding, vaulted
from graders.ansible.rounds import Boards, Fleet, Round, admit
from graders.ansible.watching import Look
from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.workspace import Ran, Workspace

RECAP = "PLAY RECAP ***\na : ok=1 changed=0 unreachable=0 failed=0\n"
HOST = Host("a", "north", "target-1", "deploy1")


class FakeWorkspace:
    """Keeps what is written, and ends every command as it is told."""

    def __init__(self, ran: Ran, during: Callable[[FakeWorkspace, str], None] = lambda *_: None) -> None:
        self.files: dict[str, bytes] = {}
        self.commands: list[Sequence[str]] = []
        self.seen: dict[str, bytes] = {}
        self._ran = ran
        self._during = during

    def write(self, files: Mapping[str, bytes], *, folder: str = "") -> None:
        self.files |= {f"{folder}/{path}": content for path, content in files.items()}

    def run(self, command: Sequence[str], *, seconds: float, folder: str) -> Ran:
        assert seconds > 0
        self.commands.append(command)
        self.seen = {path.partition("/")[2]: content for path, content in self.files.items()}
        self._during(self, folder)
        return self._ran

    def read(self, path: str, *, folder: str) -> bytes:
        return self.files[f"{folder}/{path}"]

    def remove(self, path: str) -> None:
        self.files = {name: content for name, content in self.files.items() if not name.startswith(f"{path}/")}


def playbooks(workspace: FakeWorkspace) -> Playbooks:
    submission = Vaulted({"site.yml": b"- hosts: all\n"}, {}, b"KEY", "ssh-ed25519 AAAA")
    return Playbooks(cast("Workspace", workspace), submission, "password")


def test_a_run_has_a_new_folder_and_leaves_nothing() -> None:
    workspace = FakeWorkspace(Ran(0, out=RECAP))
    books = playbooks(workspace)
    played = books.play(b"inventory", "--check", "--limit", "a b", seconds=9)
    assert workspace.seen == {
        "play/site.yml": b"- hosts: all\n",
        "lab/hosts.yml": b"inventory",
        "lab/key": b"KEY",
        "lab/vault-password": b"password\n",
    }
    assert workspace.commands[0][-4:] == ["--check", "--limit", "a b", "site.yml"]
    assert workspace.files == {}
    assert (played.recap["a"].ok, played.end) == (1, "it ended with exit code 0")


def test_what_is_told_of_a_failure() -> None:
    fatal = "TASK [x] ***\nfatal: [a]: FAILED! => {}"
    played = playbooks(FakeWorkspace(Ran(2, out=fatal, err="warned"))).play(b"", seconds=9)
    assert played.end == "it ended with exit code 2: fatal: [a]: FAILED! => {}"
    assert played.told == fatal
    assert played.output == f"{fatal}\nwarned"
    silent = playbooks(FakeWorkspace(Ran(None, err="nothing", timed_out=True))).play(b"", seconds=9)
    assert (silent.end, silent.told) == ("it did not end within 0 s", "nothing")


def test_what_is_done_by_hand() -> None:
    workspace = FakeWorkspace(Ran(0))
    playbooks(workspace).by_hand({"deploy1@target-1": "touch /a\n", "deploy2@target-2": "touch /b\n"})
    assert workspace.seen == {"play/0": b"touch /a\n", "play/1": b"touch /b\n", "lab/key": b"KEY"}
    script = workspace.commands[0][2]
    assert "deploy1@target-1 sh -eu < 0 || exit\n" in script
    assert script.endswith("deploy2@target-2 sh -eu < 1 || exit")


def encrypt_anew(workspace: FakeWorkspace, folder: str) -> None:
    workspace.files[f"{folder}/0"] = b"$ANSIBLE_VAULT;again"
    workspace.files |= {"prepare/key": b"KEY", "prepare/key.pub": b"ssh-ed25519 AAAA\n"}


def test_vaults_are_made_anew_and_other_files_stay() -> None:
    workspace = FakeWorkspace(Ran(0, out=json.dumps({"0": 1})), encrypt_anew)
    files = {"vault.yml": b"$ANSIBLE_VAULT;1.1;AES256\n00", "site.yml": b"- hosts: all\n"}
    found = vaulted(cast("Workspace", workspace), files, ("old", "token"), ("new", "other"))
    assert found.files == {"vault.yml": b"$ANSIBLE_VAULT;again", "site.yml": b"- hosts: all\n"}
    assert (found.opened, found.key, found.public) == ({"vault.yml": 1}, b"KEY", "ssh-ed25519 AAAA")
    assert workspace.commands[0][-4:] == ["old", "new", "token", "other"]
    assert set(workspace.seen) == {"in/0", "in/none"}


def test_vaults_that_do_not_let_it_be_done_are_the_submissions() -> None:
    with pytest.raises(CheckFailedError, match="while they were opened: it did not stop printing"):
        vaulted(cast("Workspace", FakeWorkspace(Ran(None, flooded=True))), {}, ("a", "b"), ("c", "d"))


def test_files_of_a_submission(tmp_path: Path) -> None:
    (tmp_path / "roles" / "a").mkdir(parents=True)
    (tmp_path / "roles" / "a" / "main.yml").write_bytes(b"main")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"never")
    (tmp_path / "large").write_bytes(bytes(LARGEST + 1))
    (tmp_path / "link").symlink_to("/etc/passwd")
    files = files_of(tmp_path)
    assert files == {"roles/a/main.yml": b"main"}
    assert holding(files, ["other", "ai"]) == ["roles/a/main.yml"]
    assert holding(files, []) == []


class FakeMachine:
    """A host whose files change when it is run."""

    def __init__(self, mode: int) -> None:
        self.mode = mode

    def entries(self, folder: str) -> dict[str, Entry]:
        assert folder == "/srv"
        return {"/srv/token": Entry("file", self.mode, 1)}


class FakeWatch:
    """Sees two starts."""

    looks: tuple[Mapping[str, Look], ...] = (
        {"a": Look(frozenset({(1, 1)}), ready=True)},
        {"a": Look(frozenset({(2, 2)}), ready=False)},
        {"a": Look(frozenset({(3, 3)}), ready=True)},
    )

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


def test_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine(0o600)
    asked: list[Mapping[str, str]] = []

    def look(_: object, addresses: Mapping[str, str], tokens: tuple[str, ...]) -> dict[str, Shown]:
        asked.append(addresses)
        return {"a": Shown(doors=dict.fromkeys(tokens, 200))}

    monkeypatch.setattr(rounds, "Machine", lambda *_: machine)
    monkeypatch.setattr(rounds, "Watch", FakeWatch)
    monkeypatch.setattr(rounds, "shown", look)
    workspace = FakeWorkspace(Ran(0, out=RECAP), lambda *_: setattr(machine, "mode", 0o644))
    any_: Any = None
    fleet = Fleet(any_, any_, playbooks(workspace), program="board", folder="/srv")
    boards = Boards({"a": "http://target-1:1"}, ("token",))
    found: Round = fleet.round([HOST], b"inventory", "--diff", boards=boards, seconds=9)
    assert boards.ready == {"a": "http://target-1:1/ready"}
    assert (found.touched("a"), found.starts("a"), found.away(["a"])) == (("/srv/token",), 2, ("a",))
    assert (found.shown["a"].doors, asked) == ({"token": 200}, [{"a": "http://target-1:1"}])


class FakeStack:
    """Remembers which services were replaced."""

    def __init__(self) -> None:
        self.replaced: dict[str, Mapping[str, str]] = {}
        self.waited: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        stack = self

        class Service:
            def recreate(self, *, environment: Mapping[str, str]) -> None:
                stack.replaced[name] = environment

        return Service()

    def wait_ready(self, *names: str) -> None:
        self.waited = names


def test_hosts_are_fresh_when_the_key_is_let_in() -> None:
    stack: Any = FakeStack()
    admit(stack, ("target-1", "target-2"), "ssh-ed25519 AAAA")
    key = {"AUTHORIZED_KEYS": "ssh-ed25519 AAAA"}
    assert (stack.replaced, stack.waited) == ({"target-1": key, "target-2": key}, ("target-1", "target-2"))
