"""The commands that need no engine: list, show, init, completion, lab lint, lab verify, clean's words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mde_grader.cli import init, main, shelf
from mde_grader.cli.clean import told
from mde_grader.cli.tables import table
from mde_grader.errors import UsageError
from mde_grader.labs import find_labs
from mde_grader.linting import Problem
from mde_grader.proving import Proof, SolutionProof
from mde_grader.runtimes.base import Swept

LAB = """\
schema: mde-grade/lab/1
id: {id}
title: A lab about {id}
category: containers
level: foundation
track: core-devops
minutes: 30
pass_mark: 70
requirements:
  - {{id: builds, title: It builds, points: 40, gate: true}}
  - {{id: answers, title: It answers, points: 60, needs: [builds]}}
"""


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one lab, and a home of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    make_lab(tmp_path / "labs", "lab-77")
    return tmp_path / "labs"


def make_lab(home: Path, name: str) -> Path:
    root = home / name
    (root / "starter" / "deep").mkdir(parents=True)
    (root / "lab.yaml").write_text(LAB.format(id=name))
    (root / "README.md").write_text("# The brief\n\nDo **this** and that.\n")
    (root / "starter" / "deep" / "run.sh").write_text("#!/bin/sh\n")
    (root / "starter" / "deep" / "run.sh").chmod(0o755)
    return root


def test_list_shows_id_title_level_points_and_time(labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--labs", str(labs)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("lab-77")]
    assert [part.strip() for part in line.split("  ") if part.strip()][:3] == [
        "lab-77",
        "A lab about lab-77",
        "foundation",
    ]
    assert "100 points, 30 min" in line


def test_list_as_json(labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "--json", "--labs", str(labs)])
    row = next(row for row in json.loads(capsys.readouterr().out) if row["id"] == "lab-77")
    assert row["points"] == 100
    assert set(row) == set(shelf.FIELDS)


def test_list_knows_the_same_labs_as_grading(labs: Path) -> None:
    make_lab(labs, "lab-78")
    assert shelf.lab_roots(labs) == [folder.root for folder in find_labs(labs)]
    assert shelf.lab_roots(labs / "lab-78") == [folder.root for folder in find_labs(labs / "lab-78")]
    assert shelf.lab_roots(None) == [folder.root for folder in find_labs(None)]


def test_a_lab_is_read_once_and_again_when_it_changes(
    labs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "memory"
    first = shelf.summaries(labs, home)
    monkeypatch.setattr("mde_grader.labs.LabFolder.declared", property(lambda _: pytest.fail("it was read again")))
    assert shelf.summaries(labs, home) == first
    monkeypatch.undo()
    path = labs / "lab-77" / "lab.yaml"
    path.write_text(path.read_text().replace("A lab about", "Something else on"))
    assert "Something else" in str(shelf.summaries(labs, home))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"x": 1}', '{"x": {"lab": null}}'])
def test_a_broken_memory_is_no_memory(labs: Path, tmp_path: Path, content: str) -> None:
    home = tmp_path / "memory"
    home.mkdir()
    (home / shelf.NAME).write_text(content)
    assert any(row["id"] == "lab-77" for row in shelf.summaries(labs, home))


def test_labs_that_are_gone_are_forgotten(labs: Path, tmp_path: Path) -> None:
    make_lab(labs, "lab-78")
    shelf.summaries(labs, tmp_path)
    (labs / "lab-78" / "lab.yaml").unlink()
    (labs / "lab-77" / "lab.yaml").touch()
    shelf.summaries(labs, tmp_path)
    assert "lab-78" not in (tmp_path / shelf.NAME).read_text()


def test_a_memory_that_cannot_be_written_does_not_matter(labs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert shelf.summaries(labs, tmp_path / "file")


def test_a_lab_that_is_invalid_ends_the_list_with_4(labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labs / "lab-77" / "lab.yaml").write_text("id: [")
    assert main(["list", "--labs", str(labs)]) == 4
    assert "lab.yaml" in capsys.readouterr().err


def test_show_sets_the_brief_and_lists_the_points(labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "lab-77", "--labs", str(labs)]) == 0
    out = capsys.readouterr().out
    assert "The brief\n=========" in out
    assert "Do this and that." in out
    assert "   40  builds   It builds (must pass)" in out
    assert "   60  answers  It answers (needs builds)" in out
    assert "100 points, 70 % to pass" in out


def test_show_raw_is_the_file(labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "lab-77", "--labs", str(labs), "--raw"])
    assert capsys.readouterr().out == (labs / "lab-77" / "README.md").read_text()


def test_show_without_a_brief_is_the_labs_fault(labs: Path) -> None:
    (labs / "lab-77" / "README.md").unlink()
    assert main(["show", "lab-77", "--labs", str(labs)]) == 4


@pytest.mark.parametrize("command", ["show", "init"])
def test_a_lab_that_there_is_not_names_the_nearest(
    labs: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "lab-7", "--labs", str(labs)]) == 2
    assert "lab-77" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "place"), [([], "lab-77"), (["work"], "work"), (["a/b"], "a/b")])
def test_init_copies_the_starter(
    labs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], place: str
) -> None:
    assert main(["init", "lab-77", *arguments, "--labs", str(labs)]) == 0
    script = tmp_path / place / "deep" / "run.sh"
    assert script.stat().st_mode & 0o111
    seen = capsys.readouterr()
    assert seen.out.strip() == place
    assert f"mde-grade lab-77 {place}" in seen.err


def test_init_takes_an_empty_folder(labs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["init", "lab-77", "empty", "--labs", str(labs)]) == 0


def test_init_never_overwrites(labs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "work").write_text("precious")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("mine", "file", "link"):
        assert main(["init", "lab-77", name, "--labs", str(labs)]) == 2
    assert [path.name for path in place.iterdir()] == ["work"]
    assert "nothing is overwritten" in capsys.readouterr().err


def test_init_leaves_nothing_half_copied(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        target.mkdir()
        (target / "half").write_text("")
        raise OSError(28, "No space left on device")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="No space left"):
        init.write_whole(tmp_path / "new", fail)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_MDE_GRADE_COMPLETE" in script
    assert "mde-grade" in script


def test_completion_knows_three_shells() -> None:
    assert main(["completion", "tcsh"]) == 2


Complete = Callable[..., set[str]]


@pytest.fixture
def complete(labs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """What the shell would offer for the last word."""
    (labs.parent / "graders").mkdir()
    monkeypatch.setenv("MDE_GRADE_HOME", str(labs.parent))
    monkeypatch.setenv("_MDE_GRADE_COMPLETE", "bash_complete")

    def ask(*words: str) -> set[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(["mde-grade", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with pytest.raises(SystemExit, match="0"):
            main([])
        return {line.partition(",")[2] for line in capsys.readouterr().out.splitlines()}

    return ask


def test_completion_offers_commands_labs_and_options(complete: Complete) -> None:
    assert complete("li") == {"list"}
    assert complete("lab") == {"lab", "lab-77"}
    assert complete("lab", "v") == {"verify"}
    assert complete("show", "lab-") == {"lab-77"}
    assert complete("lab-77", "--only", "") >= {"builds", "answers"}
    assert complete("lab-77", "--k") == {"--keep"}
    assert "last" in complete("report", "")


def test_lint_says_each_problem_on_a_line_and_ends_with_4(
    labs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mde_grader.cli.lab_lint.lint", lambda *_, **__: [Problem("lab.yaml:3", "is wrong")])
    assert main(["lab", "lint", "lab-77", "--labs", str(labs)]) == 4
    assert capsys.readouterr().out == "lab-77: lab.yaml:3: is wrong\n"


def test_lint_of_a_lab_in_order(
    labs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mde_grader.cli.lab_lint.lint", lambda *_, **__: [])
    assert main(["lab", "lint", "lab-77", "--labs", str(labs)]) == 0
    assert capsys.readouterr().out == "lab-77: in order\n"


def proof(*rows: SolutionProof) -> Proof:
    return Proof("lab-77", ("builds", "answers"), rows)


def row(
    name: str, *, ok: bool = True, verdict: str = "passed", lost: tuple[str, ...] = (), why: str = ""
) -> SolutionProof:
    return SolutionProof(name, (), lost, verdict, 100.0, 3.0, ok=ok, why=why)


GOOD = row("reference")
WRONG = row("broken-a", ok=False, verdict="failed", lost=("builds",), why="also lost builds")
ERRORED = row("broken-b", ok=False, verdict="incomplete", why="errored: engine gone")
NOTHING = row("broken-c", ok=False, verdict="", why="no scorecard")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([GOOD], 0),
        ([GOOD, WRONG], 4),
        ([GOOD, ERRORED], 3),
        ([GOOD, NOTHING], 3),
        ([WRONG, ERRORED], 4),
    ],
)
def test_a_proof_has_its_exit_code(
    labs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[SolutionProof],
    code: int,
) -> None:
    monkeypatch.setattr("mde_grader.cli.lab_verify.verify", lambda *_, **__: proof(*rows))
    assert main(["lab", "verify", "lab-77", "--labs", str(labs)]) == code
    out = capsys.readouterr().out
    assert all(line.name in out for line in rows)
    assert all(line.why in out for line in rows)


def test_repetitions_that_differ_prove_the_lab_wrong(
    labs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter([proof(row("x", lost=())), proof(row("x", lost=("builds",)))])
    monkeypatch.setattr("mde_grader.cli.lab_verify.verify", lambda *_, **__: next(turns))
    assert main(["lab", "verify", "lab-77", "--repeat", "2", "--labs", str(labs)]) == 4
    assert "x did not come out the same each time" in capsys.readouterr().out


def test_repetitions_that_agree(
    labs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mde_grader.cli.lab_verify.verify", lambda *_, **__: proof(GOOD))
    assert main(["lab", "verify", "lab-77", "--repeat", "3", "--labs", str(labs)]) == 0
    assert "turn 3 of 3" in capsys.readouterr().err


def test_verify_passes_its_options_on_and_tells_each_solution(
    labs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def verify(folder: Any, **options: Any) -> Any:
        asked.update(options)
        options["listener"](WRONG)
        return proof(GOOD)

    monkeypatch.setattr("mde_grader.cli.lab_verify.verify", verify)
    main(["lab", "verify", "lab-77", "--only", "reference", "-j", "2", "--labs", str(labs)])
    assert (asked["only"], asked["jobs"], asked["quick"]) == (("reference",), 2, False)
    assert "broken-a: also lost builds" in capsys.readouterr().err
    main(["lab", "verify", "lab-77", "-q", "--quick", "--labs", str(labs)])
    assert asked["quick"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("swept", "text"),
    [
        (Swept(), "there was nothing to remove"),
        (Swept(containers=2), "removed 2 containers"),
        (Swept(1, 2, 3, 4), "removed 1 containers, 2 networks, 3 volumes, 4 images"),
    ],
)
def test_clean_says_what_it_removed(swept: Swept, text: str) -> None:
    assert told(swept) == text


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_a_table_fits_its_screen_while_it_can(columns: int) -> None:
    rows = [("lab-01", "A title that is rather long, as titles are", "foundation"), ("lab-2", "Short", "x")]
    lines = table(rows, columns)
    assert max(map(len, lines)) <= columns
    assert lines[1].startswith("lab-2   Short")
