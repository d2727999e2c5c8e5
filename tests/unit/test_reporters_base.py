import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.model import Fault, Status, Verdict
from mde_grader.reporters import FORMATS
from mde_grader.reporters.base import (
    facts,
    fixes,
    headline,
    notes,
    points,
    prepared,
    seconds,
    shortened,
    size,
    span,
    stopped,
    unchecked,
    waits_for,
    why,
)
from tests.golden.cards import CARDS, outcome

FAIL, INCOMPLETE, HOSTILE = (CARDS[name]() for name in ("fail-1", "incomplete-3", "hostile-0"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (10, "10"),
        (69.96, "69.9"),
        (99.99, "99.9"),
        (100.0, "100"),
        (10 / 3, "3.3"),
        (0.1 + 0.2, "0.3"),
        (6.05, "6"),
    ],
)
def test_points_are_rounded_down(value: Any, shown: str) -> None:
    assert points(value) == shown


@given(st.floats(0, 1e6))
def test_points_never_promise_more_than_there_is(value: Any) -> None:
    assert float(points(value)) <= value + 1e-6
    assert float(points(value)) > value - 0.1 - 1e-6


def test_a_span() -> None:
    assert span(60, 60.01) == "60"
    assert span(60, 85) == "60\u201385"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 ms"), (0.0421, "42 ms"), (-1, "0 ms"), (1, "1.0 s"), (99.94, "99.9 s"), (125.4, "2 min 5 s")],
)
def test_seconds(value: Any, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.0 GiB")],
)
def test_size(count: int, shown: str) -> None:
    assert size(count) == shown


def test_shortened() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pass-0", "100 of 100 points; 70 were needed."),
        ("fail-1", "63 of 100 points; 70 are needed."),
        (
            "incomplete-3",
            "One check could not be carried out, through no fault of yours: 78\u201387 of 100 points so far.",
        ),
        ("refused-1", "The submission was refused before anything ran: The service web asks for"),
        ("unbuilt-1", "The submission does not build: The image of web did not build."),
        ("partial-0", "18 of 18 points of this part."),
        ("fault-3", "The grader could not finish, through no fault of yours. This is not a score"),
    ],
)
def test_the_headline_tells_why(name: str, told: str) -> None:
    assert headline(CARDS[name]()).startswith(told)


@pytest.mark.parametrize(
    ("owner", "rule", "told"),
    [
        ("candidate", "submission.link", "The submission was refused before anything ran"),
        ("candidate", "dockerfile.base", "The submission was refused before anything ran"),
        ("candidate", "start.not-ready", "The submission builds and does not start"),
        ("candidate", "something.new", "The submission could not be graded to the end"),
        ("grader", "start.side", "The grader could not finish"),
    ],
)
def test_how_far_the_attempt_came_is_told_by_the_rule(owner: Any, rule: str, told: str) -> None:
    assert stopped(Fault(owner, rule, "why")) == told


def test_a_part_that_is_lost_is_measured_by_itself() -> None:
    card = dataclasses.replace(CARDS["fail-1"](), partial=("data",))
    assert headline(card) == "63 of 100 points of this part."


def lost_gate() -> Any:
    card = CARDS["pass-0"]()
    first = card.results[0]
    row = dataclasses.replace(
        first, status=Status.FAILED, points=0.0, points_high=0.0, outcomes=(outcome("answers", Status.FAILED),)
    )
    return dataclasses.replace(
        card, results=(row, *card.results[1:]), verdict=Verdict.FAILED, points=90, points_high=90
    )


def test_the_headline_of_a_lost_gate_names_it() -> None:
    assert headline(lost_gate()) == (
        "90 of 100 points, but this must hold whatever the points are: The image builds and the application answers."
    )


def test_the_headline_of_more_than_one_errored_check_and_of_none() -> None:
    broken = CARDS["fault-3"]()
    assert headline(dataclasses.replace(broken, fault=None)).startswith("Something could not be carried out")
    row = INCOMPLETE.results[7]
    twice = dataclasses.replace(row, outcomes=row.outcomes * 2)
    assert headline(dataclasses.replace(INCOMPLETE, results=(twice,))).startswith("2 checks could not")


def test_best_to_fix_counts_what_waits_for_it() -> None:
    found = fixes(FAIL)
    assert [(fix.row.requirement.id, fix.gain) for fix in found] == [
        ("data", 13),
        ("no-secrets", 10),
        ("graceful", 10),
        ("least", 4),
    ]
    assert [item.id for item in found[0].unblocks] == ["replicas"]
    assert [item.status for item in found[0].outcomes] == [Status.FAILED]


def test_a_lost_gate_comes_first_and_carries_all_that_waits_for_it() -> None:
    card = CARDS["pass-0"]()
    rows = [
        dataclasses.replace(
            row,
            status=Status.FAILED if row.requirement.id in {"answers", "pinned"} else Status.SKIPPED,
            points=0.0,
            points_high=0.0,
            outcomes=(dataclasses.replace(row.outcomes[0], status=Status.FAILED),),
        )
        for row in card.results
        if row.requirement.id in {"answers", "pinned", "data", "readiness", "replicas"}
    ]
    found = fixes(dataclasses.replace(card, results=tuple(rows)))
    assert [fix.row.requirement.id for fix in found] == ["answers", "pinned"]
    assert [item.id for item in found[0].unblocks] == ["readiness", "data", "replicas"]
    assert found[0].gain == 10 + 9 + 8 + 5


def test_what_could_not_be_checked_is_nothing_to_fix() -> None:
    assert [fix.row.requirement.id for fix in fixes(INCOMPLETE)] == ["data"]
    assert unchecked(INCOMPLETE) == ("Readiness follows the database: the engine did not answer within 30 s",)
    assert unchecked(FAIL) == ()


def test_a_skipped_row_waits_for_what_was_lost() -> None:
    rows = {row.requirement.id: row for row in FAIL.results}
    assert [need.id for need in waits_for(rows["replicas"], rows)] == ["data"]
    assert waits_for(rows["graceful"], rows) == []


def test_notes_are_those_of_the_plan_and_of_a_part() -> None:
    assert notes(CARDS["partial-0"]())[0] == "Only a part was graded: data, and what that needs."
    assert len(notes(FAIL)) == 1
    odd = dataclasses.replace(FAIL, environment={"notes": "no list"})
    assert notes(odd) == ()
    assert notes(dataclasses.replace(FAIL, environment={"notes": [1, "x", None]})) == ("x",)


def test_facts_are_told_in_words() -> None:
    told = facts(
        {
            "grader_version": "1",
            "empty": "",
            "none": None,
            "notes": ["left out"],
            "pulled": True,
            "rebuilt": False,
            "share": 0.5,
            "count": 3,
            "bases": {"python:3": "stand-in", "limits": {"a": 1, "b": [2, 3]}},
            "list": [],
            "map": {},
            "-": "x",
        }
    )
    assert told == [
        ("Grader version", "1"),
        ("Pulled", "yes"),
        ("Rebuilt", "no"),
        ("Share", "0.5"),
        ("Count", "3"),
        ("Bases", "python:3: stand-in\nlimits: a: 1; b: 2, 3"),
        ("List", "none"),
        ("Map", "none"),
        ("Value", "x"),
    ]


def test_why_prefers_what_was_seen() -> None:
    assert why(FAIL.results[6].outcomes[0]).startswith("the container did not react to TERM")
    assert why(outcome("data", Status.SKIPPED, reason="waits for: x")) == "waits for: x"
    assert why(outcome("data", Status.ERRORED)) == "not checked"


def test_hidden_checks_keep_their_reason_and_nothing_else() -> None:
    row = prepared(FAIL).results[-1]
    assert row.requirement.hidden
    assert [(item.check, item.title, item.evidence) for item in row.outcomes] == [("hidden::1", "Hidden check 1", None)]
    assert row.outcomes[0].reason.startswith("A check that is not shown did not pass")
    told = dataclasses.replace(FAIL.results[-1], outcomes=(outcome("least", Status.FAILED, reason="too much"),))
    card = dataclasses.replace(FAIL, results=(told,))
    assert prepared(card).results[0].outcomes[0].reason == "too much"
    assert prepared(FAIL, reveal=True).results[-1].outcomes[0].evidence is not None
    assert prepared(CARDS["pass-0"]()).results[-1].outcomes[0].reason == ""


def test_preparing_cleans_every_text_and_changes_no_number() -> None:
    card = prepared(HOSTILE, reveal=True)
    assert "\x1b" not in repr(card)
    assert "\\u202e" not in ascii(card)
    assert (card.points, card.verdict, len(card.results)) == (HOSTILE.points, HOSTILE.verdict, len(HOSTILE.results))
    assert "\n" not in card.submission.name
    assert prepared(FAIL, reveal=True) == FAIL


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", [name for name in CARDS if name != "hostile-0"])
def test_no_format_but_the_record_tells_what_is_hidden(format_name: str, name: str) -> None:
    card = CARDS[name]()
    assert "gcc" not in FORMATS[format_name].render(card, reveal=False)
    if name == "fail-1" and format_name != "console":  # the console has room for what is best to fix only
        assert "gcc" in FORMATS[format_name].render(card, reveal=True)
