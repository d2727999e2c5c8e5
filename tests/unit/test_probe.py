"""The probe's words and values, over the real agent code and a server that a test writes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.checking.probe import Headers, Probe, ProbeFailedError, Response
from mde_grader.runtimes.inspector.session import SessionError
from tests.unit.fake_proc import DirectSession
from tests.unit.hostile_server import Behaviour, Server, answering, http_bytes, saying, serve

__all__ = ["serve"]
Serve = Callable[[Behaviour], Server]
PROBE = Probe(DirectSession())


def echo(sock: socket.socket) -> None:
    head, _, body = sock.recv(65536).partition(b"\r\n\r\n")
    sock.sendall(http_bytes(json.dumps({"head": head.decode(), "body": body.decode()}).encode()))


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_methods(serve: Serve, method: str) -> None:
    answer = getattr(PROBE, method)(serve(echo).url)
    assert answer.status == 200
    assert answer.json()["head"].startswith(f"{method.upper()} / HTTP/1.1")


@pytest.mark.parametrize(
    ("options", "kind", "body"),
    [
        ({"json": {"a": 1}}, "application/json", '{"a": 1}'),
        ({"json": []}, "application/json", "[]"),
        ({"data": {"a": "b c"}}, "application/x-www-form-urlencoded", "a=b+c"),
        ({"data": b"raw"}, None, "raw"),
        ({"data": "text"}, None, "text"),
        ({"json": 1, "headers": {"Content-Type": "x/y"}}, "x/y", "1"),
    ],
)
def test_bodies(serve: Serve, options: dict[str, Any], kind: str | None, body: str) -> None:
    seen = PROBE.post(serve(echo).url, **options).json()
    assert seen["body"] == body
    assert (f"Content-Type: {kind}" in seen["head"]) == (kind is not None)


def test_headers_in_any_case_and_repeated() -> None:
    headers = Headers([("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")])
    assert headers["SET-COOKIE"] == "a, b"
    assert headers.all("Set-cookie") == ["a", "b"]
    assert "x" in headers
    assert cast("str", 5) not in headers
    assert headers.get("nope") is None
    assert dict(headers) == {"set-cookie": "a, b", "x": "1"}
    assert len(headers) == 2


def response(body: bytes, *, truncated: bool = False) -> Response:
    return Response(url="http://web/", status=200, headers=Headers([]), body=body, truncated=truncated)


def test_text_that_is_not_utf8() -> None:
    assert response(b"caf\xe9").text == "caf\ufffd"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"[Infinity]", b"\xff", b"[" * 100_000, b"9" * 100_000, b"[" * 70 + b"]" * 70]
)
def test_what_is_no_json_fails_the_check(body: bytes) -> None:
    with pytest.raises(ProbeFailedError, match="JSON"):
        response(body).json()


def test_json_that_was_cut_fails_the_check() -> None:
    with pytest.raises(ProbeFailedError, match="more than 2 bytes"):
        response(b"12", truncated=True).json()


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_comes_back(value: object) -> None:
    assert response(json.dumps(value).encode()).json() == value


@given(st.binary(max_size=50))
def test_any_body_is_json_or_a_failed_check(body: bytes) -> None:
    try:
        response(body).json()
    except ProbeFailedError as error:
        assert "JSON" in error.evidence.expected  # noqa: PT017


def test_nobody_listens_is_the_candidates() -> None:
    with pytest.raises(ProbeFailedError) as caught:
        PROBE.get("http://127.0.0.1:1/x")
    assert isinstance(caught.value, AssertionError)
    assert caught.value.evidence.seen == "nothing answers at http://127.0.0.1:1/x (connection refused)"
    assert caught.value.evidence.look == "curl -v http://127.0.0.1:1/x"


def test_an_unknown_service_is_the_candidates() -> None:
    with pytest.raises(ProbeFailedError, match="does not run, or is not on the network"):
        PROBE.get("http://no-such.invalid:8080/")


def test_no_http_is_the_candidates(serve: Serve) -> None:
    with pytest.raises(ProbeFailedError, match="does not speak the protocol"):
        PROBE.get(serve(saying(b"220 hi\r\n")).url)


def test_too_late_is_the_candidates(serve: Serve) -> None:
    with pytest.raises(ProbeFailedError, match=r"within 0\.05 s"):
        PROBE.get(serve(lambda _: time.sleep(2)).url, seconds=0.05)


def test_a_wrong_address_is_the_checks() -> None:
    with pytest.raises(ValueError, match="not an http:// address"):
        PROBE.get("web:8080")


class BrokenSession(DirectSession):
    def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:
        raise SessionError("gone", "the side container ended")


def test_our_own_end_is_ours() -> None:
    probe = Probe(BrokenSession())
    for ask in (
        lambda: probe.get("http://web/"),
        lambda: probe.resolve("web"),
        lambda: probe.load("http://web/", total=1),
    ):
        with pytest.raises(SessionError, match="gone"):
            ask()


def test_a_status_is_never_an_error(serve: Serve) -> None:
    answer = PROBE.get(serve(answering(b"oops", "500 No")).url)
    assert (answer.status, answer.text, answer.reason) == (500, "oops", "No")


def test_a_limit_is_told(serve: Serve) -> None:
    answer = PROBE.get(serve(answering(b"12345")).url, limit=3)
    assert (answer.body, answer.truncated) == (b"123", True)


def redirecting(location: str, status: str = "302 Found") -> Behaviour:
    def behave(sock: socket.socket) -> None:
        request = sock.recv(65536)
        if b" /end" in request:
            sock.sendall(http_bytes(request.split(b" ")[0]))
        else:
            sock.sendall(f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    return behave


def test_no_redirect_is_followed_unasked(serve: Serve) -> None:
    answer = PROBE.get(serve(redirecting("/end")).url)
    assert (answer.status, answer.headers["location"]) == (302, "/end")


@pytest.mark.parametrize(
    ("method", "status", "arrives"), [("GET", "302 F", "GET"), ("POST", "303 S", "GET"), ("PUT", "307 T", "PUT")]
)
def test_a_redirect_is_followed_when_asked(serve: Serve, method: str, status: str, arrives: str) -> None:
    answer = PROBE.request(method, serve(redirecting("/end", status)).url, follow=True, data=b"x")
    assert (answer.status, answer.text) == (200, arrives)
    assert answer.url.endswith("/end")


def test_a_redirect_loop_ends(serve: Serve) -> None:
    server = serve(redirecting("/"))
    with pytest.raises(ProbeFailedError, match="more than 5 redirects"):
        PROBE.get(server.url, follow=True)
    assert server.accepted == 6


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/", "https://127.0.0.1/", "//other/", "http://[bad", "file:///etc/passwd"]
)
def test_a_redirect_elsewhere_is_not_followed(serve: Serve, location: str) -> None:
    with pytest.raises(ProbeFailedError, match="same service"):
        PROBE.get(serve(redirecting(location)).url, follow=True)


def test_a_pending_request(serve: Serve) -> None:
    future: Future[dict[str, Any]] = Future()

    class Held(DirectSession):
        def submit(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> Future[dict[str, Any]]:
            return future

    pending = Probe(Held()).start("GET", "http://web/")
    assert not pending.done()
    with pytest.raises(ProbeFailedError, match=r"no answer within 0\.01 s"):
        pending.result(0.01)
    future.set_result(DirectSession().call("http", url=serve(answering()).url))
    assert pending.done()
    assert pending.result().status == 200


def test_load(serve: Serve) -> None:
    server = serve(answering(headers=b"X-Upstream: a\r\n"))
    report = PROBE.load(server.url, total=20, concurrency=2, count_headers=["X-Upstream"])
    assert (report.statuses, report.errors, report.total, report.good) == ({200: 20}, {}, 20, 20)
    assert report.headers == {"x-upstream": {"a": 20}}
    assert 0 <= report.longest_gap < 2


def test_load_tells_what_failed() -> None:
    report = PROBE.load("http://127.0.0.1:1/", duration=0.1, interval=0.01, json={"a": 1})
    assert report.good == 0
    assert report.total == report.errors["refused"] > 0
    assert report.first_error == "connection refused"


def test_raw_tcp_and_names(serve: Serve) -> None:
    answer = PROBE.tcp("127.0.0.1", serve(lambda sock: sock.sendall(sock.recv(9)[::-1])).port, b"abc")
    assert (answer.data, answer.closed) == (b"cba", True)
    assert PROBE.resolve("127.0.0.1") == ["127.0.0.1"]
    with pytest.raises(ProbeFailedError, match=r"nothing answers at tcp://127\.0\.0\.1:1"):
        PROBE.tcp("127.0.0.1", 1)


def test_waiting(serve: Serve) -> None:
    assert PROBE.wait(serve(answering()).url) < 2
    with pytest.raises(ProbeFailedError, match="status 503"):
        PROBE.wait(serve(answering(status="503 No")).url, seconds=0.2)
