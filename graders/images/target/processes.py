"""A release's two processes, as a user of their own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.images.serving.words import Refused, plain

CONFINED = "/opt/mde/confined.sh"
PACKAGES = "/opt/mde/packages"
PYTHON = "/usr/bin/python3"
BUSYBOX = "/opt/mde/busybox"
BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/", "PYTHONUNBUFFERED": "1"}
GRACE = 5.0
STEP = 0.02
KILLS = 10
SAID = 2048
"""Bytes of what a release says that are kept, from its end."""
PORTS = range(20_000, 30_000)
"""Below the kernel's own range, and drawn anew for each start, so that nobody can sit there before."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a process runs as; the uid belongs to nothing else."""

    uid: int
    gid: int

    def spawn(
        self, command: list[str], environment: Mapping[str, str], folder: Path, output: int, given: int
    ) -> subprocess.Popen[bytes]:
        """Start a program within the limits of a release."""
        return subprocess.Popen(
            [CONFINED, *command],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            umask=0o077,
            cwd=folder,
            env={**BASE, **environment},
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def signal(self, name: str) -> None:
        """Send a signal to every process of this user, as this user: the target itself may not signal others."""
        subprocess.run(
            [BUSYBOX, "kill", f"-{name}", "-1"],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            env={},
            cwd="/",
            capture_output=True,
            check=False,
            timeout=10,
        )

    def there(self) -> bool:
        """Whether a process of this user lives."""
        return any(entry.name.isdigit() and _lives(entry, self.uid) for entry in os.scandir("/proc"))

    def end(self, grace: float = GRACE) -> None:
        """TERM, and KILL after a grace, until nothing is left."""
        if grace and self.there():
            self.signal("TERM")
            _until(lambda: not self.there(), grace)
        for _ in range(KILLS):
            if not self.there():
                return
            self.signal("KILL")
            _until(lambda: not self.there(), 1.0)


def _lives(entry: os.DirEntry[str], uid: int) -> bool:
    """Whether a process is that user's, and neither gone nor waiting to be reaped."""
    try:
        if entry.stat().st_uid != uid:
            return False
        return Path(entry.path, "stat").read_bytes().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def _until(met: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not met() and time.monotonic() < deadline:
        time.sleep(STEP)


@dataclass
class Pair:
    """The processes of one start.

    Attributes:
        user: Whose they are.
        api: The one that asks the database.
        web: The one that the front asks.
        said: What they say, the end of it.
    """

    user: User
    api: subprocess.Popen[bytes]
    web: subprocess.Popen[bytes]
    said: bytearray = field(default_factory=bytearray)

    def alive(self) -> bool:
        """Whether both run."""
        return self.api.poll() is None and self.web.poll() is None

    def facts(self) -> dict[str, Any]:
        """Each process, and what was said."""
        both = {"api": self.api.poll(), "web": self.web.poll()}
        told = {name: {"running": code is None, "exit": code} for name, code in both.items()}
        return {"processes": told, "said": plain(bytes(self.said), SAID)}

    def end(self) -> None:
        """End both, and all that they have started."""
        self.user.end()
        for process in (self.api, self.web):
            process.wait(10)

    def listen(self, pipe: int) -> None:
        """Keep the end of what is said, until nobody can say anything any more."""
        with os.fdopen(pipe, "rb", buffering=0) as source:
            while more := source.read(4096):
                self.said += more
                del self.said[:-SAID]


def start(user: User, folder: Path, database: str, ports: tuple[int, int]) -> Pair:
    """Start a release.

    Args:
        user: Whose processes they are to be; it has none.
        folder: The release's.
        database: URL that its api is given.
        ports: Of api and web.

    Raises:
        Refused: They cannot be started.
    """
    common = {"PYTHONPATH": f"{folder}:{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"}
    api, web = ports
    out, into = os.pipe()
    given = {
        "api": {**common, "PORT": str(api), "DATABASE_URL": database},
        "web": {**common, "PORT": str(web), "API_URL": f"http://127.0.0.1:{api}"},
    }
    try:
        started = [
            user.spawn([PYTHON, "-P", "-m", f"ferry.{name}"], environment, folder, into, subprocess.DEVNULL)
            for name, environment in given.items()
        ]
    except (OSError, subprocess.SubprocessError) as error:
        os.close(out)
        user.end(0)
        raise Refused(f"the target can start no more processes ({error}); stop what is not needed") from None
    finally:
        os.close(into)
    pair = Pair(user, started[0], started[1])
    threading.Thread(target=pair.listen, args=(out,), name="said", daemon=True).start()
    return pair


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    found: list[int] = []
    while len(found) < 2:  # noqa: PLR2004
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as tried:
            if port not in found and tried.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found[0], found[1]
