"""Solutions on disk, and what a scorecard says about one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.errors import LabInvalidError
from mde_grader.labs import LabFolder
from mde_grader.model import Fault, Lab, Outcome, Requirement, Scorecard, Status, SubmissionIdentity
from mde_grader.proving import compare
from mde_grader.scoring import score
from mde_grader.solutions import Solution, lay_out, read_solutions, solution_at
from tests.unit.attempting import LAB as DECLARED
from tests.unit.attempting import PARAMETERS


@pytest.fixture
def folder(tmp_path: Path) -> LabFolder:
    write(tmp_path / "lab.yaml", DECLARED)
    write(tmp_path / "starter" / "app.py", "legacy")
    write(tmp_path / "solutions" / "reference" / "app.py", "right")
    write(tmp_path / "solutions" / "reference" / "conf" / "a.ini", "a")
    write(tmp_path / "solutions" / "reference" / "solution.yaml", "title: The right one\n")
    write(tmp_path / "solutions" / "broken-root" / "app.py", "wrong")
    write(tmp_path / "solutions" / "broken-root" / "solution.yaml", "base: reference\nremove: [conf]\nloses: [root]\n")
    return LabFolder(tmp_path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_reference_comes_first_and_the_starter_last(folder: LabFolder) -> None:
    assert [solution.name for solution in read_solutions(folder)] == ["reference", "broken-root", "starter"]


def test_a_broken_solution_is_its_base_with_its_own_files_over_it(folder: LabFolder, tmp_path: Path) -> None:
    broken = next(solution for solution in read_solutions(folder) if solution.name == "broken-root")
    lay_out(folder, broken, tmp_path / "out")
    assert (tmp_path / "out" / "app.py").read_text(encoding="utf-8") == "wrong"
    assert not (tmp_path / "out" / "conf").exists()
    assert not (tmp_path / "out" / "solution.yaml").exists()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("solutions/reference", "reference"),
        ("solutions/reference/conf", "reference"),
        ("solutions/../solutions/broken-root/.", "broken-root"),
        ("solutions", ""),
    ],
)
def test_a_folder_of_solutions_is_recognised(folder: LabFolder, place: str, name: str) -> None:
    assert solution_at(folder.root / place) == (folder.root, name)


def test_a_link_to_a_solution_is_recognised(folder: LabFolder, tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to(folder.solutions / "reference")
    assert solution_at(tmp_path / "mine") == (folder.root, "reference")


@pytest.mark.parametrize("place", ["", "starter", "mine/solutions/reference", "solutions-of-mine/reference"])
def test_any_other_folder_is_no_solution(folder: LabFolder, place: str) -> None:
    write(folder.root / place / "solution.yaml", "title: My solution\n")
    assert solution_at(folder.root / place) is None


def test_the_starter_is_laid_out_as_it_is(folder: LabFolder, tmp_path: Path) -> None:
    lay_out(folder, read_solutions(folder)[-1], tmp_path / "out")
    assert (tmp_path / "out" / "app.py").read_text(encoding="utf-8") == "legacy"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loses: []\nbase: nowhere\n", "must name requirements"),
        ("loses: [a]\nextra: 1\n", "may hold only"),
        ("{", "solution.yaml"),
        ("- a\n", "may hold only"),
    ],
)
def test_a_wrong_declaration_is_named(folder: LabFolder, text: str, said: str) -> None:
    write(folder.solutions / "broken-root" / "solution.yaml", text)
    with pytest.raises(LabInvalidError, match=said):
        read_solutions(folder)


def test_a_reference_that_loses_something_is_refused(folder: LabFolder) -> None:
    write(folder.solutions / "reference" / "solution.yaml", "loses: [root]\n")
    with pytest.raises(LabInvalidError, match="must not name"):
        read_solutions(folder)


@pytest.mark.parametrize("base", ["nowhere", "broken-root"])
def test_a_base_that_cannot_be_used_is_named(folder: LabFolder, tmp_path: Path, base: str) -> None:
    write(folder.solutions / "broken-root" / "solution.yaml", f"base: {base}\nloses: [root]\n")
    broken = next(solution for solution in read_solutions(folder) if solution.name == "broken-root")
    with pytest.raises(LabInvalidError, match=base):
        lay_out(folder, broken, tmp_path / "out")


LAB = Lab("lab-x", "X", "c", "l", "t", 1, 70, (Requirement("a", "A", 60), Requirement("b", "B", 40)))


def card(first: Status, second: Status, fault: Fault | None = None) -> Scorecard:
    outcomes = [Outcome("t::a", "A", "a", first), Outcome("t::b", "B", "b", second, reason="why")]
    identity = SubmissionIdentity("x", "sha256:0", "x", 1, 1)
    return score(LAB, outcomes, attempt="1", submission=identity, started="", seconds=1.0, fault=fault)


BROKEN = Solution("broken-b", "", "", (), ("b",), "")


def test_a_solution_that_loses_what_it_declares_is_proven() -> None:
    assert compare(BROKEN, card(Status.PASSED, Status.FAILED)).ok


def test_a_solution_that_loses_more_or_less_is_told_apart() -> None:
    assert compare(BROKEN, card(Status.FAILED, Status.FAILED)).why == "also lost a"
    assert compare(BROKEN, card(Status.PASSED, Status.PASSED)).why == "did not lose b"


def test_an_errored_solution_is_never_proven() -> None:
    row = compare(BROKEN, card(Status.PASSED, Status.ERRORED))
    assert not row.ok
    assert row.why == "errored: why"


def test_a_right_solution_must_pass() -> None:
    reference = Solution("reference", "", "", (), (), "passed")
    assert compare(reference, card(Status.PASSED, Status.PASSED)).ok
    assert not compare(reference, card(Status.PASSED, Status.FAILED)).ok


def test_a_starter_may_lose_anything_but_must_not_pass() -> None:
    starter = Solution("starter", "", "", (), (), "failed", exact=False)
    assert compare(starter, card(Status.FAILED, Status.FAILED)).ok
    assert compare(starter, card(Status.PASSED, Status.PASSED)).why == "verdict passed, declared failed"


def test_a_solution_is_laid_out_for_the_variant_of_its_lab(folder: LabFolder, tmp_path: Path) -> None:
    write(tmp_path / "lab.yaml", DECLARED + PARAMETERS)
    write(tmp_path / "solutions" / "reference" / "__item__" / "web.py", "PORT = <%= port %>")
    write(tmp_path / "solutions" / "reference" / "__item__" / "old.py", "")
    write(
        tmp_path / "solutions" / "broken-root" / "solution.yaml",
        "base: reference\nremove: [__item__/old.py]\nloses: [root]\n",
    )
    for one in (LabFolder(tmp_path), LabFolder(tmp_path).given_to("ada")):
        broken = next(solution for solution in read_solutions(one) if solution.name == "broken-root")
        target = tmp_path / "out" / str(one.candidate)
        lay_out(one, broken, target)
        package = target / str(one.values["item"])
        assert (package / "web.py").read_text() == f"PORT = {one.values['port']}"
        assert not (package / "old.py").exists()
