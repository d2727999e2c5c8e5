"""A small HTTP service to configure: it says what its settings are, and needs a restart to learn new ones.

Reads `board.conf` (`name = value` lines, `#` comments; `port` is needed) and `token` of its folder when it starts, is
ready `WARM_SECONDS` later, and answers with JSON:

    GET /         every setting, as text
    GET /ready    200 when it is ready, 503 before
    GET /notices  the files `notices/*.txt` as they are now, by name
    GET /tides    200 for `Authorization: Bearer TOKEN`, 403 for anybody else
"""

import hmac
import json
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WARM_SECONDS = 2.0
READY = Path("/run/board.ready")
LARGEST = 65_536


def settings_in(text: str) -> dict[str, str]:
    """Read `name = value` lines.

    Raises:
        ValueError: A line is none.
    """
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"not a setting: {line!r}")
            found[name.strip()] = value.strip()
    return found


class Server(ThreadingHTTPServer):
    """One thread a request, and what the board read when it started."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        self.settings = settings_in((folder / "board.conf").read_text(encoding="utf-8"))
        self.token = (folder / "token").read_text(encoding="utf-8").strip()
        self.notices = folder / "notices"
        self.ready = threading.Event()
        super().__init__(("", int(self.settings["port"])), Handler)

    def warm_up(self) -> None:
        """Be ready after a while, as a program is that has much to read."""
        threading.Event().wait(WARM_SECONDS)
        READY.touch()
        self.ready.set()


class Handler(BaseHTTPRequestHandler):
    """Answers with JSON."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Server

    def do_GET(self) -> None:
        """Answer one of the four addresses."""
        answers = {"/": self._settings, "/ready": self._ready, "/notices": self._notices, "/tides": self._tides}
        status, data = answers.get(self.path, self._unknown)()
        body = json.dumps(data).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _settings(self) -> tuple[HTTPStatus, object]:
        return HTTPStatus.OK, self.server.settings

    def _ready(self) -> tuple[HTTPStatus, object]:
        ready = self.server.ready.is_set()
        return (HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE), {"ready": ready}

    def _notices(self) -> tuple[HTTPStatus, object]:
        paths = sorted(self.server.notices.glob("*.txt"))
        return HTTPStatus.OK, {path.stem: path.read_text(encoding="utf-8")[:LARGEST] for path in paths}

    def _tides(self) -> tuple[HTTPStatus, object]:
        asked = self.headers.get("Authorization", "")
        if not self.server.token or not hmac.compare_digest(asked.encode(), f"Bearer {self.server.token}".encode()):
            return HTTPStatus.FORBIDDEN, {"error": "this needs the harbour's token"}
        return HTTPStatus.OK, {"high": "04:12", "low": "10:31"}

    def _unknown(self) -> tuple[HTTPStatus, object]:
        return HTTPStatus.NOT_FOUND, {"error": "no such address"}

    def log_message(self, *_: object) -> None:
        """Keep quiet; nobody reads a target's log."""


def main() -> None:
    """Serve until killed; end with one line when the settings cannot be read."""
    try:
        server = Server(Path(sys.argv[1]))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"board: {type(error).__name__}: {error}")
    threading.Thread(target=server.warm_up, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
