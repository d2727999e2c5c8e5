"""Runs what a candidate handed in, each time from a new folder: no run leaves anything to the next but the hosts.

A submission's `ansible.cfg` is not read: the image names its own by `ANSIBLE_CONFIG`. The inventory, the key and the
vault's password are the lab's, and lie beside the submission.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.ansible.recaps import Recap, changes_told, first_failure, recaps
from mde_grader.checking import expect
from mde_grader.checking.workspace import Ran, Workspace

LARGEST = 1 << 20
"""Bytes of one file of a submission; nothing that configures a host is larger."""
_VAULT = b"$ANSIBLE_VAULT;"
_SSH = (
    "ssh -i /tmp/key -p 2222 -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    " -o LogLevel=ERROR"
)
_KEY = "umask 077 && cp ../lab/key /tmp/key && umask 022 && "
_PLAY = _KEY + (
    'exec ansible-playbook -i ../lab/hosts.yml --private-key /tmp/key --vault-password-file ../lab/vault-password "$@"'
)
_PREPARE = "ssh-keygen -q -t ed25519 -N '' -C grader -f ../key && exec python3 -I /opt/mde/prepare.py \"$@\""


@dataclass(frozen=True, slots=True)
class Played:
    """One run of a playbook; all but how it ended are the candidate's words."""

    ran: Ran
    recap: Mapping[str, Recap]

    @property
    def output(self) -> str:
        """Both outputs, one after the other."""
        return f"{self.ran.out}\n{self.ran.err}"

    @property
    def end(self) -> str:
        """How it ended, and the first failure that it told of."""
        failure = first_failure(self.output)
        return f"{self.ran.end}: {failure}" if failure and not self.ran.ok else self.ran.end

    @property
    def told(self) -> str:
        """What a person would look for in the output: changes and failures; its end when there are none."""
        return changes_told(self.output)[-3000:] or self.output.strip()[-1500:]


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A submission whose vaults were made anew for this attempt, and a key pair.

    Attributes:
        files: Path to content.
        opened: For each file with a vault how often the secret was in it; -1 for one that does not open.
        key: Private key.
        public: Public key.
    """

    files: Mapping[str, bytes]
    opened: Mapping[str, int]
    key: bytes
    public: str


def files_of(root: Path) -> dict[str, bytes]:
    """The regular files below a folder, path to content; none of a repository's own, and none that is too large."""
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in paths
        if ".git" not in path.relative_to(root).parts and path.stat().st_size <= LARGEST
    }


def holding(files: Mapping[str, bytes], needles: Iterable[str]) -> list[str]:
    """Paths of the files that hold one of the texts.

    >>> holding({"a.yml": b"token: abc", "b.yml": b""}, ["abc"])
    ['a.yml']
    """
    wanted = [needle.encode() for needle in needles]
    return [path for path, content in files.items() if any(needle in content for needle in wanted)]


def vaulted(
    workspace: Workspace, files: Mapping[str, bytes], old: tuple[str, str], new: tuple[str, str], *, seconds: float = 60
) -> Vaulted:
    """Make the key pair of an attempt, and a submission's vaults anew, before any code of the candidate's has run.

    Args:
        workspace: Where.
        files: The submission, path to content.
        old: The password and the secret that the candidate was given.
        new: What takes their place.
        seconds: How long it may take.

    Raises:
        CheckFailedError: The vaults are such that it does not work.
    """
    names = [path for path, content in files.items() if _VAULT in content]
    copies = {str(number): files[path] for number, path in enumerate(names)}
    workspace.write({**copies, "none": b""}, folder="prepare/in")
    command = ["sh", "-c", _PREPARE, "prepare", old[0], new[0], old[1], new[1]]
    ran = workspace.run(command, folder="prepare/in", seconds=seconds)
    expect(
        ran.ok,
        expected="files that ansible-vault has encrypted",
        seen=f"while they were opened: {ran.end}",
        look="ansible-vault view group_vars/*/vault.yml",
        said=ran.err[-1000:],
    )
    again = {path: workspace.read(str(number), folder="prepare/in") for number, path in enumerate(names)}
    opened = {names[int(number)]: count for number, count in json.loads(ran.out).items()}
    key, public = (workspace.read(name, folder="prepare") for name in ("key", "key.pub"))
    workspace.remove("prepare")
    return Vaulted({**files, **again}, opened, key, public.decode().strip())


class Playbooks:
    """Runs the playbook of one submission.

    Args:
        workspace: Where.
        submission: What is run, and the key that opens the hosts.
        password: What opens its vaults.
        book: Path of the playbook.
    """

    def __init__(self, workspace: Workspace, submission: Vaulted, password: str, book: str = "site.yml") -> None:
        self._workspace = workspace
        self._submission = submission
        self._password = password
        self._book = book

    def play(self, inventory: bytes, *arguments: str, seconds: float) -> Played:
        """Run the playbook once.

        Args:
            inventory: The inventory file.
            *arguments: Options of `ansible-playbook`.
            seconds: When it is ended.
        """
        place = secrets.token_hex(6)
        self._workspace.write(self._submission.files, folder=f"{place}/play")
        lab = {"hosts.yml": inventory, "key": self._submission.key, "vault-password": self._password.encode() + b"\n"}
        self._workspace.write(lab, folder=f"{place}/lab")
        command = ["sh", "-c", _PLAY, "play", *arguments, self._book]
        ran = self._workspace.run(command, folder=f"{place}/play", seconds=seconds)
        self._workspace.remove(place)
        return Played(ran, recaps(ran.out))

    def by_hand(self, scripts: Mapping[str, str], *, seconds: float = 60) -> Ran:
        """Do something on hosts as their own user, by lines of shell: `user@address` to what is done there."""
        place = secrets.token_hex(6)
        steps = {str(number): script.encode() for number, script in enumerate(scripts.values())}
        self._workspace.write(steps, folder=f"{place}/play")
        self._workspace.write({"key": self._submission.key}, folder=f"{place}/lab")
        lines = [f"{_SSH} {login} sh -eu < {number} || exit" for number, login in enumerate(scripts)]
        ran = self._workspace.run(["sh", "-c", _KEY + "\n".join(lines)], folder=f"{place}/play", seconds=seconds)
        self._workspace.remove(place)
        return ran
