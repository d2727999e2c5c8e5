import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.errors import LabInvalidError
from mde_grader.model import Fault, Lab, Outcome, Phase, Requirement, Scorecard, Status, SubmissionIdentity, Verdict
from mde_grader.scoring import score, verdict

P, F, S, E = Status.PASSED, Status.FAILED, Status.SKIPPED, Status.ERRORED
SUBMISSION = SubmissionIdentity("amina", "sha256:00", ".", 1, 2)
MINE = Fault("grader", "engine.gone", "gone")
THEIRS = Fault("candidate", "build.failed", "did not build")


def lab(*requirements: Any, pass_mark: int = 70) -> Any:
    return Lab("lab-01", "A lab", "cat", "foundation", "core", 10, pass_mark, tuple(requirements))


def need(name: str, points: int = 10, *needs: Any, gate: bool = False) -> Any:
    return Requirement(name, name.title(), points, needs=needs, gate=gate)


def got(requirement: str, *statuses: Any) -> Any:
    return [Outcome(f"t::{requirement}{n}", "title", requirement, status) for n, status in enumerate(statuses)]


def grade(the_lab: Any, outcomes: Any, **options: Any) -> Scorecard:
    return score(the_lab, outcomes, attempt="a", submission=SUBMISSION, started="t", seconds=1.0, **options)


def row(card: Scorecard, name: str) -> Any:
    return next(item for item in card.results if item.requirement.id == name)


def test_all_passed() -> None:
    card = grade(lab(need("a", 30), need("b", 70)), got("a", P) + got("b", P, P))
    assert (card.verdict, card.points, card.points_high, card.percent) == (Verdict.PASSED, 100, 100, 100)


def test_what_is_given_is_kept() -> None:
    phases = [Phase("build", 0, 1)]
    card = grade(lab(need("a")), got("a", P), phases=phases, environment={"engine": "x"}, fault=None)
    assert (card.attempt, card.started, card.seconds, card.submission) == ("a", "t", 1.0, SUBMISSION)
    assert card.phases == tuple(phases)
    assert card.environment == {"engine": "x"}
    assert card.partial == ()


def test_points_are_split_evenly_over_the_checks() -> None:
    card = grade(lab(need("a", 10)), got("a", P, F, P, F))
    assert row(card, "a").points == 5
    assert row(card, "a").status is F


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [((P, P), P), ((P, S), S), ((S, F), F), ((F, E), E), ((E, P), E), ((P, F), F), ((S, S), S)],
)
def test_a_row_has_the_status_of_its_worst_check(statuses: Any, worst: Any) -> None:
    assert row(grade(lab(need("a")), got("a", *statuses)), "a").status is worst


def test_a_pass_mark_is_reached_exactly_in_spite_of_thirds() -> None:
    the_lab = lab(need("a", 10), need("b", 10), need("c", 10), pass_mark=67)
    card = grade(the_lab, got("a", P, P, F) + got("b", P, P, F) + got("c", P, P, F))
    assert card.verdict is Verdict.FAILED  # 66.67 % is below 67 %
    the_lab = dataclasses.replace(the_lab, pass_mark=50)
    card = grade(the_lab, got("a", P, F, F) + got("b", P, P, F) + got("c", P, F))
    assert card.verdict is Verdict.PASSED  # 3.33 + 6.67 + 5 of 30


@pytest.mark.parametrize(("mark", "expected"), [(60, Verdict.PASSED), (61, Verdict.FAILED)])
def test_the_pass_mark_decides(mark: Any, expected: Any) -> None:
    card = grade(lab(need("a", 60), need("b", 40), pass_mark=mark), got("a", P) + got("b", F))
    assert card.verdict is expected


@pytest.mark.parametrize("status", [F, S])
def test_a_lost_gate_fails_whatever_the_points_are(status: Status) -> None:
    card = grade(lab(need("a", 99), need("g", 1, gate=True)), got("a", P) + got("g", status))
    assert card.percent == 99
    assert card.verdict is Verdict.FAILED


def test_a_held_gate_does_not() -> None:
    assert grade(lab(need("g", 1, gate=True)), got("g", P)).verdict is Verdict.PASSED


def test_all_skipped_is_no_pass_even_for_the_lowest_mark() -> None:
    assert grade(lab(need("a"), pass_mark=1), got("a", S)).verdict is Verdict.FAILED


def test_an_empty_run_is_no_pass() -> None:
    card = grade(lab(need("a"), pass_mark=1), [])
    assert (card.verdict, card.points, card.points_high) == (Verdict.INCOMPLETE, 0, 10)
    assert row(card, "a").status is E


def test_no_rows_is_no_pass() -> None:
    assert verdict(1, ()) is Verdict.FAILED


def test_errored_gives_a_range_and_is_incomplete() -> None:
    card = grade(lab(need("a", 60), need("b", 40)), got("a", P) + got("b", P, E))
    assert (card.verdict, card.points, card.points_high) == (Verdict.INCOMPLETE, 80, 100)


def test_incomplete_even_when_a_gate_is_lost() -> None:
    card = grade(lab(need("a"), need("g", gate=True)), got("a", E) + got("g", F))
    assert card.verdict is Verdict.INCOMPLETE


def test_the_candidates_fault_fails_what_was_not_checked() -> None:
    card = grade(lab(need("a"), need("b")), got("a", P), fault=THEIRS)
    assert [item.status for item in card.results] == [P, F]
    assert (card.points, card.points_high, card.verdict) == (10, 10, Verdict.FAILED)


def test_the_candidates_fault_is_no_pass_even_with_every_point() -> None:
    assert grade(lab(need("a")), got("a", P), fault=THEIRS).verdict is Verdict.FAILED


def test_our_fault_is_incomplete_and_takes_nothing() -> None:
    card = grade(lab(need("a"), need("b", 10, "a")), got("a", P), fault=MINE)
    assert [item.status for item in card.results] == [P, E]
    assert (card.points, card.points_high, card.verdict) == (10, 20, Verdict.INCOMPLETE)


def test_our_fault_is_incomplete_even_with_every_point() -> None:
    assert grade(lab(need("a")), got("a", P), fault=MINE).verdict is Verdict.INCOMPLETE


def test_a_check_skipped_because_of_an_errored_need_can_still_bring_its_points() -> None:
    card = grade(lab(need("a"), need("b", 10, "a"), need("c", 10, "b")), got("a", E) + got("b", S) + got("c", S))
    assert (card.points, card.points_high) == (0, 30)


def test_a_check_skipped_because_of_a_failed_need_cannot() -> None:
    the_lab = lab(need("a"), need("e"), need("b", 10, "a", "e"))
    card = grade(the_lab, got("a", F) + got("e", E) + got("b", S))
    assert (card.points, card.points_high) == (0, 10)


def test_a_check_that_skips_itself_cannot() -> None:
    card = grade(lab(need("a"), need("b", 10, "a")), got("a", P) + got("b", S))
    assert (card.points, card.points_high, card.verdict) == (10, 10, Verdict.FAILED)


def test_without_outcomes_a_row_waits_for_a_need_that_failed() -> None:
    card = grade(lab(need("a"), need("b", 10, "a")), got("a", F))
    assert row(card, "b").status is S
    assert row(card, "b").points_high == 0


def test_without_outcomes_a_row_waits_for_a_need_that_errored() -> None:
    card = grade(lab(need("a"), need("b", 10, "a")), got("a", E))
    assert (row(card, "b").status, row(card, "b").points_high) == (S, 10)


def test_needs_may_stand_after_what_needs_them() -> None:
    card = grade(lab(need("c", 10, "b"), need("b", 10, "a"), need("a")), got("a", E) + got("b", S) + got("c", S))
    assert [item.requirement.id for item in card.results] == ["c", "b", "a"]
    assert card.points_high == 30


def test_only_grades_what_is_asked_for_and_what_that_needs() -> None:
    the_lab = lab(need("a"), need("b", 20, "a"), need("c", 70))
    card = grade(the_lab, got("a", P) + got("b", P) + got("c", F), only=["b"])
    assert [item.requirement.id for item in card.results] == ["a", "b"]
    assert (card.partial, card.possible, card.verdict) == (("b",), 30, Verdict.PASSED)


def test_only_follows_needs_that_two_share() -> None:
    the_lab = lab(need("a"), need("b", 1, "a"), need("c", 1, "a", "b"))
    assert len(grade(the_lab, [], only=["c"]).results) == 3


def test_an_outcome_of_an_unknown_requirement_is_the_labs_fault() -> None:
    with pytest.raises(LabInvalidError, match="t::zz0 belongs to 'zz'"):
        grade(lab(need("a")), got("zz", P))


def test_only_with_an_unknown_requirement_names_those_there_are() -> None:
    with pytest.raises(LabInvalidError) as caught:
        grade(lab(need("a"), need("b")), [], only=["zz"])
    assert caught.value.hint == "it has: a, b"


@st.composite
def runs(draw: Any, statuses: Any = tuple(Status)) -> Any:
    """A lab whose needs point backwards, and outcomes for it that need not make sense."""
    count = draw(st.integers(1, 6))
    requirements = []
    for n in range(count):
        needs = draw(st.sets(st.sampled_from(range(n)), max_size=3)) if n else set()
        requirements.append(
            need(f"r{n}", draw(st.integers(1, 40)), *(f"r{i}" for i in sorted(needs)), gate=draw(st.booleans()))
        )
    outcomes = []
    for n in range(count):
        outcomes += got(f"r{n}", *draw(st.lists(st.sampled_from(statuses), max_size=4)))
    fault = draw(st.sampled_from([None, None, MINE, THEIRS]))
    return lab(*requirements, pass_mark=draw(st.integers(1, 100))), outcomes, fault


@given(runs())
def test_points_are_bounded(run: Any) -> None:
    the_lab, outcomes, fault = run
    card = grade(the_lab, outcomes, fault=fault)
    assert 0 <= card.points <= card.points_high <= the_lab.points + 1e-9
    for item in card.results:
        assert 0 <= item.points <= item.points_high <= item.requirement.points + 1e-9
    errored = any(item.status is E for item in card.results)
    assert errored or card.points == card.points_high


@given(runs(), st.randoms())
def test_the_order_of_the_outcomes_changes_no_number(run: Any, shuffle: Any) -> None:
    the_lab, outcomes, fault = run
    mixed = list(outcomes)
    shuffle.shuffle(mixed)
    one, other = (grade(the_lab, items, fault=fault) for items in (outcomes, mixed))
    assert (one.points, one.points_high, one.verdict) == (other.points, other.points_high, other.verdict)
    assert [item.status for item in one.results] == [item.status for item in other.results]


@given(runs(statuses=(P, F, S)), st.data())
def test_a_check_that_passes_instead_never_lowers_anything(run: Any, data: Any) -> None:
    the_lab, outcomes, fault = run
    lost = [n for n, outcome in enumerate(outcomes) if outcome.status is not P]
    if not lost:
        return
    better = list(outcomes)
    n = data.draw(st.sampled_from(lost))
    better[n] = dataclasses.replace(better[n], status=P)
    before, after = (grade(the_lab, items, fault=fault) for items in (outcomes, better))
    assert after.points >= before.points
    if before.verdict is Verdict.PASSED and after.verdict is not Verdict.PASSED:
        # Only what never ran, and what nothing keeps from running any more, leaves it open.
        assert after.verdict is Verdict.INCOMPLETE
        assert all(not item.outcomes for item in after.results if item.status is E)


@given(runs(), st.integers(0, 2**32))
def test_every_completion_of_the_errored_checks_is_within_the_range(run: Any, seed: int) -> None:
    the_lab, outcomes, _ = run
    card = grade(the_lab, outcomes)
    choose = random.Random(seed)  # noqa: S311 - no secret is made
    complete = [
        dataclasses.replace(item, status=choose.choice([P, F])) if item.status is E else item for item in outcomes
    ]
    assert card.points - 1e-9 <= grade(the_lab, complete).points <= card.points_high + 1e-9


@given(runs())
def test_a_pass_has_points_every_gate_and_no_fault(run: Any) -> None:
    the_lab, outcomes, fault = run
    card = grade(the_lab, outcomes, fault=fault)
    if card.verdict is Verdict.PASSED:
        assert any(outcome.status is P for outcome in outcomes)
        assert all(item.status is P for item in card.results if item.requirement.gate)
        assert fault is None
        assert card.percent >= the_lab.pass_mark - 1e-9
    if any(item.status is E for item in card.results):
        assert card.verdict is Verdict.INCOMPLETE
