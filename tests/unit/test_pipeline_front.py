"""The target's front: what of HTTP it passes on, and where to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.images.target import exchange, front
from graders.images.target.front import Fronts, Line
from graders.images.target.http1 import Head, MalformedError, answer_head, chunk_size, has_body, request_head, written
from graders.images.target.releases import Kept
from graders.images.target.slots import Run, Slots

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET /",
        b"GET / HTTP/2.0",
        b"get / HTTP/1.1",
        b"GET http://x/ HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET / HTTP/1.1\nX: y",
        b"GET / HTTP/1.1\r\nX : y",
        b"GET / HTTP/1.1\r\n x: y",
        b"GET / HTTP/1.1\r\nX: a\rb",
        b"GET / HTTP/1.1\r\nX: a\nY: b",
        b"GET / HTTP/1.1\r\nX: a\0",
        b"GET / HTTP/1.1" + b"\r\nX: y" * 101,
        b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000,
    ],
)
def test_what_is_no_request_is_not_passed_on(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        request_head(raw)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 99 x", b"HTTP/1.1 200\nX: y", b"GET / HTTP/1.1", b"HTTP/1.1 2000 x"])
def test_what_is_no_answer_is_not_passed_on(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        answer_head(raw)


@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Length", "1"), ("content-length", "2")],
        [("Content-Length", "x")],
        [("Content-Length", "-1")],
        [("Content-Length", "1" * 13)],
        [("Transfer-Encoding", "gzip")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked"), ("Content-Length", "1")],
    ],
)
def test_a_length_that_cannot_be_told_is_no_length(fields: list[tuple[str, str]]) -> None:
    head = Head(("GET", "/"), 1, tuple(fields))
    with pytest.raises(MalformedError):
        _ = head.chunked or head.length


def test_what_is_for_one_connection_stays_there() -> None:
    head = answer_head(
        b"HTTP/1.0 200 OK\r\nConnection: close, X-Own\r\nX-Own: 1\r\nX-Version: forged\r\nX-SLOT: x\r\n"
        b"Keep-Alive: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2"
    )
    assert head.passed() == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert head.closes
    assert not Head(("GET", "/"), 1, ()).closes
    assert Head(("GET", "/"), 0, ()).closes
    assert not Head(("GET", "/"), 0, (("Connection", "Keep-Alive"),)).closes


def test_a_message_is_written_with_its_length() -> None:
    assert written("HTTP/1.1 200 OK", [("A", "b")], b"x") == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nx"
    assert written("GET / HTTP/1.1", [], None) == b"GET / HTTP/1.1\r\n\r\n"
    assert [has_body("GET", 200), has_body("HEAD", 200), has_body("GET", 204), has_body("GET", 100)] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("line", [b"", b"x", b"-1", b"0x1", b"1" * 9, b" "])
def test_a_chunk_has_a_size(line: bytes) -> None:
    with pytest.raises(MalformedError):
        chunk_size(line)
    assert chunk_size(b"fF;a=b\r\n") == 255


@given(st.binary(max_size=200))
def test_no_bytes_cause_anything_but_an_answer(raw: bytes) -> None:
    for read in (request_head, answer_head):
        for prefix in (b"", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"):
            try:
                head = read(prefix + raw)
            except MalformedError:
                continue
            assert not any(set(f"{name}{value}") & {"\r", "\n", "\0"} for name, value in head.passed())


class Release:
    """Answers every connection with the next of its answers; `None` closes it without one."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.seen: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Listen no more. Closing alone leaves a thread that waits on a number which the next socket gets."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.server.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer:
            said = b""
            while b"\r\n\r\n" not in said:
                more = peer.recv(65_536)
                if not more:
                    return
                said += more
            self.seen.append(said)
            answer = self.answers.pop(0) if self.answers else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            self.gate.wait(5)
            if answer is not None:
                peer.sendall(answer)


class Pair:
    def alive(self) -> bool:
        return True

    def facts(self) -> dict[str, Any]:
        return {}

    def end(self) -> None:
        """Nothing to end."""


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Fronts, int]]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    fronts = Fronts(port, 1)
    fronts.start()
    yield fronts, port
    fronts.stop()


@pytest.fixture
def line(place: tuple[Fronts, int], release: Release) -> Line:
    slots = Slots()
    slots.runs["blue"] = Run(Kept("r1", "5" * 64, "0" * 40, 1, ()), "blue", release.port, Pair())
    slots.switch("blue")
    return place[0].open(place[1], slots)


@pytest.fixture
def release() -> Iterator[Release]:
    made = Release()
    yield made
    made.close()


def ask(place: tuple[Fronts, int], *sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", place[1]), 5) as peer:
        for part in sent:
            peer.sendall(part)
        peer.shutdown(socket.SHUT_WR)
        said = b""
        while more := peer.recv(65_536):
            said += more
    return said


def test_the_live_release_answers_and_the_front_says_which(
    place: tuple[Fronts, int], line: Line, release: Release
) -> None:
    release.answers.append(b"HTTP/1.1 201 Made\r\nX-Version: forged\r\nA: b\r\nContent-Length: 2\r\n\r\nok")
    said = ask(place, b"POST /x HTTP/1.1\r\nHost: f\r\nX-Slot: x\r\nContent-Length: 3\r\n\r\nabc")
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 201 Made",
        b"A: b",
        b"X-Release: r1",
        b"X-Version: " + b"0" * 40,
        b"X-Slot: blue",
        b"Content-Length: 2",
    ]
    assert body == b"ok"
    assert release.seen == [b"POST /x HTTP/1.1\r\nHost: f\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"]
    assert line.counts.facts() == {"requests": 1, "unanswered": 0, "by_release": {"r1": {"201": 1}}}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n", b"abc"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 204 None\r\n\r\n", b""),
    ],
)
def test_answers_of_every_length_are_passed_on(
    place: tuple[Fronts, int], line: Line, release: Release, answer: bytes, body: bytes
) -> None:
    release.answers.append(answer)
    said = ask(place, GET)
    assert said.startswith(b"HTTP/1.1 20")
    assert said.partition(b"\r\n\r\n")[2] == body
    assert line.counts.unanswered == 0


def test_a_connection_is_kept_and_head_has_no_body(place: tuple[Fronts, int], line: Line, release: Release) -> None:
    release.answers += [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", None]
    said = ask(place, b"HEAD / HTTP/1.1\r\n\r\n", b"HEAD / HTTP/1.1\r\n\r\n", GET, b"GET / HTTP/1.0\r\n\r\n", GET)
    statuses = [part[:12] for part in said.split(b"\r\n") if part.startswith((b"HTTP/1.1", b"okHTTP/1.1"))]
    assert statuses == [b"HTTP/1.1 200", b"HTTP/1.1 502", b"HTTP/1.1 200", b"okHTTP/1.1 2"]
    assert line.counts.unanswered == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 40_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 C\r\n\r\n" * 5,
    ],
)
def test_a_release_that_does_not_answer_is_a_502(
    place: tuple[Fronts, int], line: Line, release: Release, answer: bytes | None
) -> None:
    release.answers.append(answer)
    said = ask(place, GET)
    assert said.startswith(b"HTTP/1.1 502")
    assert b"X-Version" not in said
    assert line.counts.unanswered == 1


def test_a_release_that_listens_no_more_or_is_slow_is_a_502(
    place: tuple[Fronts, int], line: Line, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "SECONDS", 0.05)
    release.gate.clear()
    assert b"not within" in ask(place, GET)
    release.gate.set()
    run = line.slots.of("blue")
    run.port = 1
    assert b"r1 in blue does not answer (no connection)" in ask(place, GET)
    assert run.busy == 0
    line.slots.runs["blue"] = None
    assert b"nothing runs in the live slot" in ask(place, GET)


def test_requests_under_way_end_where_they_began(place: tuple[Fronts, int], line: Line, release: Release) -> None:
    other = Release()
    release.gate.clear()
    line.slots.runs["green"] = Run(Kept("r2", "6" * 64, "1" * 40, 1, ()), "green", other.port, Pair())
    said: list[bytes] = []
    asking = threading.Thread(target=lambda: said.append(ask(place, GET)))
    asking.start()
    old = line.slots.of("blue")
    while not release.seen:
        pass
    line.slots.switch("green")
    assert b"X-Release: r2" in ask(place, GET)
    assert not old.drain(0)
    release.gate.set()
    asking.join(5)
    assert b"X-Release: r1" in said[0]
    assert old.drain(1)
    other.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc" + GET, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n" + GET, 413),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 400),
    ],
)
def test_a_client_that_cannot_be_understood_is_told_and_let_go(
    place: tuple[Fronts, int], line: Line, release: Release, sent: bytes, status: int
) -> None:
    said = ask(place, sent)
    assert said.startswith(f"HTTP/1.1 {status}".encode())
    assert said.count(b"HTTP/1.1 ") == 1
    assert release.seen == []
    assert line.counts.requests == 0


def test_a_chunked_request_is_passed_on_whole(place: tuple[Fronts, int], line: Line, release: Release) -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    said = ask(place, chunked)
    assert said.startswith(exchange.CONTINUE)
    assert release.seen[0].endswith(b"Content-Length: 2\r\n\r\nab")
    assert line.counts.requests == 1


def test_a_front_that_is_closed_leads_nowhere(place: tuple[Fronts, int], line: Line) -> None:
    place[0].close(place[1])
    assert b"nobody's" in ask(place, GET)
    assert line.counts.requests == 0


def test_a_release_is_asked_past_the_front(place: tuple[Fronts, int], release: Release) -> None:
    release.answers.append(b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\ndown")
    message = place[0].ask(release.port, "/health")
    assert (message.head.status, message.body) == (503, b"down")
    assert release.seen[0].startswith(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:")


def test_there_are_so_many_connections_and_no_more(
    place: tuple[Fronts, int], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "CONNECTIONS", 0)
    with socket.create_connection(("127.0.0.1", place[1]), 5) as peer:
        assert peer.recv(10) == b""
    assert line.counts.requests == 0
