"""What is kept of an attempt: whose fault it was, nothing secret, and files with safe names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mde_grader.errors import BuildFailedError, EngineError
from mde_grader.evidence import fault_of, mask_log, without_secrets, write_record
from mde_grader.model import Evidence, Outcome, Status
from tests.golden.cards import CARDS


def hide(text: str) -> str:
    return text.replace("s3cret", "<X>")


def test_a_submissions_error_is_the_candidates_with_all_its_words() -> None:
    error = BuildFailedError(
        "build.failed", "RUN s3cret\x1b[31m failed", where="Dockerfile:3", hint="not s3cret", said="s3cret\n"
    )
    fault = fault_of(error, hide)
    assert (fault.owner, fault.rule, fault.where) == ("candidate", "build.failed", "Dockerfile:3")
    assert fault.message == "RUN <X> failed"
    assert fault.hint == "not <X>"
    assert fault.said.strip() == "<X>"


def test_our_errors_are_ours_with_a_next_step() -> None:
    fault = fault_of(EngineError("the engine went away"), hide)
    assert (fault.owner, fault.rule, fault.message) == ("grader", "engine", "the engine went away")
    assert "doctor" in fault.hint


def test_a_bug_is_ours_under_its_name() -> None:
    fault = fault_of(ZeroDivisionError("x" * 5000), hide)
    assert (fault.owner, fault.rule) == ("grader", "internal")
    assert fault.message.startswith("ZeroDivisionError: x")
    assert len(fault.message) <= 700


def test_evidence_loses_secrets_in_each_of_its_texts() -> None:
    outcome = Outcome("a.py::test_a", "A", "a", Status.FAILED, evidence=Evidence(*["a s3cret b"] * 4))
    assert without_secrets(outcome, hide).evidence == Evidence(*["a <X> b"] * 4)


def test_an_outcome_without_evidence_stays_as_it_is() -> None:
    outcome = Outcome("a.py::test_a", "A", "a", Status.PASSED)
    assert without_secrets(outcome, hide) is outcome


def test_a_log_loses_secrets_and_a_missing_one_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one s3cret\n\xff s3cret\n")
    mask_log(tmp_path / "log", hide)
    mask_log(tmp_path / "nowhere", hide)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "one <X>\n\ufffd <X>\n"
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize("check", ["../../up.py::test_a[x/../y]", "A.py::TEST", "..", "x" * 400])
def test_each_failed_check_gets_a_file_inside_the_run_folder(tmp_path: Path, check: str) -> None:
    card = CARDS["pass-0"]()
    row = card.results[0]
    outcome = Outcome(check, "A title", row.requirement.id, Status.FAILED, evidence=Evidence("red", "blue", "", "said"))
    card = replace(card, results=(replace(row, outcomes=(outcome,)), *card.results[1:]))
    write_record(card, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert json.loads((tmp_path / "run" / "scorecard.json").read_text(encoding="utf-8"))["attempt"] == card.attempt
    (told,) = (path for path in (tmp_path / "run" / "evidence").iterdir() if "A title" in path.read_text("utf-8"))
    text = told.read_text(encoding="utf-8")
    assert "expected:\nred" in text
    assert "seen:\nblue" in text
    assert "see it yourself" not in text
