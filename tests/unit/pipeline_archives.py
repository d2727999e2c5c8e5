"""Release archives for tests, good and bad, and a ferry that fits into two modules."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

VERSION = "0123456789abcdef0123456789abcdef01234567"

SERVING = """\
    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
API = """\
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from pg8000.native import Connection

at = urlsplit(os.environ["DATABASE_URL"])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        connection = Connection(at.username, host=at.hostname, port=at.port, password=at.password,
                                database=at.path.strip("/"))
        rows = connection.run("SELECT count(*) FROM bookings")
        connection.close()
        body = json.dumps({"bookings": rows[0][0]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

"""
WEB = """\
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

VERSION = (Path(__file__).parents[1] / "VERSION").read_text().strip()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body, status = VERSION.encode(), 200
        if self.path == "/health":
            body = urlopen(os.environ["API_URL"] + "/health", timeout=2).read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", "forged")
        self.end_headers()
        self.wfile.write(body)

"""
MIGRATION = "CREATE TABLE bookings (id serial PRIMARY KEY, name text NOT NULL);\n"


def packed(files: Mapping[str, str | bytes | None], *extra: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar.gz of files (None for a folder) and of ready-made entries."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            data = b"" if content is None else content.encode() if isinstance(content, str) else content
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in extra:
            archive.addfile(entry)
    return gzip.compress(made.getvalue(), 1, mtime=0)


def files(version: str = VERSION, **more: str | bytes | None) -> dict[str, str | bytes | None]:
    """The files of a release that runs; others by their paths, also in their place."""
    plain: dict[str, str | bytes | None] = {
        "VERSION": f"{version}\n",
        "ferry/__init__.py": "",
        "ferry/api.py": API + SERVING,
        "ferry/web.py": WEB + SERVING,
        "migrations/0001_start.sql": MIGRATION,
    }
    return plain | more


def release(version: str = VERSION, **more: str | bytes | None) -> bytes:
    """A release that runs."""
    return packed(files(version, **more))


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    """An entry that is no file."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry
