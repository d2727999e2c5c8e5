"""An engine's HTTP interface in a thread, on a UNIX socket, that answers from a table."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Route = Callable[["Request"], "Answer"]


class Request:
    def __init__(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.query, self.body = method, path, query, body

    def json(self) -> Any:
        return json.loads(self.body)


class Answer:
    """Either a value that is sent as JSON, or pieces that are sent as they come; `drop` hangs up at once."""

    def __init__(
        self, value: Any = None, *, status: int = 200, pieces: Iterator[bytes] | None = None, drop: bool = False
    ) -> None:
        self.value, self.status, self.pieces, self.drop = value, status, pieces, drop


class FakeDaemon:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.routes: list[tuple[str, str, Route]] = []
        self.seen: list[Request] = []
        self.on("GET", "/version", lambda _: Answer({"ApiVersion": "1.41", "Version": "fake"}))
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *_: object) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def answer(self) -> None:
                daemon.answer(self)

            do_GET = do_POST = do_DELETE = do_PUT = answer  # noqa: N815

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self.server = Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def on(self, method: str, prefix: str, route: Route) -> None:
        """The latest route of a method whose prefix fits wins."""
        self.routes.insert(0, (method, prefix, route))

    def refuse(self, method: str, prefix: str, status: int, message: str) -> None:
        self.on(method, prefix, lambda _: Answer({"message": message}, status=status))

    def paths(self, method: str) -> list[str]:
        return [request.path for request in self.seen if request.method == method]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        path = parts.path.removeprefix("/v1.41")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        request = Request(handler.command, path, query, self.body(handler))
        self.seen.append(request)
        found = (route for method, prefix, route in self.routes if method == request.method and path.startswith(prefix))
        answer = next(found, lambda _: Answer({"message": "page not found"}, status=404))(request)
        if answer.drop:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        handler.send_header("Content-Type", "application/json")
        if answer.pieces is None:
            body = b"" if answer.value is None else json.dumps(answer.value).encode()
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in answer.pieces:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def body(handler: BaseHTTPRequestHandler) -> bytes:
        if handler.headers.get("Transfer-Encoding") != "chunked":
            return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = b""
        while size := int(handler.rfile.readline(), 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
