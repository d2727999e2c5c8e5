"""HTTP for both services: a server that is ready when it says so, and that ends what it began."""

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: bytes
    kind: str = "application/json"

    @staticmethod
    def of(value: object, status: int = 200) -> "Answer":
        """A value as JSON."""
        return Answer(status, json.dumps(value).encode())

    @staticmethod
    def html(text: str, status: int = 200) -> "Answer":
        """A page."""
        return Answer(status, text.encode(), "text/html; charset=utf-8")

    @staticmethod
    def text(text: str, status: int = 200) -> "Answer":
        """Plain text."""
        return Answer(status, text.encode(), "text/plain; charset=utf-8")


Ask = Callable[[str, str, bytes], Answer]
"""Method, path and body to an answer."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the service."""

    def _reply(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST)
        answer = self.server.ask(self.command, self.path, self.rfile.read(length))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _reply  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet; the front writes down who asked for what."""


class Server(ThreadingHTTPServer):
    """Waits at its end for the requests that it has begun."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, ask: Ask) -> None:
        super().__init__(("", port), Handler)
        self.ask = ask


def port_of(environment: dict | None = None) -> int:
    """The port that the environment names."""
    return int((os.environ if environment is None else environment)["PORT"])


def serve(server: Server) -> None:
    """Answer until TERM comes, and then finish what is under way."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
