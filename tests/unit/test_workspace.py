"""Workspaces as checks and whole attempts see them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from mde_grader.attempts import AttemptResult
from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.workspace import Workspace
from mde_grader.errors import EngineError
from mde_grader.model import Outcome, Status, Trust
from mde_grader.runtimes.base import Mount, ServiceSpec, Stack, StackSpec
from mde_grader.runtimes.commands import Ran
from mde_grader.testing import FakeCommand, FakeProgram, FakeRuntime, fake_owner
from tests.unit.attempting import Bench, bench, image, statuses

__all__ = ["bench"]

SPEC = ServiceSpec("workspace", "tool", environment={"A": "1"}, mounts=(Mount("work", "/work"),), working_dir="/work")
HEARD: list[FakeCommand] = []


def answer(command: FakeCommand) -> Ran:
    HEARD.append(command)
    command.files["main/made"] = b"by the tool"
    return Ran(0, " ".join(command.words))


def stack_of(program: FakeProgram, *workspaces: ServiceSpec) -> Stack:
    return FakeRuntime({"tool": program}).up(StackSpec((), fake_owner(), workspaces=workspaces))


@pytest.fixture
def workspace() -> Workspace:
    HEARD.clear()
    return Workspace(stack_of(FakeProgram(run=answer), SPEC), "workspace")


def test_a_command_runs_in_a_folder_below_the_root(workspace: Workspace) -> None:
    ran = workspace.run(["tool", "plan"], seconds=5, folder="main", environment={"B": "2"})
    assert (ran.ok, ran.out) == (True, "tool plan")
    (heard,) = HEARD
    assert (heard.working_dir, heard.environment, heard.seconds) == ("/work/main", {"A": "1", "B": "2"}, 5)
    assert workspace.path("") == "/work"
    workspace.run(["tool"], seconds=5)
    assert HEARD[1].working_dir == "/work"


def test_commands_overlap() -> None:
    both = threading.Barrier(2)

    def meet(_: FakeCommand) -> Ran:
        both.wait(5)
        return Ran(0)

    workspace = Workspace(stack_of(FakeProgram(run=meet), SPEC), "workspace")
    first, second = (workspace.start(["tool"], seconds=5, folder="main") for _ in range(2))
    assert first.wait().ok
    assert second.wait().ok
    assert first.done


def test_what_a_started_command_raises_is_told_to_whoever_waits() -> None:
    stack = stack_of(FakeProgram(), SPEC)
    workspace = Workspace(stack, "workspace")
    stack.close()
    with pytest.raises(EngineError):
        workspace.start(["tool"], seconds=5).wait()


def test_files_that_a_candidate_can_spoil_fail_the_check(workspace: Workspace) -> None:
    workspace.write({"in": b"1"}, folder="main")
    assert workspace.read("in", folder="main") == b"1"
    assert workspace.kind("in", folder="main") == "file"
    with pytest.raises(CheckFailedError) as caught:
        workspace.read("none", folder="main")
    assert caught.value.evidence.seen == "it is not there"
    assert "/work/main/none" in caught.value.evidence.expected
    for wrong in (
        lambda: workspace.read("in", folder="main", limit=0),
        lambda: workspace.write({"main/in/x": b""}),
        lambda: workspace.run(["tool"], seconds=5, folder="main/in"),
    ):
        with pytest.raises(CheckFailedError):
            wrong()
    workspace.remove("main")
    assert workspace.kind("main") == ""


def test_a_workspace_without_a_volume_works_in_its_tmp_and_shares_nothing() -> None:
    HEARD.clear()
    workspace = Workspace(stack_of(FakeProgram(run=answer), replace(SPEC, mounts=(), working_dir=None)), "workspace")
    assert (workspace.root, workspace.path("")) == ("/tmp", "/tmp")
    assert workspace.run(["tool"], seconds=5).ok
    assert workspace.start(["tool"], seconds=5).wait().ok
    assert [(heard.working_dir, list(heard.files)) for heard in HEARD] == [("/tmp", ["main/made"])] * 2
    for wrong in (
        lambda: workspace.run(["tool"], seconds=5, folder="main"),
        lambda: workspace.write({"in": b"1"}),
        lambda: workspace.read("main/made"),
        lambda: workspace.kind("main"),
        lambda: workspace.remove("main"),
    ):
        with pytest.raises(LookupError, match="the workspace workspace has no volume"):
            wrong()


def test_a_lab_without_a_workspace_is_told_so() -> None:
    with pytest.raises(LookupError, match="no workspace 'web'"):
        Workspace(stack_of(FakeProgram(), SPEC), "web")


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (Ran(2), "it ended with exit code 2"),
        (Ran(None, seconds=9.8, timed_out=True), "it did not end within 10 s"),
        (Ran(None, flooded=True), "it did not stop printing"),
        (Ran(137, oom=True), "it needed more memory than it may use"),
    ],
)
def test_an_end_has_words(ran: Ran, words: str) -> None:
    assert ran.end == words
    assert not ran.ok


ENVIRONMENT = """\
services:
  lab-front:
    image: mde-grade/proxy
    environment: {TOKEN: "${CLOUD_TOKEN}", PRICE: "$$1"}
  workspace:
    image: mde-grade/proxy
    environment: {SITE: "${SITE_NAME}"}
    volumes: ["work:/work"]
    working_dir: /work
    x-mde: {workspace: true}
x-mde:
  kind: workspace
  main: workspace
  variables: {CLOUD_TOKEN: secret, SITE_NAME: word}
"""
CONFTEST = """\
import pytest
from mde_grader.checking import expect

@pytest.fixture(scope="session")
def applied(workspace, probe, submission):
    workspace.write({"main.tf": (submission.root / "main.tf").read_bytes()}, folder="main")
    ran = workspace.run(["tool", "apply"], seconds=5, folder="main")
    expect(ran.ok, expected="apply goes well", seen=ran.end, said=ran.err)
    return ran
"""
CHECKS = '''
@requirement("written")
def test_it_applies(applied, workspace):
    """It can be applied."""
    assert workspace.read("main.tf", folder="main") == b"code"

@requirement("answers")
def test_the_grader_says_what_it_should(applied, stack, given):
    """The cloud knows its token."""
    assert stack["lab-front"].spec.environment == {"TOKEN": given["CLOUD_TOKEN"], "PRICE": "$1"}
    assert given["SITE_NAME"] in applied.out
'''


def outcomes(result: AttemptResult) -> list[Outcome]:
    return [outcome for row in result.card.results for outcome in row.outcomes]


def lab(bench: Bench, run: FakeProgram) -> None:
    bench.lab("lab-memory", {"environment.yaml": ENVIRONMENT, "checks/conftest.py": CONFTEST})
    bench.checks(CHECKS)
    (bench.place / "submission" / "Dockerfile").unlink()
    bench.submit({"main.tf": "code"})
    bench.runtime.engine.programs[image("proxy").tag] = run


def test_a_workspace_lab_is_graded_without_a_build(bench: Bench) -> None:
    calls: list[FakeCommand] = []

    def apply(command: FakeCommand) -> Ran:
        calls.append(command)
        return Ran(0, command.environment["SITE"])

    lab(bench, FakeProgram(run=apply))
    result = bench.grade()
    assert statuses(result) == {"written": Status.PASSED, "answers": Status.PASSED}
    assert len(calls) == 1
    assert bench.builds == 0
    assert {outcome.trust for outcome in outcomes(result)} == {Trust.OUTSIDE}
    assert bench.left == []


def test_what_a_session_fixture_sees_fails_every_check_that_asks_for_it(bench: Bench) -> None:
    calls: list[FakeCommand] = []

    def refuse(command: FakeCommand) -> Ran:
        calls.append(command)
        return Ran(1, err="Error: no such thing")

    lab(bench, FakeProgram(run=refuse))
    result = bench.grade()
    assert statuses(result) == {"written": Status.FAILED, "answers": Status.FAILED}
    assert {(each.evidence.seen, each.evidence.said) for each in outcomes(result) if each.evidence} == {
        ("it ended with exit code 1", "Error: no such thing")
    }
    assert len(calls) == 1


def test_an_engine_that_fails_in_a_session_fixture_scores_nothing(bench: Bench) -> None:
    def lose(_: FakeCommand) -> Ran:
        raise EngineError("the container engine went away")

    lab(bench, FakeProgram(run=lose))
    assert set(statuses(bench.grade()).values()) == {Status.ERRORED}


def test_a_secret_that_a_tool_prints_is_masked(bench: Bench) -> None:
    lab(bench, FakeProgram(run=lambda _: Ran(1, err="no token")))
    leaking = CONFTEST.replace("submission)", "submission, given)").replace("ran.err", "given['CLOUD_TOKEN']")
    bench.lab("lab-memory", {"checks/conftest.py": leaking})
    assert {each.evidence.said for each in outcomes(bench.grade()) if each.evidence} == {"<CLOUD_TOKEN>"}
