"""HTTP for the grader and for pipelines: one thread a connection, and so many connections for each peer."""

from __future__ import annotations

import hmac
import json
import socket
import struct
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from graders.images.serving.bodies import Body
from graders.images.serving.words import Refused

PEER = 24
"""Connections that one address may hold, so that a pipeline cannot keep the grader out."""
SECONDS = 15
"""How long a peer may be silent."""
ADMIN = "admin"


class BrokenOff(Exception):  # noqa: N818
    """The connection is to be reset without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        method: HTTP method.
        parts: The path's parts, decoded.
        query: The last value of each field.
        headers: Names in lower case.
        body: What follows the head.
    """

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`; empty without one."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    @property
    def after(self) -> int:
        """The number that a page of a log is to start after."""
        text = self.query.get("after", "-1")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; `headers` besides length and type."""

    status: int = 200
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Request], Answer]


def value(content: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(content).encode(), "application/json")


def lost() -> Refused:
    """There is nothing at an address."""
    return Refused("there is nothing at this address; see what the service has", 404)


@dataclass(frozen=True)
class Doors:
    """Tells the grader's requests from everybody's.

    Attributes:
        token: What the grader shows; while empty nobody is the grader.
        admin: Answers the grader, below `/admin/`.
        public: Answers everybody.
        ready: Whether the service works.
    """

    token: str
    admin: Answering
    public: Answering
    ready: Callable[[], bool] = lambda: True

    def __call__(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            Refused: It cannot be done.
        """
        if request.parts[:1] == (ADMIN,):
            if not self.token or not hmac.compare_digest(request.bearer.encode(), self.token.encode()):
                raise Refused("this address is the grader's; use what the brief names", 403)
            return self.admin(request)
        if request.parts == ("ready",) and request.method in {"GET", "HEAD"}:
            return Answer(200, b"ready\n") if self.ready() else Answer(503, b"not ready\n")
        return self.public(request)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, and says the answer."""

    protocol_version = "HTTP/1.1"
    server_version = "mde-grade"
    sys_version = ""
    timeout = SECONDS
    server: Server

    def handle_one_request(self) -> None:
        """Answer one request; a peer that is gone or silent is nothing to tell of."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Every method is answered in one place."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        path, _, query = self.path.partition("?")
        parts = tuple(unquote(part) for part in path.strip("/").split("/"))
        try:
            body = Body(self.rfile, headers)  # type: ignore[arg-type]
        except Refused as error:
            self.close_connection = True
            self._send(_refusal(error))
            return
        asked = {name: values[-1] for name, values in parse_qs(query, max_num_fields=None).items()}
        try:
            answer = self._answered(Request(self.command, parts, asked, headers, body))
        except BrokenOff:
            self._reset()
            return
        if not body.discard():
            self.close_connection = True
        self._send(answer)

    def _answered(self, request: Request) -> Answer:
        try:
            return self.server.answering(request)
        except Refused as error:
            return _refusal(error)
        except (BrokenOff, OSError):
            raise
        except Exception:  # noqa: BLE001 - whoever asks is told; the reason goes to the container's log
            traceback.print_exc(file=sys.stderr)
            return _refusal(Refused("the service made a mistake; its log says which", 500))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        if answer.status != 204:  # noqa: PLR2004
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and answer.body:
            self.wfile.write(answer.body)

    def _reset(self) -> None:
        """Break off as a network does: with a lingering time of zero, closing sends RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Keep quiet; what matters is in the log of its own."""


def _refusal(error: Refused) -> Answer:
    return value({"error": error.message}, error.status)


class Server(ThreadingHTTPServer):
    """Listens on all addresses.

    Args:
        port: Where.
        answering: Answers a request, or raises `Refused` or `BrokenOff`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answering: Answering) -> None:
        self.answering = answering
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()
        super().__init__(("", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Start a thread for a connection, unless its peer has too many."""
        with self._lock:
            self._held[client_address[0]] += 1
            many = self._held[client_address[0]] > PEER
        if many:
            self.shutdown_request(request)
            self._let_go(client_address)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._let_go(client_address)

    def _let_go(self, client_address: Any) -> None:  # noqa: ANN401
        with self._lock:
            self._held[client_address[0]] -= 1
            self._held += Counter()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A peer that breaks off is nothing to tell of."""
