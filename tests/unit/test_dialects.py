"""Labs with dialects: declared, chosen, asked for, told, proven."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from mde_grader.cli import main
from mde_grader.codec.labs import lab_from
from mde_grader.codec.nodes import document_from
from mde_grader.codec.scorecards import scorecard_from, scorecard_to
from mde_grader.dialects import READ, choose, held, insist_on_dialect
from mde_grader.errors import LabInvalidError, SubmissionRefusedError, UsageError
from mde_grader.labs import LabFolder
from mde_grader.linting import lint
from mde_grader.model import Dialect, DialectIdentity, Lab, Scorecard, Verdict
from mde_grader.proving import verify
from mde_grader.reporters import FORMATS
from tests.golden.cards import CARDS
from tests.unit.attempting import CHECKS, DOCKERFILE, ENVIRONMENT, LAB, Bench, bench, statuses, write

__all__ = ["bench"]

DIALECTS = """\
dialects:
  github: {title: GitHub Actions, files: [".github/workflows/*.yml", ".github/workflows/*.yaml"]}
  gitlab: {title: GitLab CI, files: [.gitlab-ci.yml]}
  make: {title: Make, files: [Makefile, GNUmakefile], line: "pipeline\\\\s*:"}
"""
GITHUB = ".github/workflows/ci.yml"
GITLAB = ".gitlab-ci.yml"


def declared(text: str = DIALECTS) -> Lab:
    return lab_from(document_from(LAB + text, file="lab.yaml"))


WITH = declared()
WITHOUT = declared("")


def test_dialects_are_read_in_their_order() -> None:
    assert [dialect.id for dialect in WITH.dialects] == ["github", "gitlab", "make"]
    assert WITH.dialects[2] == Dialect("make", "Make", ("Makefile", "GNUmakefile"), r"pipeline\s*:")
    assert WITHOUT.dialects == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{}", "dialects must name at least one"),
        ("{A: {title: A, files: [a]}}", "dialects.A must have a name that matches"),
        ("{a: {title: A}}", "lacks `files`"),
        ("{a: {title: A, files: []}}", "dialects.a.files must name at least one pattern"),
        ("{a: {title: A, files: [../a]}}", "does not match"),
        ("{a: {title: A, files: [a/../../b]}}", "does not match"),
        ("{a: {title: A, files: [/etc/passwd]}}", "does not match"),
        ("{a: {title: A, files: [a], line: '('}}", "dialects.a.line is no regular expression"),
        ("{a: {title: A, files: [a], lines: x}}", "did you mean `line`"),
    ],
)
def test_a_dialect_that_cannot_be_is_refused_with_its_line(entry: str, said: str) -> None:
    with pytest.raises(LabInvalidError, match=r"^lab\.yaml:\d+: ") as caught:
        declared(f"dialects: {entry}\n")
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("files", "wanted", "chosen"),
    [
        ({GITHUB: ""}, None, "github"),
        ({".github/workflows/deploy.yaml": ""}, None, "github"),
        ({GITLAB: ""}, None, "gitlab"),
        ({GITLAB: "", GITHUB: ""}, "gitlab", "gitlab"),
        ({"Makefile": "test:\n\tpytest\npipeline: test\n"}, None, "make"),
        ({"Makefile": "test:\n\tpytest\n", GITHUB: ""}, None, "github"),
        ({"Makefile": "# pipeline:\n", GITHUB: ""}, None, "github"),
        ({"ci/.gitlab-ci.yml": "", GITHUB: ""}, None, "github"),
        ({".github/workflows/old/ci.yml": "", GITLAB: ""}, None, "gitlab"),
    ],
)
def test_the_one_that_is_held_or_asked_for_is_chosen(
    tmp_path: Path, files: dict[str, str], wanted: str | None, chosen: str
) -> None:
    dialect = choose(WITH, write(tmp_path, files), wanted)
    assert dialect is not None
    assert dialect.id == chosen


def test_a_lab_without_dialects_has_none(tmp_path: Path) -> None:
    assert choose(WITHOUT, write(tmp_path, {GITHUB: ""}), None) is None


def test_several_without_a_choice_are_a_question_and_no_zero(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds more than one dialect: github, gitlab") as caught:
        choose(WITH, write(tmp_path, {GITHUB: "", GITLAB: ""}), None)
    assert caught.value.hint == "say which is to be graded: `--dialect github`"


def test_none_is_refused_with_what_could_be_handed_in(tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefusedError, match=r"GitHub Actions or GitLab CI or Make \[") as caught:
        choose(WITH, write(tmp_path, {"Makefile": "all:\n"}), None)
    assert caught.value.rule == "submission.dialect"
    assert ".gitlab-ci.yml (GitLab CI)" in caught.value.hint
    assert "Makefile or GNUmakefile with a line “pipeline:” (Make)" in caught.value.hint


def test_one_that_is_asked_for_and_missing_is_refused_and_the_other_named(tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefusedError) as caught:
        choose(WITH, write(tmp_path, {GITLAB: ""}), "github")
    assert caught.value.message == (
        "the submission holds nothing of GitHub Actions; it holds gitlab, which `--dialect gitlab` grades"
    )
    assert caught.value.hint.startswith("hand in .github/workflows/*.yml or ")


def test_a_folder_of_that_name_and_a_line_far_below_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / GITLAB).mkdir()
    write(tmp_path, {"Makefile": "#" * READ + "\npipeline:\n"})
    assert held(WITH, tmp_path) == ()


def test_asking_for_what_a_lab_has_not_is_a_usage_error() -> None:
    insist_on_dialect(WITH, "make")
    insist_on_dialect(WITHOUT, None)
    with pytest.raises(UsageError, match="no dialect “jenkins”") as caught:
        insist_on_dialect(WITH, "jenkins")
    assert caught.value.hint == "there are: github, gitlab, make"
    with pytest.raises(UsageError, match="lab-memory has no dialects"):
        insist_on_dialect(WITHOUT, "make")


CHECK = """
@requirement("written")
def test_it_is_in_its_dialect(dialect):
    '''It is in the dialect.'''
    expect(dialect == "gitlab", expected="gitlab", seen=repr(dialect))
"""


def told(bench: Bench, lab: str = LAB + DIALECTS) -> None:
    bench.lab("lab-memory", {"lab.yaml": lab, "environment.yaml": ENVIRONMENT, "checks/test_it.py": CHECKS + CHECK})


def test_checks_are_told_the_dialect_and_the_scorecard_too(bench: Bench) -> None:
    told(bench)
    write(bench.place / "submission", {GITLAB: ""})
    result = bench.grade()
    assert statuses(result)["written"] == "passed"
    assert result.card.dialect == DialectIdentity("gitlab", "GitLab CI")
    assert result.card.lab.dialects == ()


def test_a_lab_without_dialects_tells_its_checks_an_empty_one(bench: Bench) -> None:
    told(bench, LAB)
    result = bench.grade()
    assert "seen" in repr(result.card.results[0].outcomes)
    assert "\"''\"" in repr(result.card.results[0].outcomes)
    assert result.card.dialect is None


def test_a_submission_in_no_dialect_is_refused_before_anything_is_built(bench: Bench) -> None:
    told(bench)
    result = bench.grade()
    assert result.card.verdict is Verdict.FAILED
    assert result.card.fault is not None
    assert (result.card.fault.rule, bench.builds) == ("submission.dialect", 0)
    assert result.card.dialect is None


def test_several_dialects_end_the_command_and_leave_nothing(bench: Bench) -> None:
    told(bench)
    write(bench.place / "submission", {GITLAB: "", GITHUB: ""})
    with pytest.raises(UsageError, match="more than one dialect"):
        bench.grade()
    assert bench.left == []
    assert bench.grade(dialect="gitlab").card.dialect == DialectIdentity("gitlab", "GitLab CI")


def test_a_dialect_that_there_is_not_ends_before_the_engine_is_asked(bench: Bench) -> None:
    told(bench)
    with pytest.raises(UsageError, match="no dialect “jenkins”"):
        bench.grade(dialect="jenkins")
    assert bench.connected == 0


def card() -> Scorecard:
    return dataclasses.replace(next(iter(CARDS.values()))(), dialect=DialectIdentity("github", "GitHub <Actions>"))


def test_a_scorecard_comes_back_with_its_dialect() -> None:
    data = json.loads(json.dumps(scorecard_to(card())))
    assert data["dialect"] == {"id": "github", "title": "GitHub <Actions>"}
    assert scorecard_from(data) == card()
    assert "dialect" not in scorecard_to(dataclasses.replace(card(), dialect=None))
    assert "dialects" not in data["lab"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("console", "Dialect GitHub <Actions> (github)"),
        ("markdown", "| Dialect | GitHub"),
        ("junit", '<property name="dialect" value="github"/>'),
        ("html", "GitHub &lt;Actions&gt;"),
        ("json", '"title": "GitHub <Actions>"'),
    ],
)
def test_every_format_names_the_dialect(name: str, shown: str) -> None:
    assert shown in FORMATS[name].render(card())
    assert shown not in FORMATS[name].render(dataclasses.replace(card(), dialect=None))


FILES = {
    "lab.yaml": LAB + DIALECTS,
    "environment.yaml": ENVIRONMENT,
    "checks/test_it.py": CHECKS,
    "README.md": "# Brief\n",
    "starter/Dockerfile": "FROM scratch\n",
    "solutions/reference/solution.yaml": "title: Right\ndialect: github\n",
    "solutions/reference/Dockerfile": DOCKERFILE,
    "solutions/also-right-gitlab/solution.yaml": "title: Right\ndialect: gitlab\n",
    "solutions/broken-a/solution.yaml": "base: reference\nloses: [written]\n",
    "solutions/broken-b/solution.yaml": "base: reference\nloses: [answers]\ndialect: make\n",
}


@pytest.fixture
def lab(tmp_path: Path) -> LabFolder:
    return LabFolder(write(tmp_path / "labs" / "lab-memory", FILES))


def test_a_dialect_without_a_right_solution_is_found(lab: LabFolder, tmp_path: Path) -> None:
    (problem,) = lint(lab, log=tmp_path / "log")
    assert (problem.where, problem.message) == ("solutions/", "no right solution says `dialect: make`")


def test_a_solution_in_an_unknown_dialect_is_found(lab: LabFolder, tmp_path: Path) -> None:
    write(lab.solutions, {"also-right-make/solution.yaml": "title: x\ndialect: mak\n"})
    found = [(problem.where, problem.message) for problem in lint(lab, log=tmp_path / "log")]
    assert found[0] == ("solutions/also-right-make", "asks for “mak”, which is no dialect of the lab")


def test_a_solution_is_graded_in_the_dialect_that_it_declares(
    lab: LabFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: dict[str, list[str]] = {}

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls[Path(command[6]).parent.name] = command
        return subprocess.CompletedProcess(command, 3, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    verify(lab)
    asked = {name: call[call.index("--dialect") + 1] for name, call in calls.items() if "--dialect" in call}
    assert asked == {"reference": "github", "also-right-gitlab": "gitlab", "broken-b": "make"}
    assert {"broken-a", "starter"} < calls.keys()


def test_show_names_the_dialects(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(lab.root)]) == 0
    out = capsys.readouterr().out
    assert "  github  GitHub Actions: .github/workflows/*.yml, .github/workflows/*.yaml\n" in out
    assert "--dialect NAME" in out


def test_completion_offers_the_dialects_of_the_lab(
    lab: LabFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"mde-grade grade {lab.root} --dialect gi"
    monkeypatch.setenv("_MDE_GRADE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit, match="0"):
        main([])
    assert capsys.readouterr().out.split() == ["plain,github", "plain,gitlab"]
