"""What every runtime's workspaces do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import Stack
from tests.conformance.kits import Bench


@pytest.fixture
def stack(bench: Bench) -> Stack:
    return bench.up(workspaces=(bench.workspace(),))


def test_a_command_tells_its_end_and_both_outputs(bench: Bench, stack: Stack) -> None:
    ran = stack.run("workspace", ["sh", "-c", "echo out; echo err >&2; exit 3"], seconds=20)
    assert (ran.exit_code, ran.out, ran.err) == (3, "out\n", "err\n")
    assert not ran.ok
    assert not any((ran.timed_out, ran.oom, ran.flooded, ran.cut))
    stack.close()
    assert bench.left() == 0
    with pytest.raises(EngineError):
        stack.run("workspace", ["true", "pwd"], seconds=20)


def test_a_command_that_is_not_there_ends_as_in_a_shell(stack: Stack) -> None:
    assert stack.run("workspace", ["nosuch"], seconds=20).exit_code == 127


def test_a_command_ends_at_its_deadline(stack: Stack) -> None:
    began = time.monotonic()
    ran = stack.run("workspace", ["sleep", "60"], seconds=0.5)
    assert (ran.exit_code, ran.timed_out) == (None, True)
    assert ran.seconds >= 0.5
    assert time.monotonic() - began < 20
    assert "did not end within" in ran.end


def test_environments_are_the_workspaces_and_the_commands_own(stack: Stack) -> None:
    assert stack.run("workspace", ["sh", "-c", "echo $A $B"], seconds=20, environment={"B": "2"}).out == "1 2\n"
    assert stack.run("workspace", ["sh", "-c", "echo $A $B"], seconds=20).out.strip() == "1"


def test_files_go_in_and_come_out(stack: Stack) -> None:
    files = stack.files("workspace")
    files.write({"in": b"\0\xff", "deep/er": b"x"}, folder="main")
    assert stack.run("workspace", ["sh", "-c", "pwd"], seconds=20, working_dir="/work/main").out == "/work/main\n"
    assert stack.run("workspace", ["sh", "-c", "cat in > out"], seconds=20, working_dir="/work/main").ok
    assert files.read("out", folder="main") == files.read("main/out") == b"\0\xff"
    assert [files.kind(path, folder="main") for path in ("out", "deep", "none")] == ["file", "directory", ""]
    with pytest.raises(FileNotFoundError):
        files.read("none", folder="main")
    with pytest.raises(ValueError, match="regular file"):
        files.read("deep", folder="main")
    with pytest.raises(ValueError, match="more than the 1"):
        files.read("out", folder="main", limit=1)
    with pytest.raises(ValueError, match="plain relative path"):
        files.read("../x", folder="main")
    files.remove("main")
    files.remove("main")
    assert files.kind("main") == ""


def test_commands_run_at_once(stack: Stack) -> None:
    def ask(number: int) -> str:
        line = ["sh", "-c", "echo $A $B"]
        return stack.run("workspace", line, seconds=60, environment={"B": str(number)}).out

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [f"1 {number}\n" for number in range(8)]


def test_an_unknown_workspace_is_named_with_those_there_are(stack: Stack) -> None:
    with pytest.raises(KeyError, match="no workspace web; there are workspace"):
        stack.run("web", ["true"], seconds=1)
    with pytest.raises(KeyError, match="no workspace web"):
        stack.files("web")
    assert list(stack) == []


def test_commands_without_a_volume_work_in_a_tmp_of_their_own(bench: Bench) -> None:
    stack = bench.up(workspaces=(bench.workspace(mounts=(), working_dir=None),))
    assert stack.run("workspace", ["sh", "-c", "pwd"], seconds=20).out == "/tmp\n"
    assert stack.run("workspace", ["sh", "-c", "cat in > out"], seconds=20).exit_code != 0
    with pytest.raises(LookupError, match="has no volume"):
        stack.files("workspace")
