"""A read-only package index (PEP 503) over one folder of wheels.

Prints `GET /path` for each request, one a line, so that a grader can see what a build asked for.
"""

from __future__ import annotations

import hashlib
import html
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

WHEELS = Path(__file__).with_name("wheels")
ADDRESS = ("127.0.0.1", 3141)


def tell(line: str) -> None:
    """Write one line to standard output, at once and in one piece."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def normalise(name: str) -> str:
    """Return a project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def page(links: list[tuple[str, str]]) -> bytes:
    """Return an HTML page of links, given as (address, text)."""
    anchors = "".join(f'<a href="{html.escape(address)}">{html.escape(text)}</a><br>\n' for address, text in links)
    return f"<!DOCTYPE html><html><body>\n{anchors}</body></html>\n".encode()


def contents(folder: Path) -> dict[str, bytes | Path]:
    """Return what each path answers: a ready page, or the file to send. Made once, so that a request only looks up."""
    projects: dict[str, list[tuple[str, str]]] = {}
    answers: dict[str, bytes | Path] = {}
    for wheel in sorted(folder.iterdir()):
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        project = normalise(wheel.name.split("-")[0])
        projects.setdefault(project, []).append((f"/wheels/{wheel.name}#sha256={digest}", wheel.name))
        answers[f"/wheels/{wheel.name}"] = wheel
    answers["/simple/"] = page([(f"/simple/{project}/", project) for project in projects])
    answers |= {f"/simple/{project}/": page(links) for project, links in projects.items()}
    return answers


class Handler(BaseHTTPRequestHandler):
    """Answers from the table, over kept-open connections."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    answers: ClassVar[dict[str, bytes | Path]] = {}

    def do_GET(self) -> None:
        """Send the page or the wheel."""
        path = self.path.split("?")[0]
        tell(f"GET {path[:512]}")
        if path.startswith("/simple/"):
            path = f"/simple/{normalise(path[8:].strip('/'))}/".replace("//", "/")
        found = self.answers.get(path)
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, b"not in this index\n", "text/plain")
        elif isinstance(found, bytes):
            self._send(HTTPStatus.OK, found, "text/html")
        else:
            self._send(HTTPStatus.OK, found.read_bytes(), "application/octet-stream")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the standard log quiet; what was asked is on standard output already."""


class Server(ThreadingHTTPServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until killed."""
    Handler.answers = contents(WHEELS)
    with Server(ADDRESS, Handler) as server:
        tell(f"READY {ADDRESS[0]}:{ADDRESS[1]}")
        server.serve_forever()


if __name__ == "__main__":
    main()
