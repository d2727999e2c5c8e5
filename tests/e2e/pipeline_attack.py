"""A release's web that tries what it must not be able to; `GET /attack` tells what it could, as JSON.

Read as text and put into a release archive; it runs on the deploy target.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from pg8000.native import Connection

WRITABLE = ("/", "/tmp", "/run", "/run/target", "/run/target/ssh", "/srv", "/srv/target", "/dev/shm", "/dev/mqueue")
HERE = (".", "/dev", "/var/tmp", "/opt/mde")
SHOWN = ("NoNewPrivs", "CapEff", "CapPrm", "CapAmb", "CapInh")


def could(act: Callable[[], Any]) -> Any:
    """What came of it; None for nothing."""
    with contextlib.suppress(Exception):
        return act()
    return None


def processes() -> dict[int, int]:
    """Every process that can be seen, to its user."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = entry.stat().st_uid
    return found


def first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def read_of(number: int) -> list[str]:
    """What of another's process can be read that nobody else should."""
    place = Path("/proc", str(number))
    acts: dict[str, Callable[[], Any]] = {
        **{name: lambda name=name: first_byte(place / name) for name in ("environ", "mem", "maps", "stack")},  # type: ignore[misc]
        "fd": lambda: list((place / "fd").iterdir()),
        "root": (place / "root").readlink,
    }
    return [f"{number}/{name}" for name, act in acts.items() if could(act) is not None]


def own_url() -> str:
    """The database's address, out of the environment of this release's other process."""
    for number, uid in processes().items():
        if uid == os.getuid():
            text = could(Path("/proc", str(number), "environ").read_text) or ""
            for pair in text.split("\0"):
                if pair.startswith("DATABASE_URL="):
                    return str(pair.partition("=")[2])
    return ""


def walk(folder: str) -> list[str]:
    """Files below a folder that can be opened."""
    paths = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return [str(path) for path in paths if could(lambda path=path: first_byte(path)) is not None]  # type: ignore[misc]


def written(folder: str) -> bool:
    """Whether a file can be made there."""
    return could(lambda: Path(folder, "planted").write_text("x")) is not None


def door() -> bool:
    """Whether the socket behind sshd can be opened."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect("/run/target/door")
        peer.sendall(b'{"tenant": "t00", "command": "status", "input": false}\n')
        return bool(peer.recv(100))


def database(url: str, name: str) -> Any:
    """What another database answers to this role."""
    at = urlsplit(url)
    found = Connection(at.username, host=at.hostname, port=at.port, password=at.password, database=name)
    with contextlib.closing(found) as connection:
        return connection.run("SELECT 1")


def admin() -> int:
    """What the grader's door says without its token."""
    asked = Request("http://127.0.0.1:8000/admin/tenants/t00/log", headers={"Authorization": "Bearer "})
    try:
        with urlopen(asked, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def signalled(number: int) -> bool:
    """Whether a signal may be sent."""
    os.kill(number, 0)
    return True


def became(act: Callable[[int], None]) -> bool:
    """Whether it is root's now."""
    act(0)
    return True


def attack() -> dict[str, Any]:
    """Everything at once."""
    others = [number for number, uid in processes().items() if uid != os.getuid()]
    url = own_url()
    return {
        "uid": os.getuid(),
        "groups": [group for group in os.getgroups() if group != os.getgid()],
        "status": [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(SHOWN)],
        "others": len(others),
        "control": [*read_of(os.getpid()), signalled(os.getpid()), len(walk(str(Path.cwd()))) > 0],
        "read": [found for number in others for found in read_of(number)],
        "signalled": [number for number in others if could(lambda number=number: signalled(number))],  # type: ignore[misc]
        "became": [act.__name__ for act in (os.setuid, os.setgid) if could(lambda: became(act))],  # noqa: B023
        "files": walk("/run") + [path for path in walk("/srv") if not path.startswith(f"{Path.cwd()}/")],
        "listed": could(lambda: len(list(Path("/srv/target").iterdir()))),
        "written": [folder for folder in (*WRITABLE, *HERE) if written(folder)],
        "door": could(door),
        "own": could(lambda: database(url, url.rpartition("/")[2])),
        "databases": [name for name in ("postgres", "template1") if could(lambda: database(url, name))],  # noqa: B023
        "admin": admin(),
        "threads": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "goes": Path("/proc/self/oom_score_adj").read_text().strip(),
    }


class Handler(BaseHTTPRequestHandler):
    """Answers."""

    def do_GET(self) -> None:
        """Try everything, if asked to."""
        body = json.dumps(attack() if self.path == "/attack" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
