"""The grader's end of the session."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.runtimes.inspector import client
from mde_grader.runtimes.inspector.client import AttachedSession, FrameReader, LineReader
from mde_grader.runtimes.inspector.session import SessionError


def frame(payload: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(payload)) + payload


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.binary(max_size=40)), max_size=10), st.integers(1, 30))
def test_frames_come_back_however_they_are_cut(frames: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(frame(payload, stream) for stream, payload in frames)
    reader = FrameReader()
    seen = {0: b"", 1: b"", 2: b""}
    for place in range(0, len(data), step):
        for stream, piece in reader.feed(data[place : place + step]):
            seen[stream] += piece
    assert seen == {wanted: b"".join(part for stream, part in frames if stream == wanted) for wanted in seen}


@given(st.binary(min_size=8, max_size=60))
def test_other_bytes_are_refused_or_are_frames(data: bytes) -> None:
    try:
        pieces = list(FrameReader().feed(data))
    except SessionError as error:
        assert error.kind == "protocol"  # noqa: PT017
    else:
        assert data[0] <= 2
        assert sum(len(piece) for _, piece in pieces) <= len(data) - 8


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=10), st.integers(1, 9))
def test_lines_come_back_however_they_are_cut(lines: list[bytes], step: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    reader = LineReader(cap=30)
    assert [line for at in range(0, len(data), step) for line in reader.feed(data[at : at + step])] == lines


def test_a_line_without_an_end_is_refused() -> None:
    reader = LineReader(cap=10)
    list(reader.feed(b"12345\n1234567890"))
    with pytest.raises(SessionError, match="longer than 10"):
        list(reader.feed(b"1"))


Answerer = Callable[[dict[str, Any]], bytes]


class Peer:
    """The engine's side of the stream; answers each request as `answer` says."""

    def __init__(self, answer: Answerer) -> None:
        ours, self.sock = socket.socketpair()
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()
        self.session = AttachedSession(ours)

    def _serve(self) -> None:
        with self.sock.makefile("rb") as lines:
            for line in lines:
                try:
                    self.sock.sendall(self._answer(json.loads(line)))
                except OSError:
                    return


@pytest.fixture
def peers() -> Iterator[Callable[[Answerer], Peer]]:
    made: list[Peer] = []

    def make(answer: Answerer) -> Peer:
        made.append(Peer(answer))
        return made[-1]

    yield make
    for peer in made:
        peer.session.close()
        peer.sock.close()


def ok(request: dict[str, Any], **value: Any) -> bytes:
    return frame(json.dumps({"id": request["id"], "ok": value}).encode() + b"\n")


def test_an_answer_comes_back_and_arguments_go_out(peers: Callable[[Answerer], Peer]) -> None:
    session = peers(lambda request: ok(request, seen=request)).session
    seen = session.call("stat", seconds=3, path="/x")["seen"]
    assert (seen["op"], seen["path"], seen["seconds"]) == ("stat", "/x", 3)


def test_an_error_keeps_its_kind(peers: Callable[[Answerer], Peer]) -> None:
    session = peers(
        lambda request: frame(
            json.dumps({"id": request["id"], "error": {"kind": "denied", "message": "no"}}).encode() + b"\n"
        )
    ).session
    with pytest.raises(SessionError, match="no") as caught:
        session.call("read")
    assert caught.value.kind == "denied"


def test_answers_may_come_in_any_order(peers: Callable[[Answerer], Peer]) -> None:
    held: list[bytes] = []

    def answer(request: dict[str, Any]) -> bytes:
        held.append(ok(request, op=request["op"]))
        return b"".join(reversed(held)) if len(held) == 3 else b""

    session = peers(answer).session
    futures = [session.submit(op) for op in ("a", "b", "c")]
    assert [future.result(5)["op"] for future in futures] == ["a", "b", "c"]


def test_many_threads_may_ask_at_once(peers: Callable[[Answerer], Peer]) -> None:
    session = peers(lambda request: ok(request, n=request["n"])).session
    right: list[bool] = []

    def ask(start: int) -> None:
        right.extend(session.call("x", n=n)["n"] == n for n in range(start, start + 50))

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert right == [True] * 400


def test_no_answer_in_time_is_gone(peers: Callable[[Answerer], Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GRACE_SECONDS", 0.05)
    session = peers(lambda _: b"").session
    with pytest.raises(SessionError, match="did not answer `read` within") as caught:
        session.call("read", seconds=0.05)
    assert caught.value.kind == "gone"


def test_a_late_answer_is_dropped(peers: Callable[[Answerer], Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GRACE_SECONDS", 0.0)

    def answer(request: dict[str, Any]) -> bytes:
        time.sleep(0.1 if request["op"] == "slow" else 0)
        return ok(request, op=request["op"])

    session = peers(answer).session
    with pytest.raises(SessionError):
        session.call("slow", seconds=0.01)
    assert session.call("quick", seconds=5) == {"op": "quick"}


def test_the_end_fails_what_is_pending_and_what_comes_after(peers: Callable[[Answerer], Peer]) -> None:
    peer = peers(lambda _: b"")
    pending = peer.session.submit("read")
    peer.sock.sendall(frame(b"Traceback\nMemoryError\n", stream=2))
    peer.sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(SessionError, match="side container ended: MemoryError") as caught:
        pending.result(5)
    assert caught.value.kind == "gone"
    assert not peer.session.alive
    with pytest.raises(SessionError, match="gone"):
        peer.session.call("hello")


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 500 no\r\n\r\n", frame(b"not json\n"), frame(b"[1]\n"), frame(b'{"ok": 1}\n'), frame(b"9\n")]
)
def test_nonsense_ends_the_session(peers: Callable[[Answerer], Peer], data: bytes) -> None:
    session = peers(lambda _: data).session
    with pytest.raises(SessionError, match="makes no sense") as caught:
        session.call("hello", seconds=5)
    assert caught.value.kind == "gone"


def test_standard_error_is_capped(peers: Callable[[Answerer], Peer]) -> None:
    session = peers(lambda request: frame(b"e" * 100_000, stream=2) + ok(request)).session
    session.call("hello")
    assert len(session.diagnostics) == client.MAX_DIAGNOSTICS


def test_close_is_safe_twice_and_is_seen_by_the_peer(peers: Callable[[Answerer], Peer]) -> None:
    peer = peers(lambda _: b"")
    peer.session.close()
    peer.session.close()
    with pytest.raises(SessionError, match="was closed"):
        peer.session.call("hello")


def test_the_sdk_wrapper_is_taken_apart(peers: Callable[[Answerer], Peer]) -> None:
    ours, theirs = socket.socketpair()
    session = AttachedSession(socket.SocketIO(ours, "rwb"))
    future = session.submit("hello")
    theirs.recv(100)
    theirs.sendall(frame(b'{"id": 1, "ok": {"version": 1}}\n'))
    assert future.result(5) == {"version": 1}
    session.close()
    theirs.close()
