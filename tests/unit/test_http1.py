"""The agent's HTTP parser against servers that mean no good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.runtimes.inspector.agent import http1
from mde_grader.runtimes.inspector.agent.limits import OpError


def parse(data: bytes, *, method: str = "GET", limit: int = 1000, step: int = 65536) -> http1.Answer:
    rest = [data[place : place + step] for place in range(0, len(data), step)]
    return http1.read_answer(http1.Reader(lambda _: rest.pop(0) if rest else b""), method, limit)


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi-and-more", b"hi"),
        (b"HTTP/1.0 200 OK\n\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n", b"hi!"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_a_right_answer_is_read(data: bytes, body: bytes, step: int) -> None:
    assert parse(data, step=step).body == body


def test_status_headers_and_reason_are_kept() -> None:
    answer = parse(b"HTTP/1.1 503 Not yet\r\nX-A:  1 \r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")
    assert (answer.status, answer.reason) == (503, "Not yet")
    assert answer.headers[:2] == [("X-A", "1"), ("x-a", "2")]


def test_head_has_no_body() -> None:
    assert parse(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", method="HEAD").body == b""


@pytest.mark.parametrize("length", [9, 10, 11])
@pytest.mark.parametrize("form", ["length", "chunked", "closed"])
def test_a_body_is_cut_at_the_limit(form: str, length: int) -> None:
    body = b"x" * length
    heads = {
        "length": b"Content-Length: %d\r\n\r\n%s" % (length, body),
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (length, body),
        "closed": b"\r\n" + body,
    }
    answer = parse(b"HTTP/1.1 200 OK\r\n" + heads[form], limit=10)
    assert answer.body == body[:10]
    assert answer.truncated == (length > 10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "closed unanswered"),
        (b"HTTP/1.1 200 OK\r\n", "closed in the middle"),
        (b"SSH-2.0-OpenSSH\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "not an HTTP status"),
        (b"HTTP/2 200\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not a header"),
        (b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", "not a header"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "after 2 of 5 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "not a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", "longer than it says"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n", "longer than"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "interim"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n", "headers"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 40_000 + b"\r\n\r\n", "longer than"),
        (b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 16_000 + b"\r\n") * 20 + b"\r\n", "headers"),
        (b"x" * 100_000, "longer than"),
    ],
)
def test_what_is_not_http_is_a_protocol_error(data: bytes, words: str) -> None:
    with pytest.raises(OpError, match=words) as caught:
        parse(data)
    assert caught.value.kind == "protocol"


def test_a_huge_chunk_is_not_waited_for() -> None:
    answer = parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n" + b"x" * 2000, limit=10)
    assert (answer.body, answer.truncated) == (b"x" * 10, True)


@given(st.binary(max_size=400), st.sampled_from([1, 3, 400]))
def test_any_bytes_are_an_answer_or_a_protocol_error(data: bytes, step: int) -> None:
    for head in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            answer = parse(head + data, limit=50, step=step)
        except OpError as error:
            assert error.kind == "protocol"  # noqa: PT017
        else:
            assert len(answer.body) <= 50
            assert 100 <= answer.status <= 999


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 20))
def test_chunks_say_the_same_as_a_length(parts: list[bytes], step: int) -> None:
    whole = b"".join(parts)
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    first = parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, step=step)
    second = parse(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole, step=step)
    assert first.body == second.body == whole


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://web", http1.Url("web", 80, "/")),
        ("http://web:8080/a?b=c#d", http1.Url("web", 8080, "/a?b=c")),
        ("http://web?x=1", http1.Url("web", 80, "/?x=1")),
        ("HTTP://10.0.0.1:1/ä b\r\n", http1.Url("10.0.0.1", 1, "/%C3%A4%20b%0D%0A")),
    ],
)
def test_an_address_is_split(url: str, wanted: http1.Url) -> None:
    assert http1.parse_url(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "https://x/",
        "web:80",
        "http:///x",
        "http://a:0/",
        "http://a:99999/",
        "http://a:b/",
        "http://u@h/",
        "http://[::1]/",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(OpError, match="not a") as caught:
        http1.parse_url(url)
    assert caught.value.kind == "bad-request"


def test_a_request_has_what_it_needs_and_can_be_overridden() -> None:
    url = http1.parse_url("http://web:81/x")
    data = http1.build_request("POST", url, {"HOST": "front", "X-A": "é"}, b"hi")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /x HTTP/1.1"
    assert {b"HOST: front", b"Content-Length: 2", b"Connection: close", "X-A: é".encode()} <= set(lines)
    assert not any(line.startswith(b"Host:") for line in lines)
    assert body == b"hi"


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET /x", {}), ("", {}), ("GET", {"A\r\nB": "c"}), ("GET", {"A": "b\r\nC: d"}), ("GET", {"": "x"})],
)
def test_a_request_cannot_be_broken_out_of(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(OpError, match="not a"):
        http1.build_request(method, http1.parse_url("http://web/"), headers, None)
