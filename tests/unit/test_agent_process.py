"""The agent as the program that it is: its start, its end, and the programs that it runs."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mde_grader.runtimes.inspector.client import AttachedSession
from mde_grader.runtimes.inspector.session import SessionError
from tests.unit.fake_proc import WEB, FakeProc
from tests.unit.local_agent import PipeStream, local_session, start_agent

BUSYBOX = Path("/bin/busybox")
CAN_CHROOT = pytest.mark.skipif(
    os.getuid() != 0 or not BUSYBOX.exists(), reason="needs root and a static busybox at /bin/busybox"
)


@pytest.fixture(scope="module")
def session() -> Iterator[AttachedSession]:
    with local_session() as started:
        yield started


def test_hello(session: AttachedSession) -> None:
    assert session.call("hello")["version"] == 1


def test_it_starts_quickly() -> None:
    started = time.monotonic()
    with local_session() as session:
        session.call("hello")
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("op", ["nope", "__class__", "", "serve.main"])
def test_other_operations_are_refused(session: AttachedSession, op: str) -> None:
    with pytest.raises(SessionError, match="no such operation") as caught:
        session.call(op)
    assert caught.value.kind == "bad-request"


def test_a_bad_argument_is_an_answer(session: AttachedSession) -> None:
    with pytest.raises(SessionError, match="KeyError"):
        session.call("stat")


def test_nonsense_on_its_input_is_survived() -> None:
    process = start_agent()
    stream = PipeStream(process)
    stream.sendall(b"\xff\xfe nonsense\n\n[1]\n")
    session = AttachedSession(stream)
    with pytest.raises(SessionError):  # an answer without the number of a request
        raise session.submit("hello").exception(5) or SessionError("none", "")
    process.kill()
    process.wait()


def test_a_slow_operation_does_not_hold_up_others(session: AttachedSession) -> None:
    slow = [session.submit("wait", url="tcp://127.0.0.1:1", seconds=1.5) for _ in range(10)]
    started = time.monotonic()
    session.call("hello")
    session.call("stat", path="/")
    assert time.monotonic() - started < 1.0
    assert not any(future.done() for future in slow)


def test_more_requests_than_workers_all_get_answers(session: AttachedSession) -> None:
    futures = [session.submit("stat", path=f"/{number}") for number in range(500)]
    assert [future.result(20)["exists"] for future in futures] == [False] * 500


def test_it_ends_with_its_input() -> None:
    process = start_agent()
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0
    assert process.stdout is not None
    process.stdout.close()


def test_it_ends_at_its_deadline() -> None:
    process = start_agent({"MDE_DEADLINE_SECONDS": "0.2"})
    started = time.monotonic()
    assert process.wait(5) == 0
    assert time.monotonic() - started < 3
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_detached_it_ends_only_at_its_deadline() -> None:
    process = start_agent({"MDE_DEADLINE_SECONDS": "0.8"})
    session = AttachedSession(PipeStream(process))
    session.call("detach")
    assert process.stdin is not None
    process.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    assert process.wait(5) == 0
    session.close()


def test_a_closed_output_does_not_kill_it() -> None:
    process = start_agent()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdin.write(b'{"id": 1, "op": "hello"}\n' * 3)
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.stdin.close()
    assert process.wait(5) == 0


def run(session: AttachedSession, *argv: str, **arguments: Any) -> tuple[int, str, str]:
    answer = session.call("run", argv=list(argv), **arguments)
    return answer["exit_code"], *(base64.b64decode(answer[name]).decode() for name in ("stdout", "stderr"))


@CAN_CHROOT
class TestRun:
    def test_output_errors_and_code(self, session: AttachedSession) -> None:
        assert run(session, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")

    def test_input(self, session: AttachedSession) -> None:
        text = base64.b64encode(b"given\n" * 20_000).decode()
        assert run(session, "wc", "-l", stdin=text)[1].strip() == "20000"

    def test_a_signal_is_told_as_a_shell_does(self, session: AttachedSession) -> None:
        assert run(session, "sh", "-c", "kill -9 $$")[0] == 137

    def test_only_one_capability_is_left(self, session: AttachedSession) -> None:
        status = run(session, "grep", "-E", "^(Cap(Prm|Eff|Inh)|NoNewPrivs)", "/proc/self/status")[1].split()
        assert status == ["CapInh:", "0" * 16, "CapPrm:", f"{4:016x}", "CapEff:", f"{4:016x}", "NoNewPrivs:", "1"]

    def test_nothing_of_ours_is_open(self, session: AttachedSession) -> None:
        assert set(run(session, "sh", "-c", "cd /proc/self/fd; echo *")[1].split()) <= {"0", "1", "2", "3"}

    def test_it_is_killed_at_its_deadline(self, session: AttachedSession) -> None:
        started = time.monotonic()
        with pytest.raises(SessionError, match="still running") as caught:
            run(session, "sh", "-c", "trap '' TERM; sleep 77.123 & sleep 77.123", seconds=0.3)
        assert caught.value.kind == "timeout"
        assert time.monotonic() - started < 1.5
        time.sleep(0.2)
        assert "77.123" not in subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout

    def test_a_flood_is_cut_and_killed(self, session: AttachedSession) -> None:
        answer = session.call("run", argv=["yes"], limit=10_000, seconds=5)
        assert answer["truncated"]
        assert len(base64.b64decode(answer["stdout"])) <= 10_000
        assert answer["seconds"] < 2

    def test_what_stays_behind_is_killed(self, session: AttachedSession) -> None:
        started = time.monotonic()
        assert run(session, "sh", "-c", "sleep 78.5 & echo done")[1] == "done\n"
        assert time.monotonic() - started < 2

    def test_a_program_of_the_image_is_not_found(self, session: AttachedSession) -> None:
        assert run(session, "sh", "-c", "python3 --version")[0] == 127

    def test_many_at_once(self, session: AttachedSession) -> None:
        futures = [session.submit("run", argv=["sh", "-c", f"sleep 0.1; exit {n}"]) for n in range(20)]
        assert [future.result(10)["exit_code"] for future in futures] == list(range(20))

    @pytest.mark.parametrize("argv", [[], ["a\0b"], ["x" * 100_000]])
    def test_impossible_commands(self, session: AttachedSession, argv: list[str]) -> None:
        with pytest.raises(SessionError, match="argv"):
            session.call("run", argv=argv)

    def test_a_root_with_nothing_in_it(self, tmp_path: Path) -> None:
        fake = FakeProc(tmp_path)
        fake.add(20, "web", cgroup=f"/docker/{WEB}")
        fake.write("/etc/secret", "inside", mode=0o600)
        fake.write("/bin/sh", "#!/bin/lies\n", mode=0o755)
        with local_session({"MDE_PROC": str(fake.base)}) as session:
            assert run(session, "cat", "/etc/secret", service=WEB) == (0, "inside", "")
            assert run(session, "sh", "-c", "pwd; ls /", service=WEB)[1].split() == ["/", "bin", "etc"]

    def test_a_missing_busybox_is_our_fault(self) -> None:
        with local_session({"MDE_BUSYBOX": "/nope"}) as session:
            for _ in range(2):
                with pytest.raises(SessionError) as caught:
                    run(session, "true", seconds=1)
                assert caught.value.kind == "gone"
