"""`grade`, `report`: what goes where, and which exit code; attempts are faked."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mde_grader.attempts import AttemptRequest, AttemptResult
from mde_grader.cli import main
from mde_grader.cli.actions import in_repository, report_to_actions
from mde_grader.errors import EngineUnavailableError, InterruptedAttemptError
from mde_grader.model import (
    Evidence,
    Lab,
    Outcome,
    Progress,
    ProgressKind,
    Requirement,
    Scorecard,
    Status,
    SubmissionIdentity,
)
from mde_grader.reporters import FORMATS
from mde_grader.runs import CARD, new_run, write_atomically
from mde_grader.scoring import score
from tests.golden.cards import CARDS

ROWS = (
    Requirement("builds", "It builds", 40),
    Requirement("answers", "It answers", 60, needs=("builds",), hint="look at the port"),
)
LAB = Lab("lab-77", "A lab", "x", "foundation", "core", 10, 70, ROWS)
CODES = {Status.PASSED: 0, Status.FAILED: 1, Status.ERRORED: 3}


def card(status: Status = Status.PASSED) -> Scorecard:
    evidence = Evidence("a page", "nothing \x1b[31m", "curl it") if status is Status.FAILED else None
    outcomes = (
        Outcome("a.py::test_builds", "it builds", "builds", Status.PASSED),
        Outcome("a.py::test_answers", "it answers", "answers", status, evidence=evidence, reason="engine fell over"),
    )
    identity = SubmissionIdentity("ada", "sha256:" + "0" * 64, "folder", 3, 100)
    return score(LAB, outcomes, attempt="a1", submission=identity, started="2026-01-01T00:00:00+00:00", seconds=3.2)


@dataclass
class Stage:
    """What the faked attempt does, and what it was asked."""

    status: Status = Status.PASSED
    kept: str = ""
    error: BaseException | None = None
    asked: list[AttemptRequest] = field(default_factory=list)
    folder: Path | None = None

    def grade(self, request: AttemptRequest, listener: Any) -> AttemptResult:
        self.asked.append(request)
        listener(Progress(ProgressKind.PHASE_STARTED, "build"))
        listener(Progress(ProgressKind.PHASE_ENDED, "build", 1.1))
        if self.error:
            raise self.error
        made = card(self.status)
        for row in made.results:
            for outcome in row.outcomes:
                listener(Progress(ProgressKind.CHECK_ENDED, outcome.title, 0.1, outcome))
        self.folder = new_run("lab-77")
        write_atomically(self.folder / CARD, FORMATS["json"].render(made))
        return AttemptResult(made, self.folder, self.kept)


class FakeFolder:
    lab = LAB
    root = Path("/labs/lab-77")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    made = Stage()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mde_grader.cli.grade.grade", made.grade)
    monkeypatch.setattr("mde_grader.cli.grade.load_lab", lambda *_: FakeFolder())
    return made


@pytest.mark.parametrize(("status", "code"), CODES.items())
def test_the_verdict_is_the_exit_code(
    stage: Stage, capsys: pytest.CaptureFixture[str], status: Status, code: int
) -> None:
    stage.status = status
    assert main(["lab-77"]) == code
    seen = capsys.readouterr()
    assert "A lab" in seen.out
    assert "building: done in 1.1 s" in seen.err
    assert "A lab" not in seen.err


@pytest.mark.parametrize(
    ("error", "code"), [(EngineUnavailableError("none"), 3), (InterruptedAttemptError("stopped"), 130)]
)
def test_an_attempt_that_raises_writes_nothing_to_stdout(
    stage: Stage, capsys: pytest.CaptureFixture[str], error: Any, code: Any
) -> None:
    stage.error = error
    assert main(["lab-77"]) == code
    assert capsys.readouterr().out == ""


def test_the_options_reach_the_attempt(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    arguments = ["--only", "builds", "--only", "answers", "--keep", "--candidate", "Ada", "--timeout", "9.5"]
    main(["grade", "lab-77", "mine", *arguments])
    (asked,) = stage.asked
    assert (asked.path, asked.only, asked.keep) == (Path("mine"), ("builds", "answers"), True)
    assert (asked.candidate, asked.timeout) == ("Ada", 9.5)


def test_by_default_the_current_folder_is_graded_whole(stage: Stage) -> None:
    main(["lab-77"])
    (asked,) = stage.asked
    assert (asked.path, asked.only, asked.keep, asked.candidate, asked.timeout) == (Path(), (), False, None, None)


@pytest.mark.parametrize(
    "arguments",
    [["nowhere"], ["--format", "pdf"], ["--timeout", "0"], ["--timeout", "soon"], ["--labs", "nowhere"], [".", "more"]],
)
def test_what_cannot_be_meant_is_a_usage_error_before_any_work(stage: Stage, arguments: list[str]) -> None:
    assert main(["lab-77", *arguments]) == 2
    assert stage.asked == []


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("reference", ("one of lab-77's own solutions", " --only reference")),
        ("", ("the folder of lab-77's own solutions", "")),
    ],
)
def test_a_labs_own_solution_is_told_from_a_submission(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str, told: tuple[str, str]
) -> None:
    what, rest = told
    home = tmp_path / "lab-77"
    (home / "solutions" / "reference").mkdir(parents=True)
    (home / "lab.yaml").write_text("")
    path = Path("lab-77", "solutions", place)
    assert main(["lab-77", str(path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(f"{path} is {what}, kept as a template, and no submission")
    assert second.strip().endswith(f"`mde-grade lab verify {home}{rest}` fills it in and grades it")
    assert stage.asked == []


def test_a_solution_of_a_lab_of_ours_is_verified_by_the_labs_id(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2] / "labs/lab-02/solutions/reference")
    assert main(["lab-02"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(" this folder is one of lab-02's own solutions, kept as a template, and no submission")
    assert "`mde-grade lab verify lab-02 --only reference` fills it in and grades it" in second


def test_an_output_that_cannot_be_written_is_found_before_the_work(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["lab-77", "--output", "file/deeper"]) == 2
    assert stage.asked == []
    assert "cannot write to file/deeper" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "start"), [("json", "{"), ("junit", "<?xml"), ("markdown", "#"), ("html", "<!")])
def test_one_machine_format_is_alone_on_stdout(
    stage: Stage, capsys: pytest.CaptureFixture[str], name: str, start: str
) -> None:
    main(["lab-77", "--format", name])
    out = capsys.readouterr().out
    assert out.lower().startswith(start)
    if name == "json":
        assert json.loads(out)["lab"]["id"] == "lab-77"


def test_the_run_folder_keeps_json_html_and_a_log(stage: Stage) -> None:
    main(["lab-77", "-q"])
    assert stage.folder is not None
    names = {path.name for path in stage.folder.iterdir()}
    assert names == {"scorecard.json", "scorecard.html", "evidence", "log.txt"}
    assert "phase-ended build 1.100" in (stage.folder / "log.txt").read_text()


def test_several_formats_go_to_the_run_folder_but_for_the_consoles(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["lab-77", "--format", "console,junit"])
    assert stage.folder is not None
    assert (stage.folder / "scorecard.xml").exists()
    assert "A lab" in capsys.readouterr().out


def test_with_an_output_each_format_is_a_file_there(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["lab-77", "--format", "console,json,junit,markdown,html", "--output", "out"])
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"scorecard.{extension}" for extension in ("txt", "json", "xml", "md", "html")}
    assert "A lab" in capsys.readouterr().out


def test_with_an_output_and_no_console_stdout_stays_empty(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lab-77", "--format", "json", "--output", "out", "-q"])
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "out/scorecard.json" in seen.err


def test_an_output_alone_gets_console_json_and_html(stage: Stage, tmp_path: Path) -> None:
    main(["lab-77", "--output", "out"])
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".txt", ".json", ".html"}


def test_quiet_leaves_stderr_empty(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lab-77", "-q"])
    assert capsys.readouterr().err == ""


def test_verbose_tells_what_begins(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lab-77", "-v"])
    assert "building: started" in capsys.readouterr().err


def test_a_kept_stack_says_how_to_look_inside_and_how_to_end_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.kept = "docker exec -it mde-web sh"
    main(["lab-77", "--keep", "-q"])
    err = capsys.readouterr().err
    assert "docker exec -it mde-web sh" in err
    assert "mde-grade clean --kept" in err


def test_an_incomplete_attempt_says_whose_fault_it_is_and_where_the_log_is(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.status = Status.ERRORED
    main(["lab-77", "-q"])
    err = capsys.readouterr().err
    assert "no fault of the submission" in err
    assert str(stage.folder) in err


def test_a_full_disk_after_the_grading_is_one_line(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mde_grader.cli.outputs.write_atomically", full)
    assert main(["lab-77", "-q"]) == 3
    assert "No space left on device" in capsys.readouterr().err


def test_in_actions_the_summary_grows_and_failures_are_annotated(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    stage.status = Status.FAILED
    assert main(["lab-77", "-q", "--format", "json"]) == 1
    seen = capsys.readouterr()
    json.loads(seen.out)
    assert summary.read_text().startswith("before\n")
    assert "A lab" in summary.read_text()
    assert "::error" in seen.err


def test_in_actions_an_annotation_lands_on_the_submissions_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "work" / "amina"
    folder.mkdir(parents=True)
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    report_to_actions(CARDS["refused-1"](), environment, submission=folder)
    assert "::error file=work/amina/compose.yaml,line=12," in capsys.readouterr().err


def test_in_actions_the_graded_folder_is_the_annotations_root(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("mde_grader.cli.grade.report_to_actions", lambda card, submission: told.append(submission))
    (tmp_path / "mine").mkdir()
    main(["lab-77", "mine", "-q"])
    assert told == [Path("mine")]


def test_a_submission_is_named_from_the_repositorys_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repo" / "mine").mkdir(parents=True)
    (tmp_path / "repo" / "mine.zip").write_bytes(b"")
    monkeypatch.chdir(tmp_path / "repo")
    repository = str(tmp_path / "repo")
    assert in_repository(Path("mine"), repository) == "mine"
    assert in_repository(Path(), repository) == "."
    assert in_repository(tmp_path, repository) == ""
    assert in_repository(Path("mine.zip"), repository) == ""
    assert in_repository(Path("mine"), "") == ""


def test_in_actions_the_consoles_text_stands_between_random_stop_tokens(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    tokens: list[str] = []
    for _ in range(2):
        main(["lab-77", "-q"])
        first, *_, last = capsys.readouterr().out.strip().splitlines()
        token = first.removeprefix("::stop-commands::")
        assert last == f"::{token}::"
        tokens.append(token)
    assert tokens[0] != tokens[1]


def test_a_summary_that_cannot_be_written_does_not_end_the_grading(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert main(["lab-77"]) == 0
    assert "summary could not be written" in capsys.readouterr().err


def test_outside_of_actions_nothing_is_annotated(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.status = Status.FAILED
    main(["lab-77"])
    seen = capsys.readouterr()
    assert "::error" not in seen.out + seen.err


def test_a_mistyped_lab_is_not_taken_for_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab-2"]) == 2
    assert "did you mean lab-02" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "meant"), [("lst", "list"), ("doctr", "doctor"), ("versoin", None)])
def test_a_mistyped_command_is_recognised(capsys: pytest.CaptureFixture[str], typed: str, meant: str | None) -> None:
    assert main([typed]) == 2
    err = capsys.readouterr().err
    assert (f"did you mean `mde-grade {meant}`" in err) == bool(meant)


def test_a_report_renders_the_last_run_again(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lab-77", "-q"])
    first = capsys.readouterr().out.splitlines()
    assert main(["report"]) == 0
    assert capsys.readouterr().out.splitlines()[:5] == first[:5]
    assert main(["report", "last", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["attempt"] == "a1"


def test_a_report_goes_to_files(stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["lab-77", "-q"])
    capsys.readouterr()
    assert main(["report", str(stage.folder), "--format", "junit,html", "--output", "again"]) == 0
    assert capsys.readouterr().out == ""
    assert {path.name for path in (tmp_path / "again").iterdir()} == {"scorecard.xml", "scorecard.html"}


def test_several_formats_of_a_report_need_a_folder(stage: Stage) -> None:
    main(["lab-77", "-q"])
    assert main(["report", "--format", "json,html"]) == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"lab": 3}', '{"schema": "mde-grade/scorecard/1"}'])
def test_a_broken_scorecard_is_a_usage_error(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str
) -> None:
    (tmp_path / CARD).write_text(content)
    assert main(["report", str(tmp_path / CARD)]) == 2
    assert "is not a scorecard" in capsys.readouterr().err


def test_a_report_of_nothing_is_a_usage_error(stage: Stage) -> None:
    assert main(["report"]) == 2
    assert main(["report", "nonsense"]) == 2


def test_no_colour_where_there_is_no_terminal(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.status = Status.FAILED
    main(["lab-77"])
    seen = capsys.readouterr()
    assert "\x1b" not in seen.out + seen.err
    assert not sys.stdout.isatty()
