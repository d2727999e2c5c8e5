"""The agent as a client of servers that drip, flood, lie and hang up."""

from __future__ import annotations

import base64
import gzip
import itertools
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mde_grader.runtimes.inspector.agent import net
from tests.unit.fake_proc import DirectSession
from tests.unit.hostile_server import Behaviour, Server, answering, saying, serve

__all__ = ["serve"]
Serve = Callable[[Behaviour], Server]


def ask(op: str, **arguments: Any) -> dict[str, Any]:
    return DirectSession().call(op, **{"seconds": 5, **arguments})


def failure(op: str, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(Exception, match=":") as caught:
        ask(op, **arguments)
    return caught.value.kind, caught.value.message  # type: ignore[attr-defined]


def test_an_answer(serve: Serve) -> None:
    server = serve(answering(b"hello", headers=b"X-Up: a\r\n"))
    answer = ask("http", url=server.url)
    assert (answer["status"], base64.b64decode(answer["body"]), answer["truncated"]) == (200, b"hello", False)
    assert ["X-Up", "a"] in [list(pair) for pair in answer["headers"]]
    assert answer["peer"] == f"127.0.0.1:{server.port}"


def drip(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        sock.sendall(b"x")
        time.sleep(0.02)


def silent(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def drip_in_the_head(sock: socket.socket) -> None:
    for letter in itertools.cycle(b"HTTP/1.1 "):
        sock.sendall(bytes([letter]))
        time.sleep(0.02)


def deaf(sock: socket.socket) -> None:
    time.sleep(5)


@pytest.mark.parametrize("behave", [drip, silent, drip_in_the_head])
def test_the_deadline_is_for_the_whole_answer(serve: Serve, behave: Behaviour) -> None:
    started = time.monotonic()
    kind, _ = failure("http", url=serve(behave).url, seconds=0.1)
    assert kind == "timeout"
    assert time.monotonic() - started < 1.0


def test_a_server_that_does_not_read_is_left(serve: Serve) -> None:
    body = base64.b64encode(b"x" * 8_000_000).decode()
    kind, message = failure("http", url=serve(deaf).url, method="POST", body=body, seconds=0.4)
    assert (kind, "not read" in message) == ("timeout", True)


def test_an_early_answer_to_a_large_body_is_read(serve: Serve) -> None:
    def behave(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass

    body = base64.b64encode(b"x" * 3_000_000).decode()
    assert ask("http", url=serve(behave).url, method="POST", body=body)["status"] == 413


def test_a_flood_is_cut(serve: Serve) -> None:
    def flood(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(b"x" * 65536)

    answer = ask("http", url=serve(flood).url, limit=100_000)
    assert (len(base64.b64decode(answer["body"])), answer["truncated"]) == (100_000, True)


def test_interim_answers_without_end(serve: Serve) -> None:
    def interim(sock: socket.socket) -> None:
        while True:
            sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    kind, message = failure("http", url=serve(interim).url)
    assert (kind, "interim" in message) == ("protocol", True)


def test_gzip_stays_as_it_is(serve: Serve) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    answer = ask("http", url=serve(answering(bomb, headers=b"Content-Encoding: gzip\r\n")).url)
    assert base64.b64decode(answer["body"]) == bomb


def test_a_redirect_is_an_answer(serve: Serve) -> None:
    server = serve(answering(b"", "302 Found", b"Location: /again\r\n"))
    assert ask("http", url=server.url)["status"] == 302
    assert server.accepted == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert failure("http", url=f"http://127.0.0.1:{port}/") == ("refused", "connection refused")


@pytest.mark.parametrize(("data", "words"), [(b"", "closed unanswered"), (b"220 smtp\r\n", "not an HTTP answer")])
def test_no_http(serve: Serve, data: bytes, words: str) -> None:
    kind, message = failure("http", url=serve(saying(data)).url)
    assert (kind, words in message) == ("protocol", True)


def test_a_reset_is_a_protocol_error(serve: Serve) -> None:
    def reset(sock: socket.socket) -> None:
        sock.recv(10)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert failure("http", url=serve(reset).url)[0] == "protocol"


def test_an_unknown_name() -> None:
    assert failure("dns", name="no-such-name.invalid")[0] == "resolve"
    assert failure("http", url="http://no-such-name.invalid/")[0] == "resolve"


def test_names_that_the_grader_gave(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    monkeypatch.setattr(net, "_OWN_NAMES", {"web": "127.0.0.1"})
    assert ask("dns", name="web") == {"addresses": ["127.0.0.1"]}
    assert ask("http", url=f"http://web:{serve(answering()).port}/")["status"] == 200


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    monkeypatch.setattr(net, "addresses", lambda _: ["127.0.0.9", "127.0.0.1"])
    assert ask("http", url=f"http://web:{serve(answering()).port}/")["status"] == 200


def test_raw_tcp(serve: Serve) -> None:
    def echo(sock: socket.socket) -> None:
        sock.sendall(sock.recv(100).upper())

    answer = ask("tcp", host="127.0.0.1", port=serve(echo).port, send=base64.b64encode(b"hi").decode())
    assert (base64.b64decode(answer["data"]), answer["closed"]) == (b"HI", True)


def test_raw_tcp_ends_at_its_deadline_and_limit(serve: Serve) -> None:
    def talk(sock: socket.socket) -> None:
        sock.sendall(b"banner")
        time.sleep(5)

    port = serve(talk).port
    answer = ask("tcp", host="127.0.0.1", port=port, seconds=0.2)
    assert (base64.b64decode(answer["data"]), answer["closed"]) == (b"banner", False)
    assert base64.b64decode(ask("tcp", host="127.0.0.1", port=port, limit=3)["data"]) == b"ban"


def test_waiting_until_it_is_ready(serve: Serve) -> None:
    statuses = iter(["503 Not yet", "503 Not yet", "200 OK"])

    def slow(sock: socket.socket) -> None:
        answering(status=next(statuses))(sock)

    answer = ask("wait", url=serve(slow).url, interval=0.03)
    assert answer["attempts"] == 3
    assert 0.05 < answer["seconds"] < 1.5
    assert answer["last"] == "status 200"


@pytest.mark.parametrize(
    ("least", "spent", "seconds"),
    [(0.02, 0.0, 0.02), (0.02, 1.0, 0.02), (0.02, 2.5, 0.05), (0.02, 60, 0.1), (2, 60, 2)],
)
def test_the_longer_it_takes_the_longer_is_the_pause(least: float, spent: float, seconds: float) -> None:
    assert net.pause(least, spent) == pytest.approx(seconds)


def test_waiting_in_vain_tells_the_last_thing_seen(serve: Serve) -> None:
    kind, message = failure("wait", url=serve(answering(status="500 No")).url, seconds=0.2)
    assert (kind, "status 500" in message) == ("timeout", True)
    assert "connection refused" in failure("wait", url="tcp://127.0.0.1:1", seconds=0.1)[1]


def test_waiting_for_a_port_and_for_a_range_of_statuses(serve: Serve) -> None:
    server = serve(answering(status="404 None"))
    assert ask("wait", url=f"tcp://127.0.0.1:{server.port}")["last"] == "connected"
    assert ask("wait", url=server.url, status=[200, 499])["last"] == "status 404"


@pytest.mark.parametrize("url", ["ftp://x", "tcp://nohost", "tcp://a:b"])
def test_waiting_for_nonsense_ends_at_once(url: str) -> None:
    assert failure("wait", url=url)[0] == "bad-request"


def test_load_counts_everything(serve: Serve) -> None:
    numbers, lock = itertools.count(), threading.Lock()

    def behave(sock: socket.socket) -> None:
        with lock:
            number = next(numbers)
        if number % 10 == 0:
            sock.recv(100)
            return
        status = "500 No" if number % 10 == 1 else "200 OK"
        answering(status=status, headers=b"X-Upstream: %d\r\n" % (number % 2))(sock)

    server = serve(behave)
    report = ask("load", url=server.url, total=50, concurrency=5, count_headers=["x-upstream"])
    assert report["statuses"] == {"200": 40, "500": 5}
    assert report["errors"] == {"protocol": 5}
    assert report["headers"] == {"x-upstream": {"0": 20, "1": 25}}
    assert report["first_error"]
    assert 0 < report["latencies"]["p50"] <= report["latencies"]["p95"] <= report["latencies"]["max"]
    assert server.accepted == 50


def test_load_sees_a_gap(serve: Serve) -> None:
    started = time.monotonic()

    def behave(sock: socket.socket) -> None:
        spent = time.monotonic() - started
        answering(status="502 Gone" if 0.2 < spent < 0.5 else "200 OK")(sock)

    report = ask("load", url=serve(behave).url, duration=0.8, concurrency=2, interval=0.01)
    assert 0.25 < report["longest_gap"] < 0.6
    assert report["first_error"] == "status 502"


def test_load_on_nothing_is_all_gap() -> None:
    report = ask("load", url="http://127.0.0.1:1/", duration=0.1, interval=0.02)
    assert report["statuses"] == {}
    assert report["errors"]["refused"] >= 4
    assert report["longest_gap"] >= 0.1


def test_load_never_passes_its_deadline(serve: Serve) -> None:
    started = time.monotonic()
    report = ask("load", url=serve(silent).url, total=1000, concurrency=3, seconds=0.2)
    assert time.monotonic() - started < 1.5
    assert report["errors"] == {"timeout": 3}


@pytest.mark.parametrize("arguments", [{}, {"total": 1, "duration": 1}])
def test_load_needs_one_end(arguments: dict[str, int]) -> None:
    assert failure("load", url="http://127.0.0.1/", **arguments)[0] == "bad-request"
