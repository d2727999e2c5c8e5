"""README and tutorial, run as somebody types them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mde_grader.places import data_root
from tests.e2e.conftest import Grader
from tests.e2e.documents import answered, blocks, typed, write_files

ROOT = data_root()
README = (ROOT / "README.md").read_text()
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-lab.md").read_text()
SECONDS = re.compile(r"\d+(\.\d+)? m?s\b")

pytestmark = pytest.mark.engine


def test_what_readme_types_works(grader: Grader) -> None:
    """`make` is not among it; the last one grades a starter, which is refused."""
    lines = [line for block in blocks(README) if block.language == "console" for line in typed(block)]
    ours = [shlex.split(line)[1:] for line in lines if line.startswith("mde-grade ")]
    assert len(ours) >= 4
    for arguments in ours:
        code, out, err = grader.run(*arguments)
        assert code == (1 if arguments[0] == "lab-02" else 0), (arguments, out, err)
        assert "Traceback" not in out + err
        assert out


def test_the_tutorial_begins_as_it_says(grader: Grader) -> None:
    """Until the first refusal, word for word but for the time that it took."""
    shown = [block for block in blocks(TUTORIAL) if block.language == "console"][:2]
    code, out, err = grader.run("init", "lab-02", "parceldesk")
    assert code == 0
    assert (out + err).splitlines() == answered(shown[0], "mde-grade init lab-02 parceldesk")
    code, out, _ = grader.run("show", "lab-02")
    assert code == 0
    shows = [line for line in answered(shown[0], "mde-grade show lab-02") if line != "..."]
    assert not set(shows) - set(out.splitlines())
    code, out, _ = grader.run("lab-02", "parceldesk")
    assert code == 1
    assert not set(answered(shown[1], "mde-grade lab-02 .")) - set(out.splitlines())


@pytest.mark.slow
def test_the_lab_that_the_howto_writes_proves_itself(grader: Grader) -> None:
    page = (ROOT / "docs" / "how-to" / "write-a-lab.md").read_text()
    assert "checks/test_notes.py" in write_files(page, grader.place / "lab-99")
    for block in blocks(page):
        for line in typed(block):
            code, out, err = grader.run(*shlex.split(line)[1:])
            assert code == 0, (line, out, err)


@pytest.mark.slow
def test_make_demo_shows_what_readme_shows() -> None:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=500, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = {SECONDS.sub("N s", line) for line in done.stdout.replace(str(ROOT), "...").splitlines()}
    block = next(block for block in blocks(README) if "$ mde-grade lab-02 .demo/" in block.body)
    shown = [SECONDS.sub("N s", line) for line in block.body.splitlines() if line not in {"...", "$ make demo"}]
    assert len(shown) > 10
    assert not [line for line in shown if line not in seen]
