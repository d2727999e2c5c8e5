import dataclasses
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.model import Status, Verdict
from mde_grader.reporters.cells import cells, fit, pad, paint, plain, wrap
from mde_grader.reporters.console import render
from tests.golden.cards import CARDS

SGR = re.compile(r"\x1b\[[0-9;]*m")
WIDE = st.text(alphabet=st.sampled_from("ab 漢字e\u0301ﷺ"), max_size=60)


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 0), (80, 50), (110, 40), (200, 24), (10, 0)])
def test_it_fits_the_screen(name: str, width: int, height: int) -> None:
    text = render(CARDS[name](), width=width, height=height, html="/runs/x/scorecard.html")
    lines = text.rstrip("\n").split("\n")
    across = min(max(width, 40), 110)
    assert max(cells(line) for line in lines if "/runs/" not in line) <= across
    if height:
        assert len(lines) <= height - 1


def again(row: Any) -> Any:
    return dataclasses.replace(row, requirement=dataclasses.replace(row.requirement, id=f"{row.requirement.id}-2"))


def many(status: Status) -> Any:
    """A card of 18 requirements of that status."""
    card = CARDS["fail-1"]()
    rows = [
        dataclasses.replace(
            row, status=status, points=0.0, outcomes=(dataclasses.replace(row.outcomes[0], status=status),)
        )
        for row in card.results
    ]
    return dataclasses.replace(card, results=(*rows, *(again(row) for row in rows[:4])))


def test_when_nearly_everything_passed_the_passed_ones_fold_into_a_line() -> None:
    text = render(CARDS["fail-1"](), height=24)
    assert "✔ 9 passed: answers, config, non-root" in text
    assert "Base images are pinned" not in text
    assert "… and 3 more in the full report" in text


def test_without_a_height_everything_is_told() -> None:
    text = render(CARDS["fail-1"]())
    assert "Base images are pinned" in text
    assert "more in the full report" not in text
    for number in (1, 2, 3, 4):
        assert f"\n{number}. " in text


def test_with_room_for_everything_nothing_is_folded() -> None:
    assert render(CARDS["fail-1"](), height=60) == render(CARDS["fail-1"]())


def test_best_to_fix_has_what_the_candidate_needs() -> None:
    text = render(CARDS["fail-1"](), width=110)
    assert "1. Data survives when a container is replaced  (+13, opens 1 more)" in text
    assert re.search(r"expected +an attachment that was stored", text)
    assert re.search(r"seen +GET http://web:8080/parcels/17/attachment answered 404", text)
    assert re.search(r"see it +docker compose up -d --force-recreate web", text)
    assert re.search(r"hint +Give the folder a named volume\.", text)


def test_more_checks_of_one_requirement_are_counted() -> None:
    card = CARDS["fail-1"]()
    rows = [dataclasses.replace(row, outcomes=row.outcomes * 3) for row in card.results]
    assert "2 more checks of this requirement" in render(dataclasses.replace(card, results=tuple(rows)))
    rows = [dataclasses.replace(row, outcomes=row.outcomes * 2) for row in card.results]
    assert "1 more check of this requirement" in render(dataclasses.replace(card, results=tuple(rows)))


def test_a_refused_submission_tells_the_fault_first_and_no_rows() -> None:
    text = render(CARDS["refused-1"]())
    assert (
        text.index("The submission was refused before anything ran")
        < text.index("compose.yaml:12")
        < text.index("compose.privileged")
    )
    assert "Take the line out" in text
    assert "Configuration comes" not in text


@pytest.mark.parametrize("height", [0, 24])
def test_the_last_line_that_was_printed_is_shown_whatever_came_before(height: int) -> None:
    card = CARDS["unbuilt-1"]()
    assert card.fault is not None
    said = "\n".join([*["a long line of no use " * 20] * 20, "", "ERROR: the reason", "", ""])
    text = render(dataclasses.replace(card, fault=dataclasses.replace(card.fault, said=said)), height=height)
    assert text.count("a long line") == 15
    assert "\n            ERROR: the reason\n" in text


def test_a_program_that_printed_nothing_has_no_line_for_it() -> None:
    card = CARDS["unbuilt-1"]()
    assert card.fault is not None
    assert "printed" not in render(dataclasses.replace(card, fault=dataclasses.replace(card.fault, said="\n \n")))


def test_a_build_that_failed_tells_the_last_words() -> None:
    text = render(CARDS["unbuilt-1"]())
    assert text.index("The submission does not build") < text.index("No matching distribution found for flsk")


def test_our_own_fault_is_told_as_ours() -> None:
    text = render(CARDS["fault-3"]())
    assert "The grader could not finish" in text
    assert "INCOMPLETE" in text


def test_an_incomplete_card_says_why_and_that_it_is_not_the_candidates_fault() -> None:
    text = render(CARDS["incomplete-3"]())
    assert "Not checked, through no fault of yours" in text
    assert "the engine did not answer within 30 s" in text
    assert "0\u20139/9" in text


def test_a_lost_gate_is_told_in_the_last_lines() -> None:
    card = CARDS["pass-0"]()
    row = dataclasses.replace(card.results[0], status=Status.FAILED, points=0.0, points_high=0.0)
    row = dataclasses.replace(row, outcomes=(dataclasses.replace(row.outcomes[0], status=Status.FAILED),))
    text = render(dataclasses.replace(card, results=(row, *card.results[1:]), verdict=Verdict.FAILED))
    assert "must hold whatever the points are" in text
    assert "(must hold; +10)" in text


def test_a_part_says_that_it_is_one() -> None:
    text = render(CARDS["partial-0"]())
    assert "Only a part was graded: data" in text
    assert "18 of 18 points of this part" in text
    assert "to pass" not in text


def test_where_the_full_report_is() -> None:
    assert render(CARDS["pass-0"](), html="/x/y.html").endswith("Full report: /x/y.html\n")
    assert "Full report" not in render(CARDS["pass-0"]())


@pytest.mark.parametrize("name", CARDS)
def test_colour_changes_nothing_but_colour(name: str) -> None:
    card = CARDS[name]()
    assert "\x1b" not in render(card)
    coloured = render(card, color=True)
    assert "\x1b[" in coloured
    assert SGR.sub("", coloured) == render(card)


@pytest.mark.parametrize("name", CARDS)
def test_without_unicode_it_is_ascii(name: str) -> None:
    text = render(CARDS[name](), unicode=False)
    assert text.isascii()
    assert len(text.split("\n")) == len(render(CARDS[name]()).split("\n"))


def test_the_marks_have_ascii_forms() -> None:
    text = render(CARDS["fail-1"](), unicode=False)
    assert "\n+ Configuration" in text
    assert "\nx TERM ends" in text
    assert "\n- Two replicas" in text


def test_eighteen_failures_fit_a_screen_as_far_as_they_can() -> None:
    for height in (24, 50):
        lines = render(many(Status.FAILED), height=height).rstrip("\n").split("\n")
        assert any(line.startswith("… and ") for line in lines)
        assert len(lines) < height
    assert "  … and 12 more that did not pass" in render(many(Status.FAILED), height=24)


@given(WIDE, st.integers(2, 30))
def test_wrapped_lines_hold_the_width_and_lose_nothing(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(WIDE, st.integers(2, 30), st.integers(1, 4))
def test_wrapped_lines_hold_their_number(text: str, width: int, most: int) -> None:
    lines = wrap(text, width, most=most)
    assert len(lines) <= most
    assert all(cells(line) <= width for line in lines)


@given(WIDE, st.integers(0, 30))
def test_padding_is_exact(text: str, width: int) -> None:
    assert cells(pad(text, width)) == width


def test_cells_of_wide_and_combining_characters() -> None:
    assert (cells("abc"), cells("漢字"), cells("e\u0301"), cells("")) == (3, 4, 1, 0)


def test_fit_cuts_with_an_ellipsis() -> None:
    assert (fit("abcdef", 4), fit("漢字漢字", 4), fit("ab", 4), fit("ab", 0)) == ("abc…", "漢…", "ab", "")


def test_paint() -> None:
    assert paint("x", "bold red", color=True) == "\x1b[1;31mx\x1b[0m"
    assert paint("x", "bold red", color=False) == "x"
    assert paint("", "bold", color=True) == ""


def test_plain() -> None:
    assert plain("✔ ü 漢 …") == "+ ? ? ~"
