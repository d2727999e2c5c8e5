"""What is drawn: plain and live progress, the matrix of a proof, the doctor's table, a brief's Markdown, the screen."""

import io
import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.cli import progress, terminal
from mde_grader.cli.doctor import report
from mde_grader.cli.journal import Journal
from mde_grader.cli.live import Live
from mde_grader.cli.markdown import plain
from mde_grader.cli.matrix import matrix, summary
from mde_grader.cli.progress import Lines, Quiet, watcher
from mde_grader.doctor.findings import Diagnosis, Finding
from mde_grader.model import Outcome, Progress, ProgressKind, Status, VariantIdentity
from mde_grader.proving import Proof, SolutionProof


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    """A terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def ended(status: Status, title: str = "Notes survive", requirement: str = "data") -> Progress:
    outcome = Outcome("a.py::t", title, requirement, status)
    return Progress(ProgressKind.CHECK_ENDED, title, 0.3, outcome)


PHASE = Progress(ProgressKind.PHASE_ENDED, "build", 1.14)
STARTED = Progress(ProgressKind.PHASE_STARTED, "build")
NOTE = Progress(ProgressKind.NOTE, "trying again")


def lines(*events: Progress, **options: Any) -> list[str]:
    said: list[str] = []
    clock = Clock()
    with Lines(said.append, clock=clock, **options) as watch:
        clock.now += 3.2
        for event in events:
            watch(event)
    return said


def test_a_phase_is_one_line_with_the_time_since_the_start() -> None:
    assert lines(STARTED, PHASE) == ["[   3.2s] building: done in 1.1 s"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stage", "reading the submission"),
        ("start", "starting"),
        ("checks", "checking"),
        ("teardown", "clearing up"),
        ("new\x1b[2J", "new"),
    ],
)
def test_phases_are_told_in_words(name: str, words: str) -> None:
    assert lines(Progress(ProgressKind.PHASE_ENDED, name, 1.0)) == [f"[   3.2s] {words}: done in 1.0 s"]


def test_verbose_also_tells_what_begins() -> None:
    assert lines(STARTED, verbose=True) == ["[   3.2s] building: started"]


@pytest.mark.parametrize(
    ("status", "fancy", "ascii_mark"),
    [
        (Status.PASSED, "✔", "ok"),
        (Status.FAILED, "✘", "FAIL"),
        (Status.SKIPPED, "∅", "skip"),
        (Status.ERRORED, "!", "ERROR"),
    ],
)
def test_a_check_has_its_mark(status: Status, fancy: str, ascii_mark: str) -> None:
    assert lines(ended(status), unicode=True) == [f"[   3.2s] {fancy} Notes survive"]
    assert lines(ended(status)) == [f"[   3.2s] {ascii_mark} Notes survive"]


def test_notes_are_told() -> None:
    assert lines(NOTE) == ["[   3.2s] trying again"]


def test_a_hidden_checks_title_is_not_told() -> None:
    (line,) = lines(ended(Status.FAILED, "the secret input 42"), hidden={"data"})
    assert "42" not in line
    assert "hidden" in line


def test_titles_cannot_move_the_cursor() -> None:
    (line,) = lines(ended(Status.FAILED, "a\x1b[2Jb\nc\x07"))
    assert not {"\x1b", "\n", "\x07"} & set(line)


@pytest.mark.parametrize(
    ("quiet", "verbose", "env", "kind"),
    [
        (True, 0, {}, Quiet),
        (False, 0, {}, Live),
        (False, 1, {}, Live),
        (False, 2, {}, Lines),
        (False, 0, {"TERM": "dumb"}, Lines),
        (False, 0, {"CI": "true"}, Lines),
        (False, 0, {"NO_COLOR": "1"}, Live),
    ],
)
def test_the_watcher_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, quiet: Any, verbose: Any, env: Any, kind: Any
) -> None:
    for name in ("CI", "TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert type(watcher(quiet=quiet, verbose=verbose, stream=Screen())) is kind


def test_elsewhere_lines_are_plain() -> None:
    assert type(watcher(quiet=False, verbose=0, stream=io.StringIO())) is Lines


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watcher(quiet=True, verbose=0) as watch:
        watch(PHASE)
    seen = capsys.readouterr()
    assert seen.out + seen.err == ""


def live(*events: Progress, monkeypatch: pytest.MonkeyPatch, colour: bool = True, **options: Any) -> str:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    with Live(screen, **options) as watch:
        for event in events:
            watch(event)
    return screen.getvalue()


def test_live_keeps_phases_and_failures_and_lets_passed_checks_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = live(STARTED, PHASE, ended(Status.PASSED, "good"), ended(Status.FAILED, "bad"), monkeypatch=monkeypatch)
    assert "building" in shown
    assert "1.1 s" in shown
    assert "bad" in shown
    assert "good" in live(ended(Status.PASSED, "good"), monkeypatch=monkeypatch, verbose=True)


def test_live_takes_no_text_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    title = "[bold red]x[/] :smile: [link=http://a]b"
    shown = live(ended(Status.FAILED, title), monkeypatch=monkeypatch)
    assert title in shown


def test_live_shows_what_runs_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    clock = Clock()
    watch = Live(Screen(), clock=clock)
    watch(STARTED)
    watch(ended(Status.PASSED, "first"))
    clock.now += 2.5
    with watch.console.capture() as captured:
        watch.console.print(watch.drawing())
    drawn = captured.get()
    assert "building" in drawn
    assert "2.5 s" in drawn
    assert "first" in drawn
    assert "✔ 1" in drawn


def test_live_honours_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    events = (STARTED, PHASE, ended(Status.FAILED, "bad"))
    assert "\x1b[31m" in live(*events, monkeypatch=monkeypatch)
    plain_text = live(*events, monkeypatch=monkeypatch, colour=False)
    assert "\x1b[31m" not in plain_text
    assert "\x1b[32m" not in plain_text


def interrupted(watch: Live) -> None:
    with watch:
        watch(STARTED)
        raise KeyboardInterrupt


def test_live_puts_the_cursor_back_when_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    with pytest.raises(KeyboardInterrupt):
        interrupted(Live(screen))
    assert screen.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in screen.getvalue()


def test_long_titles_stay_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = live(ended(Status.FAILED, "word " * 80), monkeypatch=monkeypatch, colour=False)
    assert max(map(len, re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", shown).split("\n"))) <= 61


def test_the_journal_keeps_progress_and_our_own_log(tmp_path: Path) -> None:
    heard: list[Progress] = []
    with Journal() as journal:
        journal.listening(heard.append)(PHASE)
        logging.getLogger("mde_grader.x").warning("the %s\x1b[1m", "engine")
    text = journal.keep(tmp_path).read_text()
    assert heard == [PHASE]
    assert "phase-ended build 1.140" in text
    assert "warning mde_grader.x: the engine" in text
    assert "\x1b" not in text
    assert logging.getLogger("mde_grader").handlers == []


def test_the_journal_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mde_grader.cli.journal.LONGEST", 3)
    with Journal() as journal:
        for _ in range(9):
            journal.add("x")
    assert len(journal.keep(tmp_path).read_text().splitlines()) == 3


def solution(name: str, declares: tuple[str, ...] | None, lost: tuple[str, ...], **more: Any) -> SolutionProof:
    fields = {"verdict": "failed", "points": 60.0, "seconds": 12.3, "ok": True, **more}
    return SolutionProof(name, declares, lost, **fields)


NAMES = ("builds", "answers", "non-root")
PROOF = Proof(
    "lab-77",
    NAMES,
    (
        solution("reference", (), (), verdict="passed"),
        solution("broken-root", ("non-root",), ("non-root",)),
        solution("broken-x", ("builds",), ("answers",), ok=False, why="also lost answers; did not lose builds"),
        solution("broken-y", ("builds",), (), verdict="incomplete", ok=False, why="errored: engine gone"),
        solution("starter", None, ("builds", "answers")),
    ),
)


def test_what_was_not_graded_is_neither_kept_nor_proven() -> None:
    proof = replace(PROOF, rows=(PROOF.rows[0], replace(PROOF.rows[1], graded=("non-root",))))
    text = matrix(proof)
    assert cells(text, "reference") == "···"
    assert cells(text, "broken-root").startswith("○60")
    assert "blank: not graded" in text
    assert "blank" not in matrix(PROOF)
    assert summary(proof).endswith(": proven, as far as it was graded")


def cells(text: str, name: str) -> str:
    line = next(line for line in text.splitlines() if line.startswith(name))
    return "".join(line.removeprefix(name).split()[:3])


def test_the_matrix_tells_declared_from_undeclared() -> None:
    text = matrix(PROOF)
    assert cells(text, "reference") == "···"
    assert cells(text, "broken-root") == "··○"
    assert cells(text, "broken-x") == "!✘·"
    assert cells(text, "broken-y") == "???"
    assert cells(text, "starter") == "○○·"
    assert "broken-x: also lost answers; did not lose builds" in text
    assert "3 non-root" in text


def test_the_matrix_in_ascii() -> None:
    matrix(PROOF, unicode=False).encode("ascii")


@pytest.mark.parametrize("count", [1, 9, 14, 20])
def test_the_matrix_fits_80_columns(count: int) -> None:
    names = tuple(f"requirement-{n}" for n in range(count))
    rows = (solution("also-right-a-name-that-is-too-long-to-fit", (), names),)
    wide = [line for line in matrix(Proof("lab-77", names, rows)).splitlines() if len(line) > 80]
    assert wide == []


def test_the_summary_says_what_is_proven() -> None:
    assert "3 of 5 solutions as declared" in summary(PROOF)
    assert summary(PROOF).endswith("something of ours failed")
    assert summary(Proof("l", NAMES, PROOF.rows[:2])).endswith(": proven")
    assert summary(Proof("l", NAMES, PROOF.rows[:3])).endswith(": not proven")


GOOD = Finding("memory", "memory is capped", True, "killed", "32 MB: killed after 0.3 s")
BAD = Finding(
    "egress", "the internet is out of reach", False, "nothing", "reached: public 1.1.1.1 " * 6, "use another engine"
)
ABOUT = {
    "endpoint": "unix:///x",
    "version": "20.10",
    "api": "1.41",
    "storage": "overlay2",
    "cgroup": "1",
    "kernel": "6",
}


def test_the_doctors_table_has_values_marks_hints_and_the_isolation() -> None:
    text = report(Diagnosis({**ABOUT, "filters": "seccomp, apparmor"}, "docker+userns", (GOOD, BAD), 6.0))
    assert "isolation: docker+userns, with seccomp, apparmor\n" in text
    assert "✔ memory is capped               32 MB: killed after 0.3 s" in text
    assert "✘ the internet is out of reach" in text
    assert "use another engine" in text
    assert "1 of 2 do not hold (6.0 s)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_doctors_table_in_ascii_and_in_colour() -> None:
    healthy = Diagnosis(ABOUT, "docker", (GOOD,), 6.0)
    assert "isolation: docker\n" in report(healthy)
    report(healthy, unicode=False).encode("ascii")
    assert "\x1b[32m" in report(healthy, colour=True)
    assert "\x1b" not in report(healthy)
    assert "this machine can grade" in report(healthy)


def test_a_diagnosis_holds_only_when_all_of_it_does() -> None:
    assert Diagnosis(findings=(GOOD,)).held
    assert not Diagnosis(findings=(GOOD, BAD)).held
    assert not Diagnosis().held
    assert json.loads(json.dumps(Diagnosis(ABOUT, "x", (GOOD,)).plain()))["findings"][0]["name"] == "memory"


BRIEF = """\
# Title #

A *paragraph* with **bold** and a [link](https://a.b) that
goes on.
- one item that is long enough to be broken into several lines of text
  and goes on
1. two

```sh
mde-grade   lab-02

# not a heading
```

| a | b |
|---|---|
## Next
text
"""


def test_a_brief_is_set_for_a_terminal() -> None:
    text = plain(BRIEF, 40)
    assert text.startswith("Title\n=====\n\n")
    assert "A *paragraph* with bold and a link\n(https://a.b) that goes on." in text
    assert "- one item that is long enough to be\n  broken into several" in text
    assert (
        "    mde-grade   lab-02\n\n    # not a heading" in text or "    mde-grade   lab-02\n    # not a heading" in text
    )
    assert "| a | b |\n|---|---|" in text
    assert "Next\n----\n\ntext" in text


@given(st.text(max_size=400), st.integers(min_value=10, max_value=120))
def test_any_text_can_be_set(text: str, columns: int) -> None:
    plain(text, columns)


@pytest.mark.parametrize(
    ("tty", "env", "wanted"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(tty: bool, env: dict[str, str], wanted: bool) -> None:
    assert terminal.wants_colour(Screen() if tty else io.StringIO(), env) is wanted


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("500", 120), ("5", 40), ("", 80), ("no", 80)])
def test_the_width_is_within_reason(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.width(io.StringIO()) == width


def test_ascii_streams_get_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert not terminal.speaks_unicode(stream)
    assert terminal.arrow(stream) == "->"
    assert type(progress.watcher(quiet=False, verbose=0, stream=stream)) is Lines


VARIANT = VariantIdentity("3fa9c1d2", practice=False, values={"item": "loan", "port": 8113})


def test_the_matrix_of_a_variant_names_it_and_its_values() -> None:
    text = matrix(replace(PROOF, variant=VARIANT, candidate="verify-7-1"))
    assert text.splitlines()[:2] == ["lab-77, variant 3fa9c1d2, for verify-7-1", "  item=loan  port=8113"]
    assert "reference" in text
    practice = matrix(replace(PROOF, variant=replace(VARIANT, practice=True)))
    assert practice.splitlines()[0] == "lab-77, the practice variant"


def test_a_brief_matrix_leaves_out_what_is_as_declared() -> None:
    text = matrix(replace(PROOF, variant=VARIANT, candidate="verify-7-1"), brief=True)
    assert "broken-x: also lost answers" in text
    assert "reference" not in text
    good = matrix(replace(PROOF, rows=PROOF.rows[:2], variant=VARIANT, candidate="verify-7-1"), brief=True)
    assert good.splitlines() == ["lab-77, variant 3fa9c1d2, for verify-7-1", "  item=loan  port=8113"]
