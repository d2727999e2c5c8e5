"""Who is alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mde_grader.runtimes.janitor import Here, is_dead, start_time, this_process

HERE = Here("boot", "42", {7: "100"}.get)
NOW = 1_000.0


@pytest.mark.parametrize(
    ("process", "expires", "dead"),
    [
        ("boot:42:7:100", "2000", False),  # it runs
        ("boot:42:7:101", "2000", True),  # its number was given to another one
        ("boot:42:8:100", "2000", True),  # nobody has its number
        ("other:42:8:100", "2000", False),  # another boot or machine: cannot be seen
        ("boot:43:8:100", "2000", False),  # another PID namespace: cannot be seen
        ("other:42:8:100", "999", True),  # ... until it expires
        ("boot:42:7:100", "999", True),  # expired, though it runs
        ("boot:42:7:100", "1000", False),  # not a second early
        ("boot:42:8:100", "", True),
        ("other:42:8:100", "", False),  # no expiry: never
        ("other:42:8:100", "soon", False),
        ("kept", "2000", False),
        ("kept", "999", True),
        ("", "2000", False),
        ("boot:42:x:100", "2000", False),
        ("boot:42:-1:100", "2000", False),
        ("boot:42:8:100:1", "2000", False),
    ],
)
def test_the_rule(process: str, expires: str, dead: bool) -> None:
    assert is_dead(process, expires, here=HERE, now=NOW) is dead


def test_where_nothing_can_be_seen_only_expiry_counts() -> None:
    blind = Here("unknown", "0", lambda _: None)
    assert not is_dead("unknown:0:8:100", "2000", here=blind, now=NOW)
    assert is_dead("unknown:0:8:100", "999", here=blind, now=NOW)


def test_this_process_is_alive_and_a_child_that_ended_is_not() -> None:
    here = Here.look()
    assert not is_dead(this_process(), "9999999999", here=here, now=NOW)
    code = "from mde_grader.runtimes.janitor import this_process; print(this_process())"
    environ = {**os.environ, "PYTHONPATH": "src"}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, check=True, capture_output=True, text=True)
    assert is_dead(ended.stdout.strip(), "9999999999", here=here, now=NOW)


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert start_time(Path("/proc"), child.pid) is None
    finally:
        child.wait()


def test_a_command_with_brackets_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    (tmp_path / "9").mkdir()
    fields = " ".join(str(number) for number in range(4, 53))
    (tmp_path / "9" / "stat").write_text(f"9 (a) b) (c) S {fields}\n")
    assert start_time(tmp_path, 9) == "22"
    (tmp_path / "9" / "stat").write_text(f"9 (a) Z {fields}\n")
    assert start_time(tmp_path, 9) is None
    (tmp_path / "9" / "stat").write_text("9 (a)")
    assert start_time(tmp_path, 9) is None
    assert start_time(tmp_path, 10) is None


def test_without_proc_we_are_nowhere(tmp_path: Path) -> None:
    here = Here.look(tmp_path)
    assert (here.boot, here.start_of(1)) == ("unknown", None)
    assert this_process(here).startswith("unknown:0:")
