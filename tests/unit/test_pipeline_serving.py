"""What the pipeline labs' services have in common."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from graders.images.serving import journal, web
from graders.images.serving.bodies import DISCARDED, Body
from graders.images.serving.journal import Journal
from graders.images.serving.web import Answer, BrokenOff, Request, value
from graders.images.serving.words import Refused, named, plain, shown
from graders.pipelines.services import Service
from mde_grader.checking.api import CheckFailedError
from tests.unit.pipeline_sites import PROBE, TOKEN, served


def body(data: bytes, **headers: str) -> Body:
    return Body(io.BytesIO(data), {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    ("data", "headers", "read"),
    [
        (b"abcdef", {"content_length": "3"}, b"abc"),
        (b"abc", {}, b""),
        (b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n", {"transfer_encoding": "Chunked"}, b"abcde"),
        (b"0\r\n\r\n", {"transfer_encoding": "chunked"}, b""),
    ],
)
def test_a_body_is_read_however_it_is_sent(data: bytes, headers: dict[str, str], read: bytes) -> None:
    assert body(data, **headers).read(100) == read
    assert body(data, **headers).discard()


@pytest.mark.parametrize(
    ("data", "headers", "why"),
    [
        (b"abc", {"content_length": "4"}, "ended before"),
        (b"abc", {"content_length": "-1"}, "no number"),
        (b"abc", {"content_length": "²"}, "no number"),
        (b"abc", {"content_length": "3", "transfer_encoding": "chunked"}, "one of the two"),
        (b"abc", {"transfer_encoding": "gzip, chunked"}, "one of the two"),
        (b"x\r\nabc\r\n", {"transfer_encoding": "chunked"}, "no size"),
        (b"-1\r\nabc\r\n", {"transfer_encoding": "chunked"}, "no size"),
        (b"", {"transfer_encoding": "chunked"}, "no size"),
        (b"5\r\nabc", {"transfer_encoding": "chunked"}, "ended before"),
        (b"a" * 101, {"content_length": "101"}, "larger than 100"),
        (b"ff\r\n" + b"a" * 255 + b"\r\n0\r\n\r\n", {"transfer_encoding": "chunked"}, "larger than 100"),
    ],
)
def test_a_body_that_cannot_be_read_is_told(data: bytes, headers: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        body(data, **headers).read(100)


def test_what_is_left_is_thrown_away_up_to_a_cap() -> None:
    assert not body(b"abc", content_length="4").discard()
    endless = Body(Endless(), {"content-length": str(DISCARDED + 1)})  # type: ignore[arg-type]
    assert not endless.discard()


class Endless:
    def read(self, size: int) -> bytes:
        return bytes(size)


@pytest.mark.parametrize("text", ["", "[]", "{", "1", "[" * 100_000])
def test_a_body_that_is_no_object_is_told(text: str) -> None:
    if text:
        with pytest.raises(Refused, match="no JSON"):
            body(text.encode(), content_length=str(len(text))).json()
    else:
        assert body(b"").json() == {}


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "..", "a b", "ü", "x" * 129, "a\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(Refused, match="no name of a file"):
        named(name, "file")
    assert named("ferry-1.2_x", "file") == "ferry-1.2_x"


def test_what_others_say_is_shown_on_one_line() -> None:
    assert plain(b"a\x1b[31m\r\nb\xff\n\n c ", 100) == "a [31m | b\ufffd | c"
    assert plain(b"0123456789", 4) == "6789"
    assert shown("x" * 100, 3) == "'xxx...'"


def test_a_journal_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE", 2)
    kept = Journal(kept=3)
    for word in "abcde":
        kept.add({"word": word})
    first = kept.page()
    assert [entry["word"] for entry in first["entries"]] == ["a", "b"]
    assert (first["more"], first["dropped"]) == (True, 2)
    assert [entry["n"] for entry in kept.page(1)["entries"]] == [2]
    assert kept.page(9)["entries"] == []


def public(request: Request) -> Answer:
    match request.parts:
        case ("broken",):
            raise BrokenOff
        case ("wrong",):
            raise LookupError
        case ("big",):
            request.body.read(10)
    asked = {"method": request.method, "parts": request.parts, "query": dict(request.query), "after": request.after}
    return value({**asked, "bearer": request.bearer, "body": request.body.read(1000).decode()})


def admin(request: Request) -> Answer:
    if request.parts[1:] == ("log",):
        after = request.after
        rows = [{"n": after + 1}] if after < 2 else []
        return value({"entries": rows, "more": after < 1, "dropped": int(request.query.get("dropped", "0"))})
    if request.parts[1:] == ("full",):
        raise Refused("it is full; empty it", 507)
    if request.method == "DELETE":
        return Answer(204)
    return value(request.body.json(), 201)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(admin, public) as address:
        yield address


def test_a_request_is_taken_apart(address: str) -> None:
    url = f"{address}/a%2Fb/c?after=7&x=1&x=2"
    found = PROBE.put(url, data=b"hello", headers={"Authorization": "bearer  t "}).json()
    assert found == {
        "method": "PUT",
        "parts": ["a/b", "c"],
        "query": {"after": "7", "x": "2"},
        "after": 7,
        "bearer": "t",
        "body": "hello",
    }
    assert PROBE.get(f"{address}/?after=x").json()["after"] == -1


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
def test_the_admins_door_opens_to_the_token_alone(address: str, headers: dict[str, str]) -> None:
    answer = PROBE.post(f"{address}/admin/x", json={}, headers=headers)
    assert answer.status == 403
    assert "grader's" in answer.json()["error"]


def test_without_a_token_nobody_is_the_grader() -> None:
    doors = web.Doors("", admin, public)
    with pytest.raises(Refused):
        doors(Request("GET", ("admin", "log"), {}, {"authorization": "Bearer "}, body(b"")))
    unready = web.Doors("x", admin, public, lambda: False)
    assert unready(Request("GET", ("ready",), {}, {}, body(b""))).status == 503


def test_the_client_asks_and_reads(address: str) -> None:
    service = Service(PROBE, TOKEN, address)
    assert service.ask("POST", "things", {"a": 1}) == {"a": 1}
    assert service.ask("DELETE", "things") is None
    assert [row["n"] for row in service.pages("log")] == [0, 1, 2]
    with pytest.raises(ValueError, match="403"):
        Service(PROBE, "wrong", address).ask("GET", "things")


def test_a_service_that_pipelines_have_filled_is_no_fault_of_ours(address: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        Service(PROBE, TOKEN, address).ask("POST", "full")
    assert "it is full; empty it" in caught.value.evidence.seen


def test_a_log_that_overflowed_is_the_pipelines_doing(address: str) -> None:
    service = Service(PROBE, TOKEN, address)
    with pytest.raises(CheckFailedError):
        list(service.pages("log?dropped=1&x="))


def raw(address: str, *sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), 5) as peer:
        for part in sent:
            peer.sendall(part)
        said = b""
        while more := peer.recv(65_536):
            said += more
    return said


def test_a_body_that_nobody_reads_does_not_become_a_request(address: str) -> None:
    inner = b"GET /inner HTTP/1.1\r\n\r\n"
    head = b"POST /admin/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(inner)
    said = raw(address, head + inner + b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 ") == 2
    assert b"inner" not in said
    assert b'"last"' in said


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST /big HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_cannot_be_told_apart_ends_the_connection(address: str, sent: bytes) -> None:
    said = raw(address, sent)
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in said


def test_a_connection_can_be_broken_off(address: str) -> None:
    with pytest.raises(ConnectionResetError):
        raw(address, b"GET /broken HTTP/1.1\r\n\r\n")


def test_a_mistake_of_ours_is_told_and_shown_in_the_log_alone(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    answer = PROBE.get(f"{address}/wrong")
    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "LookupError" in capfd.readouterr().err


def test_head_has_no_body(address: str) -> None:
    said = raw(address, b"HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert said.endswith(b"\r\n\r\n")


def test_one_peer_has_so_many_connections_and_no_more(address: str) -> None:
    port = urlsplit(address).port or 0
    peers = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(web.PEER + 4)]
    for peer in peers:
        peer.settimeout(5)
        with contextlib.suppress(OSError):
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
    answered = [_told(peer) for peer in peers]
    for peer in peers:
        peer.close()
    assert answered[: web.PEER - 4] == [True] * (web.PEER - 4)
    assert answered[-1] is False


def _told(peer: socket.socket) -> bool:
    try:
        return bool(peer.recv(10))
    except OSError:
        return False


def test_answers_are_json_values() -> None:
    answer: Any = value({"a": [1]}, 201)
    assert json.loads(answer.body) == {"a": [1]}
