"""What a command in a workspace can do on a real engine, and what it cannot."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import Limits, Stack
from mde_grader.runtimes.commands import Ran
from tests.conformance.kits import Bench, DockerKit

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(docker_kit: DockerKit, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(docker_kit, tmp_path)
    yield made
    made.close()
    assert made.left() == 0


@pytest.fixture
def stack(bench: Bench) -> Stack:
    return bench.up(bench.service("web"), workspaces=(bench.workspace(),))


def sh(stack: Stack, line: str, **options: float) -> Ran:
    return stack.run("workspace", ["sh", "-c", line], seconds=options.pop("seconds", 30), **options)  # type: ignore[arg-type]


def test_a_command_has_the_profile_of_a_candidate(stack: Stack) -> None:
    ran = sh(stack, "id; touch /x; touch /tmp/y && echo tmp; touch /work/z && echo work; cat /proc/self/status; env")
    assert "uid=1000 gid=1000" in ran.out
    assert "Read-only file system" in ran.err
    assert "tmp\nwork\n" in ran.out
    for wanted in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "HOME=/tmp", "A=1"):
        assert wanted in ran.out
    assert "MDE" not in ran.out


def test_the_stack_is_all_that_can_be_reached(stack: Stack) -> None:
    fetch = "import urllib.request as u; print(u.urlopen('http://web:8080/', timeout=5).read())"
    assert "ok" in stack.run("workspace", ["python3", "-c", fetch], seconds=30).out
    out = "import socket; socket.create_connection(('1.1.1.1', 53), 2)"
    assert stack.run("workspace", ["python3", "-c", out], seconds=30).exit_code == 1
    assert (
        "ALONE"
        in sh(stack, "test -e /proc/2/exe || echo; ls /proc | grep -c '^[0-9]' | grep -qx '[1-5]' && echo ALONE").out
    )


def test_no_process_lives_on(stack: Stack) -> None:
    line = "(while :; do date +%s%N > /work/beat; sleep 0.1; done) & sleep 0.3"
    assert sh(stack, line).ok
    files = stack.files("workspace")
    before = files.read("beat")
    time.sleep(0.4)
    assert files.read("beat") == before


def test_a_flood_is_ended_and_cut(stack: Stack) -> None:
    ran = stack.run("workspace", ["yes"], seconds=60, limit=1000)
    assert (ran.exit_code, ran.flooded, ran.cut, ran.timed_out) == (None, True, True, False)
    assert len(ran.out) < 1100
    assert ran.seconds < 30


def test_a_large_output_is_whole_when_asked_for(stack: Stack) -> None:
    line = "import json; print(json.dumps(['x' * 1000] * 3000))"
    ran = stack.run("workspace", ["python3", "-c", line], seconds=30, limit=8 << 20)
    assert not ran.cut
    assert len(json.loads(ran.out)) == 3000
    assert stack.run("workspace", ["python3", "-c", line], seconds=30).cut


@pytest.mark.parametrize("end", ["", "; exit 4"])
def test_memory_that_ran_out_is_told(stack: Stack, end: str) -> None:
    ran = sh(stack, f"python3 -c 'x = bytearray(200 << 20)'{end}")
    assert (ran.oom, ran.timed_out) == (True, False)
    assert "memory" in ran.end


def test_a_program_that_kills_itself_is_no_fault_of_ours(stack: Stack) -> None:
    ran = sh(stack, "kill -9 $$")
    assert (ran.exit_code, ran.oom) == (137, False)


def test_a_volume_has_an_end_and_belongs_to_the_user(stack: Stack) -> None:
    ran = sh(stack, "stat -c %u:%g:%a /work; dd if=/dev/zero of=/work/big bs=1M count=40")
    assert ran.out.startswith("1000:1000:755\n")
    assert "No space left" in ran.err
    files = stack.files("workspace")
    with pytest.raises(ValueError, match="No space left"):
        files.write({"more": b"x" * 100_000})
    files.remove("big")
    files.write({"more": b"x", "run": b"#!/bin/sh\necho ran\n"}, mode=0o755)
    assert sh(stack, "stat -c %u:%a /work/more; /work/run").out == "1000:755\nran\n"


def test_links_lead_nowhere(stack: Stack) -> None:
    line = (
        "mkdir main other && cd main && ln -s /etc/passwd abs; ln -s ../other/x up; ln -s real in; echo hi > real;"
        "mkfifo pipe; ln -s /etc folder; ln -s /proc/self/root/etc/passwd magic; echo secret > ../other/x"
    )
    assert sh(stack, line).ok
    files = stack.files("workspace")
    assert files.read("in", folder="main") == b"hi\n"
    for path in ("abs", "up", "pipe", "folder", "magic"):
        with pytest.raises(ValueError, match=path):
            files.read(path, folder="main")
    for folder, path in (("main/folder", "x"), ("main", "folder/x"), ("main/real", "x")):
        with pytest.raises(ValueError, match="directory"):
            files.write({path: b"x"}, folder=folder)
    files.write({"abs": b"ours", "pipe": b"ours"}, folder="main")
    assert files.read("abs", folder="main") == files.read("pipe", folder="main") == b"ours"
    files.remove("up", folder="main")
    assert files.read("x", folder="other") == b"secret\n"


def test_a_deep_and_closed_tree_is_removed(stack: Stack) -> None:
    line = "import os\nos.chdir('/work')\nfor n in range(1500): os.mkdir('d'); os.chmod('d', 0o700); os.chdir('d')\n"
    line += "os.mkdir('closed', 0)\n"
    assert stack.run("workspace", ["python3", "-c", line], seconds=30).ok
    stack.files("workspace").remove("d")
    assert sh(stack, "ls -A /work").out == ""


def test_a_tmpfs_runs_programs_only_when_the_lab_says_so(bench: Bench) -> None:
    line = "printf '#!/bin/sh\\necho ran\\n' > /tmp/run; chmod +x /tmp/run; /tmp/run"
    closed, opened = bench.workspace(), bench.workspace(name="open", tmpfs=("/tmp:exec",))
    stack = bench.up(workspaces=(closed, opened))
    assert sh(stack, line).exit_code == 126
    assert stack.run("open", ["sh", "-c", line], seconds=30).out == "ran\n"


def test_a_command_ends_with_its_stack(bench: Bench, stack: Stack) -> None:
    timer = threading.Timer(1.0, stack.close)
    timer.start()
    with pytest.raises(EngineError, match="closed"):
        sh(stack, "sleep 60", seconds=60)
    timer.join()
    assert bench.left() == 0


def test_root_is_refused(bench: Bench) -> None:
    with pytest.raises(EngineError, match="other than root"):
        bench.up(workspaces=(bench.workspace(user="0:0"),))


def test_what_is_kept_says_how_to_open_a_shell(bench: Bench, docker_kit: DockerKit) -> None:
    stack = bench.up(workspaces=(bench.workspace(limits=Limits(memory_mb=64, layer_mb=4)),))
    told = stack.keep()
    docker_kit.runtime.sweep(everything_of=stack.spec.owner.process)
    line = next(line for line in told.splitlines() if line.endswith("# workspace"))
    assert line.startswith("docker run --rm -it --read-only")
    assert ":/work" in line
