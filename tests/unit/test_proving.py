"""A lab against its solutions, with a stand-in for the command that grades each."""

from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mde_grader.codec.scorecards import scorecard_to
from mde_grader.durations import remember
from mde_grader.errors import UsageError
from mde_grader.labs import LabFolder
from mde_grader.model import Fault, Outcome, Status, SubmissionIdentity
from mde_grader.proving import FOREIGN, SolutionProof, compare, variants, verify
from mde_grader.scoring import score
from mde_grader.solutions import read_solutions
from tests.unit.attempting import CHECKS, ENVIRONMENT, LAB, PARAMETERS, write

FILES = {
    "lab.yaml": LAB,
    "environment.yaml": ENVIRONMENT,
    "checks/test_it.py": CHECKS,
    "starter/Dockerfile": "FROM scratch\n",
    "solutions/reference/solution.yaml": "title: Right\n",
    "solutions/reference/Dockerfile": "FROM scratch\nCOPY . /\n",
    "solutions/broken-a/solution.yaml": "base: reference\nloses: [answers]\n",
}


class Grader:
    """Stands in for the command: loses `answers` for each name in `losing`, writes no scorecard for `broken`."""

    def __init__(self, lab: LabFolder) -> None:
        self.lab = lab
        self.losing = {"broken-a", "starter"}
        self.errored: set[str] = set()
        self.silent: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self.seen: dict[str, set[str]] = {}
        self.candidates: dict[str, str | None] = {}
        self.salts: set[str] = set()
        self.texts: dict[str, dict[str, str]] = {}

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(command)
        assert options["timeout"] > 3 * self.lab.environment().deadline
        name = Path(command[6]).parent.name
        self.candidates[name] = command[command.index("--candidate") + 1] if "--candidate" in command else None
        self.salts.add(options["env"]["MDE_GRADE_SALT"])
        self.texts[name] = {path.name: path.read_text() for path in Path(command[6]).iterdir()}
        self.seen[name] = {path.name for path in Path(command[6]).iterdir()}
        if name in self.silent:
            return subprocess.CompletedProcess(command, 3, "", self.silent[name])
        output = Path(command[command.index("--output") + 1])
        output.mkdir(parents=True)
        lost = Status.ERRORED if name in self.errored else Status.FAILED if name in self.losing else Status.PASSED
        outcomes = [
            Outcome("t::a", "A", "written", Status.PASSED),
            Outcome("t::b", "B", "answers", lost, reason="the engine fell over"),
        ]
        identity = SubmissionIdentity(name, "sha256:0", "x", 1, 1)
        only = [command[index + 1] for index, word in enumerate(command) if word == "--only"]
        outcomes = [outcome for outcome in outcomes if not only or outcome.requirement in only]
        card = score(self.lab.lab, outcomes, attempt=name, submission=identity, started="", seconds=1.5, only=only)
        (output / "scorecard.json").write_text(json.dumps(scorecard_to(card)))
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def grader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grader:
    made = Grader(LabFolder(write(tmp_path / "labs" / "lab-memory", FILES)))
    monkeypatch.setattr(subprocess, "run", made.run)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def test_a_lab_whose_solutions_do_as_they_say_is_proven(grader: Grader) -> None:
    heard: list[SolutionProof] = []
    proof = verify(grader.lab, listener=heard.append)
    assert proof.ok
    assert not proof.incomplete
    assert proof.requirements == ("written", "answers")
    assert [row.name for row in proof.rows] == ["reference", "broken-a", "starter"]
    assert sorted(row.name for row in heard) == ["broken-a", "reference", "starter"]
    broken = proof.rows[1]
    assert (broken.declares, broken.lost, broken.verdict, broken.seconds) == (("answers",), ("answers",), "failed", 1.5)
    assert proof.rows[2].declares is None


def test_rows_keep_their_order_side_by_side(grader: Grader) -> None:
    assert [row.name for row in verify(grader.lab, jobs=3).rows] == ["reference", "broken-a", "starter"]


def test_the_longest_goes_first_the_next_time(grader: Grader) -> None:
    remember("lab-memory", {"broken-a": 3, "reference": 50, "starter": 1})
    verify(grader.lab)
    assert [call[call.index("--candidate") + 1] for call in grader.calls] == ["reference", "broken-a", "starter"]


def test_each_is_graded_from_its_own_copy_by_a_process_of_its_own(grader: Grader) -> None:
    verify(grader.lab)
    assert len(grader.calls) == 3
    assert all(call[1:5] == ["-I", "-m", "mde_grader", "grade"] for call in grader.calls)
    assert grader.seen["reference"] == grader.seen["broken-a"] == {"Dockerfile"}


def test_a_quick_proof_looks_at_what_a_broken_solution_says_it_loses(grader: Grader) -> None:
    proof = verify(grader.lab, quick=True)
    assert proof.ok
    assert {row.name: row.graded for row in proof.rows} == {
        "reference": None,
        "broken-a": ("answers",),
        "starter": None,
    }
    grader.losing = {"starter"}
    assert [row.why for row in verify(grader.lab, quick=True).rows] == ["", "did not lose answers", ""]


def test_a_broken_solution_that_passes_proves_nothing(grader: Grader) -> None:
    grader.losing = {"starter"}
    proof = verify(grader.lab)
    assert not proof.ok
    assert not proof.incomplete
    assert proof.rows[1].why == "did not lose answers"


def test_an_errored_one_is_incomplete(grader: Grader) -> None:
    grader.errored = {"reference"}
    proof = verify(grader.lab, only=("reference",))
    assert (proof.ok, proof.incomplete) == (False, True)
    assert proof.rows[0].why == "errored: the engine fell over"


@pytest.mark.parametrize(("said", "why"), [("error: no engine\nhint\n", "error: no engine"), ("", "it said nothing")])
def test_no_scorecard_is_incomplete_and_told(grader: Grader, said: str, why: str) -> None:
    grader.silent = {"broken-a": said}
    proof = verify(grader.lab)
    assert (proof.ok, proof.incomplete) == (False, True)
    assert proof.rows[1].why == f"no scorecard: {why}"


def test_a_fault_that_is_ours_is_told(grader: Grader) -> None:
    identity = SubmissionIdentity("x", "sha256:0", "x", 1, 1)
    fault = Fault("grader", "engine", "the engine went away")
    card = score(grader.lab.lab, [], attempt="1", submission=identity, started="", seconds=1.0, fault=fault)
    reference = read_solutions(grader.lab)[0]
    assert compare(reference, card).why == "errored: the engine went away"


def test_only_the_named_ones_are_graded(grader: Grader) -> None:
    assert [row.name for row in verify(grader.lab, only=("broken-a",)).rows] == ["broken-a"]
    assert len(grader.calls) == 1


def test_an_unknown_solution_is_named(grader: Grader) -> None:
    with pytest.raises(UsageError, match="no solution “nope”") as caught:
        verify(grader.lab, only=("nope",))
    assert "broken-a, reference, starter" in caught.value.hint


def test_a_lab_from_a_wheel_has_none(tmp_path: Path) -> None:
    lab = LabFolder(write(tmp_path / "labs" / "lab-memory", {"lab.yaml": LAB, "environment.yaml": ENVIRONMENT}))
    with pytest.raises(UsageError, match="has no solutions here"):
        verify(lab)


@pytest.fixture
def varied(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> Grader:
    monkeypatch.setenv("MDE_GRADE_SALT", "the-course")
    write(grader.lab.root, {"lab.yaml": LAB + PARAMETERS, "solutions/reference/port": "<%= port %>"})
    grader.lab = LabFolder(grader.lab.root)
    return grader


def test_variants_are_the_practice_one_and_others_that_a_seed_brings_again(varied: Grader) -> None:
    first, again, other = variants(varied.lab, 3, 7), variants(varied.lab, 3, 7), variants(varied.lab, 3, 8)
    assert first == again != other
    assert [one.candidate for one in first] == [None, "verify-7-1", "verify-7-2", "verify-7-3"]
    assert len({str(one.values) for one in first}) == 4


def test_a_lab_with_too_few_variants_says_so(varied: Grader) -> None:
    write(varied.lab.root, {"lab.yaml": LAB + "parameters: {item: {choice: [a, b]}}\n"})
    with pytest.raises(UsageError, match="too few variants") as caught:
        variants(LabFolder(varied.lab.root), 5, 1)
    assert caught.value.hint == "try --variants 1"


def test_a_proof_names_its_variant_and_grades_for_its_candidate(varied: Grader) -> None:
    practice, drawn = variants(varied.lab, 1, 7)
    varied.losing.add(FOREIGN)
    proof = verify(drawn, other=practice)
    assert proof.ok
    assert (proof.variant, proof.candidate) == (drawn.variant and drawn.variant.identity, "verify-7-1")
    assert [row.name for row in proof.rows] == ["reference", "broken-a", "starter", FOREIGN]
    assert set(varied.candidates.values()) == {"verify-7-1"}
    assert varied.salts == {""}
    assert varied.texts["reference"]["port"] == varied.texts["broken-a"]["port"] == str(drawn.values["port"])
    assert varied.texts[FOREIGN]["port"] == "8080"


def test_a_solution_for_another_variant_that_passes_proves_nothing(varied: Grader) -> None:
    practice, drawn = variants(varied.lab, 1, 7)
    proof = verify(drawn, other=practice, only=(FOREIGN,))
    assert [row.why for row in proof.rows] == ["verdict passed, declared failed"]


def test_the_practice_variant_is_graded_without_a_candidate(varied: Grader) -> None:
    practice, drawn = variants(varied.lab, 1, 7)
    proof = verify(practice, other=drawn, only=("reference",))
    assert proof.ok
    assert proof.variant is not None
    assert proof.variant.practice
    assert varied.candidates == {"reference": None}


def test_who_stops_it_does_not_wait_for_what_was_not_begun(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait, cancel_futures=cancel_futures)
            cancelled.set()

    def slowly(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if grader.calls:
            begun.set()
            cancelled.wait(1)
        return grader.run(command, **options)

    def stop(_: SolutionProof) -> None:
        begun.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr("mde_grader.proving.ThreadPoolExecutor", Pool)
    monkeypatch.setattr(subprocess, "run", slowly)
    with pytest.raises(KeyboardInterrupt):
        verify(grader.lab, listener=stop)
    assert len(grader.calls) == 2
