"""A TCP server on the loopback whose answers a test writes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

Behaviour = Callable[[socket.socket], None]


class Server:
    """Accepts for ever; each connection is handed to the behaviour in a thread of its own."""

    def __init__(self, behave: Behaviour) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        self.accepted = 0
        self._behave = behave
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                self._behave(sock)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def saying(data: bytes) -> Behaviour:
    """Read a request, answer with these bytes, and close."""

    def behave(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(data)

    return behave


def http_bytes(body: bytes = b"ok", status: str = "200 OK", headers: bytes = b"") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers, body)


def answering(body: bytes = b"ok", status: str = "200 OK", headers: bytes = b"") -> Behaviour:
    """Read a request, and give an answer."""
    return saying(http_bytes(body, status, headers))


@pytest.fixture
def serve() -> Iterator[Callable[[Behaviour], Server]]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def start(behave: Behaviour) -> Server:
        servers.append(Server(behave))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
