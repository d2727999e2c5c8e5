import contextlib
import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.codec.documents import read_json
from mde_grader.codec.schemas import problems, schema
from mde_grader.codec.scorecards import (
    ScorecardFormatError,
    outcome_from,
    outcome_to,
    scorecard_from,
    scorecard_to,
)
from mde_grader.model import (
    Evidence,
    Fault,
    Lab,
    Outcome,
    Phase,
    Requirement,
    RequirementResult,
    Scorecard,
    Status,
    SubmissionIdentity,
    Trust,
    Verdict,
)
from tests.golden.cards import CARDS

TEXTS = st.text(max_size=8)
NUMBERS = st.floats(0, 1e6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=2)
REQUIREMENTS = st.builds(
    Requirement,
    id=TEXTS,
    title=TEXTS,
    points=st.integers(1, 99),
    hint=TEXTS,
    needs=st.lists(TEXTS, max_size=2).map(tuple),
    gate=st.booleans(),
    hidden=st.booleans(),
)
OUTCOMES = st.builds(
    Outcome,
    check=TEXTS,
    title=TEXTS,
    requirement=TEXTS,
    status=st.sampled_from(Status),
    seconds=NUMBERS,
    evidence=st.none() | st.builds(Evidence, TEXTS, TEXTS, TEXTS, TEXTS),
    reason=TEXTS,
    trust=st.sampled_from(Trust),
)


@st.composite
def scorecards(draw: Any) -> Any:
    requirements = draw(st.lists(REQUIREMENTS, max_size=3, unique_by=lambda item: item.id))
    rows = [
        RequirementResult(
            item,
            draw(st.sampled_from(Status)),
            draw(NUMBERS),
            draw(NUMBERS),
            tuple(draw(st.lists(OUTCOMES, max_size=2))),
        )
        for item in requirements
    ]
    lab = draw(
        st.builds(
            Lab,
            id=TEXTS,
            title=TEXTS,
            category=TEXTS,
            level=TEXTS,
            track=TEXTS,
            minutes=st.integers(0, 99),
            pass_mark=st.integers(0, 100),
            requirements=st.just(tuple(requirements)),
            summary=TEXTS,
            digest=TEXTS,
            parameters=OBJECTS,
        )
    )
    return Scorecard(
        attempt=draw(TEXTS),
        lab=lab,
        submission=draw(st.builds(SubmissionIdentity, TEXTS, TEXTS, TEXTS, st.integers(0, 9), st.integers(0, 9))),
        started=draw(TEXTS),
        seconds=draw(NUMBERS),
        verdict=draw(st.sampled_from(Verdict)),
        points=draw(NUMBERS),
        points_high=draw(NUMBERS),
        results=tuple(rows),
        fault=draw(st.none() | st.builds(Fault, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)),
        phases=tuple(draw(st.lists(st.builds(Phase, TEXTS, NUMBERS, NUMBERS), max_size=2))),
        environment=draw(OBJECTS),
        partial=tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@given(scorecards())
def test_a_scorecard_survives_the_round_trip(card: Scorecard) -> None:
    assert scorecard_from(json.loads(json.dumps(scorecard_to(card)))) == card


def objects(value: Any) -> Any:
    """Every object in some data but those that are free-form."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in {"environment", "parameters"}:
                yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


@given(scorecards(), st.data())
def test_unknown_fields_survive_wherever_they_stand(card: Scorecard, data: Any) -> None:
    plain = scorecard_to(card)
    places = list(objects(plain))
    for index in data.draw(st.sets(st.integers(0, len(places) - 1), max_size=6)):  # drawing for each one takes long
        place = places[index]
        for name in data.draw(st.sets(st.sampled_from(["zz", "a/b", "~", "/top", ""]), max_size=2)):
            place[name] = data.draw(JSON)
    assert scorecard_to(scorecard_from(plain)) == plain


def test_an_unknown_field_stands_under_its_pointer() -> None:
    plain = scorecard_to(CARDS["pass-0"]())
    plain["later"] = 1
    plain["results"][0]["outcomes"][0]["colour/hue"] = "red"
    card = scorecard_from(plain)
    assert card.extra == {"later": 1, "/results/0/outcomes/0/colour~1hue": "red"}


def test_an_unknown_field_never_covers_a_known_one() -> None:
    card = scorecard_from({**scorecard_to(CARDS["pass-0"]())})
    forged = Scorecard(**{name: getattr(card, name) for name in card.__slots__ if name != "extra"}, extra={"points": 1})
    assert scorecard_to(forged)["points"] == 100


@pytest.mark.parametrize("pointer", ["/results/99/x", "/results/x/y", "/nowhere/x", "/attempt/x", "/results/0/x/y"])
def test_an_unknown_field_whose_place_is_gone_is_dropped(pointer: str) -> None:
    card = CARDS["pass-0"]()
    odd = Scorecard(**{name: getattr(card, name) for name in card.__slots__ if name != "extra"}, extra={pointer: 1})
    assert scorecard_to(odd) == scorecard_to(card)


@pytest.mark.parametrize("name", CARDS)
def test_the_published_schema_accepts_what_is_written(name: str) -> None:
    data = json.loads(json.dumps(scorecard_to(CARDS[name]())))
    assert problems("scorecard", data) == []
    for row in data["results"]:
        for outcome in row["outcomes"]:
            assert problems("outcome", outcome) == []


def test_the_schema_refuses_what_is_wrong_and_names_its_place() -> None:
    data = scorecard_to(CARDS["pass-0"]())
    data["results"][2]["status"] = "great"
    assert problems("scorecard", data) == [
        "/results/2/status: 'great' is not one of ['passed', 'failed', 'skipped', 'errored']"
    ]


def test_the_outcome_of_the_scorecard_is_the_published_outcome() -> None:
    assert schema("scorecard")["$defs"]["outcome"]["properties"] == schema("outcome")["properties"]
    assert (
        schema("scorecard")["$defs"]["requirement"]["properties"] == schema("lab")["$defs"]["requirement"]["properties"]
    )


def test_derived_numbers_are_not_believed() -> None:
    data = scorecard_to(CARDS["fail-1"]())
    assert (data["percent"], data["possible"]) == (63, 100)
    data["percent"], data["possible"] = 100, 1
    assert scorecard_from(data).percent == 63


def test_a_fault_and_phases_may_be_left_out() -> None:
    data = scorecard_to(CARDS["pass-0"]())
    for name in ("fault", "phases", "environment", "partial"):
        del data[name]
    card = scorecard_from(data)
    assert (card.fault, card.phases, card.environment, card.partial) == (None, (), {}, ())


def broken(*path: Any, value: Any = ...) -> Any:
    data = scorecard_to(CARDS["fail-1"]())
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "the scorecard must be an object"),
        ({}, "/schema must be 'mde-grade/scorecard/1'"),
        (broken("attempt"), "/attempt is missing"),
        (broken("attempt", value=3), "/attempt must be of type str"),
        (broken("points", value="9"), "/points must be a number"),
        (broken("points", value=True), "/points must be a number"),
        (broken("points", value=math.nan), "/points must be a finite number"),
        (broken("points", value=10**400), "/points must be a finite number"),
        (broken("verdict", value="great"), "/verdict has the unknown value 'great'"),
        (broken("lab", "minutes", value=True), "/lab/minutes must be of type int"),
        (broken("lab", "requirements", 0, "gate", value=1), "/lab/requirements/0/gate must be of type bool"),
        (broken("results"), "/results is missing"),
        (broken("results", 0, value=None), "/results/0 must be an object"),
        (broken("results", 0, "requirement", value="zz"), "/results/0/requirement names 'zz', which the lab does not"),
        (broken("results", 0, "outcomes", 0, "status", value="ok"), "/results/0/outcomes/0/status has the unknown"),
        (broken("results", 4, "outcomes", 0, "evidence", value=[]), "/results/4/outcomes/0/evidence must be of type"),
        (broken("partial", value=[1]), "/partial must be a list of text"),
        (broken("fault", value={}), "/fault/owner is missing"),
        (broken("environment", value=[]), "/environment must be of type Mapping"),
    ],
)
def test_what_is_no_scorecard_is_named(data: Any, told: str) -> None:
    with pytest.raises(ScorecardFormatError) as caught:
        scorecard_from(data)
    assert told in str(caught.value)


@given(JSON, st.sampled_from(["lab", "submission", "results", "fault", "phases", "points", "verdict", "partial"]))
def test_damage_is_a_format_error_and_nothing_else(value: Any, name: str) -> None:
    with contextlib.suppress(ScorecardFormatError):
        assert scorecard_from(broken(name, value=value)).attempt == "a-fail"


@given(OUTCOMES)
def test_an_outcome_survives_the_round_trip(outcome: Outcome) -> None:
    assert outcome_from(json.loads(json.dumps(outcome_to(outcome)))) == outcome


def test_an_outcome_with_less_is_read_and_unknown_fields_are_left_out() -> None:
    data = {"check": "c", "title": "t", "requirement": "r", "status": "passed", "zz": 1}
    assert outcome_from(data) == Outcome("c", "t", "r", Status.PASSED)


def test_the_strict_reader_takes_what_is_written() -> None:
    text = json.dumps(scorecard_to(CARDS["fail-1"]()))
    assert scorecard_from(read_json(text).data) == CARDS["fail-1"]()


def test_a_lab_of_a_later_version_says_so() -> None:
    card = CARDS["pass-0"]()
    later = dataclasses.replace(card, lab=dataclasses.replace(card.lab, version=2))
    assert scorecard_to(later)["lab"]["version"] == 2
    assert scorecard_from(scorecard_to(later)) == later
    assert "version" not in scorecard_to(card)["lab"]
