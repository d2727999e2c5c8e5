"""The order of the checks: files first, disturbers last, needs before what needs them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mde_grader.checking.ordering import Planned, order
from mde_grader.model import Trust
from mde_grader.scoring import closure

FILES = Planned("a", frozenset({"submission"}))
IMAGES = Planned("b", frozenset({"images"}))
STACK = Planned("c", frozenset({"stack", "probe"}))
DISTURBS = Planned("d", frozenset({"stack"}), disturbs=True)


def test_files_come_before_images_before_the_stack_before_what_disturbs_it() -> None:
    checks = [DISTURBS, STACK, IMAGES, FILES]
    assert [checks[index] for index in order(checks, {})] == [FILES, IMAGES, STACK, DISTURBS]


def test_a_check_waits_for_every_check_of_what_it_needs() -> None:
    late = Planned("base", frozenset({"stack"}), disturbs=True)
    checks = [Planned("x", frozenset()), Planned("base", frozenset()), late]
    sequence = order(checks, {"x": ("base",)})
    assert sequence.index(0) > sequence.index(1)
    assert sequence.index(0) > sequence.index(2)


def test_equal_checks_keep_the_order_of_their_file() -> None:
    assert order([FILES, FILES, FILES], {}) == [0, 1, 2]


def test_trust_is_outside_only_with_the_network_or_the_inspector() -> None:
    assert STACK.trust is Trust.OUTSIDE
    assert IMAGES.trust is Trust.ENGINE
    assert FILES.trust is Trust.ENGINE


def test_the_closure_holds_indirect_needs() -> None:
    assert closure(["c"], {"c": ("b",), "b": ("a",), "d": ()}) == {"a", "b", "c"}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from(["images", "probe", "given"])), max_size=12)
)
def test_every_check_runs_once_and_needs_hold(raw: list[tuple[int, bool, str]]) -> None:
    checks = [Planned(str(name), frozenset({fixture}), disturbs) for name, disturbs, fixture in raw]
    needs = {str(name): tuple(str(other) for other in range(name)) for name in range(6)}
    sequence = order(checks, needs)
    assert sorted(sequence) == list(range(len(checks)))
    for place, index in enumerate(sequence):
        later = {checks[other].requirement for other in sequence[place + 1 :]}
        assert not later & set(needs[checks[index].requirement])


def test_what_two_need_is_there_once() -> None:
    assert closure(["a", "b"], {"a": ["c"], "b": ["c"], "c": ["a"]}) == {"a", "b", "c"}


def test_a_check_waits_for_all_that_it_needs() -> None:
    checks = [Planned("x", frozenset()), Planned("a", frozenset({"images"})), Planned("b", frozenset({"stack"}))]
    assert order(checks, {"x": ("a", "b")}) == [1, 2, 0]
