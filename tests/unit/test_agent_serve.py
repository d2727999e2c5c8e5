"""The agent's loop and its programs inside this process, with a plain subprocess in place of the spawner."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from mde_grader.runtimes.inspector import client
from mde_grader.runtimes.inspector.agent import runner, serve, spawner
from mde_grader.runtimes.inspector.agent.limits import Deadline, OpError, byte_cap


class Loop:
    """An agent on a pair of pipes."""

    def __init__(self, seconds: float = 30) -> None:
        source, self.send = os.pipe()
        receive, sink = os.pipe()
        self.answers = os.fdopen(receive, "rb")
        self._ends = (source, sink)
        self.agent = serve.Agent(source, sink, seconds)
        self.thread = threading.Thread(target=self.agent.run, daemon=True)
        self.thread.start()

    def say(self, data: bytes) -> None:
        os.write(self.send, data)

    def ask(self, **request: Any) -> dict[str, Any]:
        self.say(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer

    def end(self) -> None:
        os.close(self.send)
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.end()


def test_an_operation_that_hangs_is_answered_for_and_the_next_one_served(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert serve.OVERDUE_SECONDS + serve._LOOK_SECONDS < 0.7 * client.GRACE_SECONDS, "or the client gives the agent up"
    monkeypatch.setattr(serve, "OVERDUE_SECONDS", 0.05)
    held = threading.Event()
    monkeypatch.setattr(serve, "operation", lambda _: lambda _request: {"held": held.wait(10)})
    began = time.monotonic()
    answer = loop.ask(id=1, op="stat", seconds=0.05)
    assert answer == {"id": 1, "error": {"kind": "timeout", "message": "not done within 0.05 s"}}
    assert 0.1 < time.monotonic() - began < 1.05, "not before its time, and while the client still waits"
    held.set()
    assert loop.ask(id=2, op="stat", seconds=5) == {"id": 2, "ok": {"held": True}}, "the late answer to 1 is dropped"


def test_an_answer_that_would_end_the_session_is_not_sent(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    # 500 paths of 3500 bytes that are no UTF-8, each told as `\\udcff`, ended the session and with it every check.
    found = {"paths": ["\udcff" * 3_500] * 500}
    monkeypatch.setattr(serve, "operation", lambda _: lambda _request: found)
    assert loop.ask(id=1, op="find", seconds=5)["error"]["kind"] == "too-large"
    del found["paths"][100:]
    assert loop.ask(id=2, op="find", seconds=5)["ok"] == found


def test_a_request_with_nonsense_for_seconds_is_answered(loop: Loop) -> None:
    assert loop.ask(id=1, op="hello", seconds="soon")["error"]["kind"] == "bad-request"


def test_requests_are_answered_by_number(loop: Loop) -> None:
    assert loop.ask(id=1, op="hello") == {"id": 1, "ok": {"version": 1, "pid": os.getpid()}}
    assert loop.ask(id="x", op="nope")["error"]["kind"] == "bad-request"
    assert loop.ask(id=2, op="dns")["error"]["message"] == "KeyError: 'name'"
    assert loop.ask(id=3, op="read", path="/nope")["error"]["kind"] == "missing"


def test_a_request_may_come_in_pieces_and_many_at_once(loop: Loop) -> None:
    loop.say(b'{"id": 1, "op"')
    time.sleep(0.02)
    loop.say(b': "hello"}\n{"id": 2, "op": "hello"}\nnonsense\n{"id": 3')
    loop.say(b', "op": "hello"}\n')
    answers = [json.loads(loop.answers.readline()) for _ in range(4)]
    assert sorted(str(answer["id"]) for answer in answers) == ["1", "2", "3", "None"]


def test_the_loop_ends_at_its_deadline() -> None:
    loop = Loop(seconds=0.1)
    loop.thread.join(5)
    assert not loop.thread.is_alive()


def test_detached_the_loop_outlives_its_input() -> None:
    loop = Loop(seconds=0.5)
    assert loop.ask(id=1, op="detach") == {"id": 1, "ok": {}}
    os.close(loop.send)
    loop.thread.join(0.1)
    assert loop.thread.is_alive()
    loop.thread.join(5)
    assert not loop.thread.is_alive()


@pytest.mark.parametrize("name", sorted(serve._OPS))
def test_every_operation_is_there(name: str) -> None:
    assert callable(serve.operation(name))


def test_limits() -> None:
    assert byte_cap(-5) == 0
    assert byte_cap(1 << 40) == 4 * 1024 * 1024
    assert Deadline(1e9).seconds == 600
    with pytest.raises(OpError, match="not done within 0 s"):
        Deadline(0).left()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start programs of this machine instead of busybox in another root."""

    def launch(argv: list[str], cpu: int, descriptors: list[int]) -> None:
        assert cpu > 0
        _, source, out, err, control = descriptors
        program = subprocess.Popen(argv, stdin=source, stdout=out, stderr=err)
        answer = socket.socket(fileno=os.dup(control))

        def wait() -> None:
            code = program.wait()
            with suppress(OSError):
                answer.send(str(code).encode())
            answer.close()

        heard = socket.socket(fileno=os.dup(control))

        def kill() -> None:
            with heard:
                heard.recv(1)
            program.kill()

        threading.Thread(target=kill, daemon=True).start()
        threading.Thread(target=wait, daemon=True).start()

    monkeypatch.setattr(spawner, "launch", launch)


def run(*argv: str, **arguments: Any) -> dict[str, Any]:
    return runner.run({"argv": list(argv), "seconds": 5, **arguments})


@pytest.mark.usefixtures("launched")
def test_a_program_is_told_whole() -> None:
    given = base64.b64encode(b"in").decode()
    answer = run("sh", "-c", "cat; echo err >&2; exit 5", stdin=given)
    assert (answer["exit_code"], answer["truncated"]) == (5, False)
    assert (base64.b64decode(answer["stdout"]), base64.b64decode(answer["stderr"])) == (b"in", b"err\n")
    assert run("sh", "-c", "kill -15 $$")["exit_code"] == 143


@pytest.mark.usefixtures("launched")
def test_a_flood_and_a_hang_are_ended() -> None:
    flood = run("yes", limit=100)
    assert flood["truncated"]
    assert len(base64.b64decode(flood["stdout"])) <= 100
    with pytest.raises(OpError, match=r"still running after 0\.1 s") as caught:
        run("sleep", "30", seconds=0.1)
    assert caught.value.kind == "timeout"


@pytest.mark.usefixtures("launched")
def test_output_held_open_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner._DRAIN_SECONDS < 1
    monkeypatch.setattr(runner, "_DRAIN_SECONDS", 0.1)
    started = time.monotonic()
    assert base64.b64decode(run("sh", "-c", "sleep 3 & echo out")["stdout"]) == b"out\n"
    assert time.monotonic() - started < 2.5


def test_no_spawner_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BrokenPipeError("gone")

    monkeypatch.setattr(spawner, "launch", refuse)
    with pytest.raises(OpError, match="no program can be started") as caught:
        run("true")
    assert caught.value.kind == "gone"


def test_a_spawner_that_dies_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawner, "launch", lambda *_: None)
    with pytest.raises(OpError, match="has ended") as caught:
        run("true")
    assert caught.value.kind == "gone"
