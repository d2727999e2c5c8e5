"""Whole attempts on the fake engine: each way in which one can end, and what it leaves behind."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mde_grader.errors import (
    EngineError,
    EngineUnavailableError,
    ImageMissingError,
    InterruptedAttemptError,
    LabInvalidError,
    StartFailedError,
    UsageError,
)
from mde_grader.model import ProgressKind, Status, Verdict
from mde_grader.runtimes.base import KEPT, BuildSpec, BuiltImage
from mde_grader.testing import FakeProgram, FakeStack, fake_build
from tests.unit.attempting import DOCKERFILE, Bench, bench, image, statuses

__all__ = ["bench"]

FAIL_BOTH = {"written": Status.FAILED, "answers": Status.FAILED}


def test_a_right_submission_passes_and_only_its_run_folder_stays(bench: Bench) -> None:
    result = bench.grade(candidate="ada")
    card = result.card
    assert (card.verdict, card.points, card.submission.name) == (Verdict.PASSED, 100.0, "ada")
    assert card.fault is None
    assert [phase.name for phase in card.phases].count("teardown") == 1
    assert {phase.name for phase in card.phases} == {"stage", "build", "start", "checks", "teardown"}
    assert json.loads((result.folder / "scorecard.json").read_text())["verdict"] == "passed"
    assert bench.runs == [result.folder]
    assert bench.left == []
    assert bench.runtime.closed
    assert result.kept == ""


def test_the_scorecard_tells_of_engine_images_and_limits(bench: Bench) -> None:
    facts = bench.grade().card.environment
    assert facts["engine"]["name"] == "fake"
    assert facts["grader_images"]["side"] == {"id": image("side").id, "how": "stand-in"}
    assert facts["bases"] == {"scratch": "empty"}
    assert set(facts["images"]) == {"web"}
    assert "limits" in facts
    assert facts["notes"] == []


def test_the_listener_hears_phases_and_checks(bench: Bench) -> None:
    bench.grade()
    ended = [heard.text for heard in bench.heard if heard.kind is ProgressKind.CHECK_ENDED]
    assert ended == ["There is a Dockerfile.", "The page answers."]
    assert bench.notes() == []


def test_a_check_that_fails_costs_its_points_and_leaves_evidence(bench: Bench) -> None:
    bench.checks(
        "@requirement('written')\ndef test_a():\n    '''A.'''\n    expect(False, expected='red', seen='blue')\n"
        "@requirement('answers')\ndef test_b(hosts, host, stack):\n    '''B.'''\n    assert 'web' in stack\n"
    )
    result = bench.grade()
    assert statuses(result) == {"written": Status.FAILED, "answers": Status.PASSED}
    assert (result.card.verdict, result.card.points) == (Verdict.FAILED, 60.0)
    (told,) = (result.folder / "evidence").iterdir()
    assert "blue" in told.read_text()


def test_secrets_are_in_nothing_that_is_written(bench: Bench) -> None:
    given = bench.place / "given"
    bench.checks(
        "from pathlib import Path\n"
        "@requirement('written')\ndef test_a(given):\n    '''A.'''\n"
        f"    Path({str(given)!r}).write_text(given['DB_PASSWORD'] + ' ' + given['SITE_NAME'])\n"
        "    expect(False, expected=given['SITE_NAME'], seen=given['DB_PASSWORD'], look='x ' + given['DB_PASSWORD'])\n"
        "@requirement('answers')\ndef test_b(bases):\n    '''B.'''\n    assert bases == {'scratch': 'empty'}\n"
    )
    result = bench.grade()
    secret, word = given.read_text().split()
    told = "".join(path.read_text() for path in result.folder.rglob("*") if path.is_file())
    assert secret not in told
    assert "<DB_PASSWORD>" in told
    assert word in told


def test_each_attempt_has_secrets_of_its_own(bench: Bench) -> None:
    seen: list[str] = []
    for number in range(2):
        given = bench.place / f"given-{number}"
        bench.checks(
            "from pathlib import Path\n@requirement('written')\ndef test_a(given):\n"
            f"    Path({str(given)!r}).write_text(given['DB_PASSWORD'])\n"
        )
        bench.grade(only=("written",))
        seen.append(given.read_text())
    assert seen[0] != seen[1]


def test_a_refused_submission_is_failed_and_nothing_runs(bench: Bench) -> None:
    bench.submit({"Dockerfile": "FROM scratch\nADD https://example.org/x /x\n"})
    result = bench.grade()
    assert result.card.verdict is Verdict.FAILED
    assert result.card.fault is not None
    assert (result.card.fault.owner, result.card.fault.where) == ("candidate", "Dockerfile:2")
    assert statuses(result) == FAIL_BOTH
    assert bench.builds == 0
    assert bench.left == []
    assert (result.folder / "scorecard.json").is_file()


def test_a_build_that_fails_costs_what_looks_at_the_stack(bench: Bench) -> None:
    bench.submit({"Dockerfile": "FROM scratch\nRUN false\n"})
    result = bench.grade()
    assert statuses(result) == {"written": Status.PASSED, "answers": Status.FAILED}
    assert result.card.fault is not None
    assert result.card.fault.owner == "candidate"
    assert result.card.fault.rule.startswith("build.")
    assert bench.builds == 1, "the candidate's fault is no reason to try again"
    assert bench.left == []


def test_a_service_that_ends_costs_what_looks_at_the_stack(bench: Bench) -> None:
    bench.program = FakeProgram(exit_code=3, said="no such file")
    result = bench.grade()
    assert statuses(result) == {"written": Status.PASSED, "answers": Status.FAILED}
    assert result.card.fault is not None
    assert result.card.fault.rule.startswith("start.")
    assert bench.left == []


def test_our_own_failure_is_tried_again_and_then_incomplete(bench: Bench) -> None:
    def broken(spec: BuildSpec) -> BuiltImage:
        raise EngineError("the engine went away")

    bench.build = broken
    result = bench.grade()
    assert result.card.verdict is Verdict.INCOMPLETE
    assert (bench.builds, bench.connected) == (3, 3)
    assert len(bench.notes()) == 2
    assert all("trying again: the engine went away" in note for note in bench.notes())
    assert result.card.fault is not None
    assert result.card.fault.owner == "grader"
    assert result.card.points_high > result.card.points
    assert bench.left == []
    assert len(bench.runs) == 1


def test_our_own_failure_is_forgotten_when_the_next_try_ends(bench: Bench) -> None:
    def shaky(spec: BuildSpec) -> BuiltImage:
        if bench.builds == 1:
            raise EngineError("the engine went away")
        return fake_build(spec)

    bench.build = shaky
    result = bench.grade()
    assert (result.card.verdict, bench.builds, len(bench.notes())) == (Verdict.PASSED, 2, 1)


def test_a_bug_of_a_check_is_never_the_candidates_zero(bench: Bench) -> None:
    bench.checks("@requirement('written')\ndef test_a():\n    {}['bug']\n")
    result = bench.grade(only=("written",))
    assert result.card.verdict is Verdict.INCOMPLETE
    assert statuses(result) == {"written": Status.ERRORED}
    assert bench.notes() == ["not scored, trying again: something of ours failed"] * 2


def test_a_bug_of_ours_while_building_is_ours(bench: Bench) -> None:
    def buggy(spec: BuildSpec) -> BuiltImage:
        raise ZeroDivisionError("a bug")

    bench.build = buggy
    card = bench.grade().card
    assert card.verdict is Verdict.INCOMPLETE
    assert card.fault is not None
    assert (card.fault.rule, card.fault.message) == ("internal", "ZeroDivisionError: a bug")


@pytest.mark.parametrize("error", [EngineUnavailableError("no engine"), ImageMissingError("no side")])
def test_without_engine_or_image_there_is_no_run(bench: Bench, error: EngineError) -> None:
    bench.refuse = error
    with pytest.raises(type(error)):
        bench.grade()
    assert bench.connected == 1
    assert (bench.runs, bench.left) == ([], [])


def test_an_engine_that_fails_while_connecting_is_ours(bench: Bench) -> None:
    bench.refuse = EngineError("half an answer")
    card = bench.grade().card
    assert (card.verdict, bench.connected) == (Verdict.INCOMPLETE, 3)
    assert "engine" not in card.environment


def test_only_grades_what_is_asked(bench: Bench) -> None:
    result = bench.grade(only=("written",))
    assert statuses(result) == {"written": Status.PASSED}
    assert result.card.partial == ("written",)


def test_a_build_that_no_check_asked_about_changes_nothing(bench: Bench) -> None:
    bench.checks("@requirement('written')\ndef test_a():\n    pass\n")
    assert statuses(bench.grade(only=("written",))) == {"written": Status.PASSED}
    assert bench.left == []


def test_an_unknown_requirement_is_named_before_anything_starts(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no requirement “nowhere”") as caught:
        bench.grade(only=("nowhere",))
    assert caught.value.hint == "there are: written, answers"
    assert (bench.runs, bench.connected) == ([], 0)


def test_what_is_no_submission_leaves_no_run(bench: Bench) -> None:
    with pytest.raises(UsageError):
        bench.grade(path=bench.place / "nowhere")
    assert (bench.runs, bench.left) == ([], [])


def test_a_lab_that_is_not_in_order_is_named(bench: Bench) -> None:
    bench.checks("def test_a():\n    pass\n")
    with pytest.raises(LabInvalidError):
        bench.grade()
    assert bench.left == []


def test_keep_leaves_the_stack_up_under_its_own_mark(bench: Bench) -> None:
    result = bench.grade(keep=True, run="kept-1")
    (stack,) = bench.runtime.engine.stacks
    assert isinstance(stack, FakeStack)
    assert result.kept
    assert result.card.attempt == "kept-1"
    assert (stack.spec.owner.process, stack.spec.owner.attempt) == (KEPT, "kept-1")
    assert stack.spec.owner.expires > time.time() + 3000
    assert bench.runtime.engine.images, "its image stays too"


def test_keep_leaves_a_stack_as_it_was_before_the_last_check(bench: Bench) -> None:
    stopping = "@requirement('{}', disturbs=True)\ndef test_{}(stack):\n    stack['web'].stop()\n"
    bench.checks(stopping.format("written", "a") + stopping.format("answers", "b"))
    bench.grade(keep=True)
    (stack,) = bench.runtime.engine.stacks
    assert stack["web"].state().running


def test_keep_tells_when_what_it_leaves_is_not_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    error = StartFailedError("start.exited", "web ended")
    monkeypatch.setattr(FakeStack, "restore", lambda _: (_ for _ in ()).throw(error))
    assert bench.grade(keep=True).kept
    assert any("not whole: web ended" in told.text for told in bench.heard)


def test_keep_of_what_did_not_start_says_nothing(bench: Bench) -> None:
    bench.program = FakeProgram(exit_code=1)
    result = bench.grade(keep=True)
    assert result.kept == ""
    assert bench.runtime.engine.stacks == []


def test_the_user_stops_a_check(bench: Bench) -> None:
    bench.checks("@requirement('written')\ndef test_a(stack):\n    raise KeyboardInterrupt\n")
    with pytest.raises(InterruptedAttemptError):
        bench.grade()
    assert (bench.runs, bench.left) == ([], [])


def test_the_user_stops_before_the_checks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mde_grader.attempts.stage", stopped)
    with pytest.raises(InterruptedAttemptError):
        bench.grade()
    assert (bench.runs, bench.left) == ([], [])


def test_when_time_is_up_the_stack_goes_and_what_is_left_is_failed(bench: Bench) -> None:
    bench.checks(
        "import time\n"
        "@requirement('written')\ndef test_a(stack):\n    '''A.'''\n"
        "    while not stack.closed:\n        time.sleep(0.005)\n    stack.session.call('hello')\n"
        "@requirement('answers')\ndef test_b(stack):\n    '''B.'''\n"
    )
    result = bench.grade(timeout=0.3)
    assert statuses(result) == FAIL_BOTH
    for row in result.card.results:
        (outcome,) = row.outcomes
        assert outcome.evidence is not None
        assert "time" in outcome.evidence.seen
    assert bench.left == []


def test_the_stack_has_the_labs_own_services_and_our_tags(bench: Bench) -> None:
    result = bench.grade(keep=True)
    (stack,) = bench.runtime.engine.stacks
    specs = {spec.name: spec for spec in stack.spec.services}
    assert list(specs) == ["web", "lab-front"]
    assert specs["lab-front"].image == image("proxy").tag
    assert stack.spec.side_image == image("side").tag
    assert specs["web"].image == result.card.environment["images"]["web"]
    assert set(specs["web"].environment) == {"DB_PASSWORD", "SITE_NAME"}


COMPOSE = """\
services:
  web: {build: ., environment: {DB_PASSWORD: $DB_PASSWORD}}
  worker: {build: ., command: [/work]}
  db: {image: "postgres:15"}
"""


def test_compose_services_share_a_build_and_wait_for_the_labs_database(bench: Bench) -> None:
    bench.lab(
        "lab-memory",
        {
            "environment.yaml": "x-mde:\n  kind: compose\n  main: web\n  bases: [scratch]\n"
            "  images: {'postgres:15': mde-grade/proxy}\n  variables: {DB_PASSWORD: secret}\n"
        },
    )
    bench.submit({"compose.yaml": COMPOSE})
    bench.grade(keep=True)
    (stack,) = bench.runtime.engine.stacks
    specs = {spec.name: spec for spec in stack.spec.services}
    assert bench.builds == 1
    assert specs["web"].image == specs["worker"].image
    assert specs["db"].image == image("proxy").tag
    assert specs["worker"].requires == ("db",)
    assert specs["db"].requires == ()


def test_a_check_may_build_a_changed_copy_and_look_into_images(bench: Bench) -> None:
    change = "lambda root: (root / 'Dockerfile').write_text('FROM scratch\\nRUN other\\n')"
    bench.checks(
        "@requirement('written')\ndef test_a(rebuild, images, submission, search_image):\n    '''A.'''\n"
        f"    again = rebuild('web', {change})\n"
        "    assert (submission.root / 'app').is_file()\n"
        "    assert 'other' not in (submission.root / 'Dockerfile').read_text()\n"
        "    assert again.history == images['web'].history\n"
        "    assert search_image(again, {'app': b'/app', 'no': b'nowhere'})[0].needle == 'app'\n"
    )
    assert statuses(bench.grade(only=("written",))) == {"written": Status.PASSED}
    assert bench.builds == 2
    assert bench.left == []


def test_the_submission_itself_is_never_changed(bench: Bench) -> None:
    bench.grade()
    here = bench.place / "submission"
    assert {path.name for path in here.iterdir()} == {"Dockerfile", "app"}
    assert (here / "Dockerfile").read_text() == DOCKERFILE


def test_work_folders_of_dead_graders_are_swept_at_the_start(bench: Bench) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    pidns = Path("/proc/self/ns/pid").stat().st_ino
    old = bench.place / "state" / "mde-grade" / "work" / "old"
    old.mkdir(parents=True)
    old.with_name("old.owner").write_text(f"{boot}:{pidns}:1:0")
    bench.grade()
    for _ in range(200):
        if not old.exists():
            break
        time.sleep(0.01)
    assert not old.exists()


def test_what_was_graded_stays_graded_when_clearing_up_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_image: BuiltImage) -> None:
        raise EngineError("the engine did not answer")

    monkeypatch.setattr(bench.runtime, "discard", hang)
    result = bench.grade()
    assert result.card.verdict is Verdict.PASSED
    assert any("did not answer" in progress.text for progress in bench.heard)
