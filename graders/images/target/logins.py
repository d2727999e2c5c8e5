"""sshd, which runs without any privilege as the one user that pipelines log in as, and whom it lets in."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIG = "/opt/mde/sshd_config"
KNOCK = "/usr/bin/python3 -I -S /opt/mde/knock.py"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def authorized(keys: Mapping[str, str]) -> str:
    """The lines that let each tenant's key do one thing: say a verb as that tenant.

    Args:
        keys: Identity to public key.
    """
    return "".join(f'restrict,command="{KNOCK} {identity}" {key}\n' for identity, key in keys.items())


def new_key(folder: Path) -> tuple[str, str]:
    """A private key and its public one, for a pipeline.

    Args:
        folder: Where they are for a moment; nobody else can read there.

    Raises:
        OSError: `ssh-keygen` is missing or failed.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "key"
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(made, env=ENVIRONMENT, check=False, capture_output=True, timeout=20)
        return path.read_text(), path.with_suffix(".pub").read_text().strip()


@dataclass
class Logins:
    """The door for pipelines.

    Attributes:
        folder: Which sshd's user can write to; its keys are there.
        keys: The file of those who may log in, which it can read and not write.
        uid: sshd's user.
        gid: Its group.
    """

    folder: Path
    keys: Path
    uid: int
    gid: int
    _sshd: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start sshd with a new host key; the public one, `TYPE KEY`.

        Raises:
            OSError: A program is missing.
            subprocess.CalledProcessError: No key could be made.
        """
        self.folder.mkdir(mode=0o700)
        os.chown(self.folder, -1, self.gid)
        self.folder.chmod(0o770)
        self.admit({})
        key = self.folder / "host_key"
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
        self._spawn(made).wait(20)
        public = key.with_suffix(".pub").read_text().split()
        self._sshd = self._spawn(["/usr/sbin/sshd", "-D", "-e", "-f", CONFIG])
        return " ".join(public[:2])

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            umask=0o022,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )

    def running(self) -> bool:
        """Whether sshd runs."""
        return self._sshd is not None and self._sshd.poll() is None

    def admit(self, keys: Mapping[str, str]) -> None:
        """Let these in and no others, from the next login on."""
        fresh = self.keys.with_suffix(".new")
        fresh.write_text(authorized(keys))
        os.chown(fresh, -1, self.gid)
        fresh.chmod(0o640)
        fresh.replace(self.keys)
