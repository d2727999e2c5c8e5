"""Which values a candidate's lab gets: always the same for the same, and nothing else decides."""

from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.model import Lab, Parameter
from mde_grader.variants import Variant, seed_of, variant_of

PARAMETERS = {
    "team": Parameter("choice", choices=("atlas", "borealis", "cygnus")),
    "app": Parameter(
        "choice",
        choices=("parcels", "loans"),
        brings={"parcels": {"item": "parcel", "most": 31}, "loans": {"item": "loan", "most": 84}},
    ),
    "cidr": Parameter("subnet", network="10.0.0.0/8", prefix=16),
    "port": Parameter("integer", low=8001, high=8999, practice=8080),
    "site": Parameter("word"),
    "token": Parameter("secret", length=20),
}
LAB = Lab("lab-x", "X", "c", "l", "t", 1, 70, (), parameters=PARAMETERS)
NAMES = st.text("abcdefghij0123456789", min_size=1, max_size=12)


def got(candidate: str | None = None, *, salt: str = "", lab: Lab = LAB) -> Variant:
    variant = variant_of(lab, candidate, salt=salt)
    assert variant is not None
    return variant


def with_version(version: int) -> Lab:
    return Lab("lab-x", "X", "c", "l", "t", 1, 70, (), parameters=PARAMETERS, version=version)


def test_a_lab_without_parameters_has_no_variants() -> None:
    assert variant_of(Lab("lab-x", "X", "c", "l", "t", 1, 70, ()), "ada") is None


def test_the_same_candidate_always_gets_the_same_on_every_machine_and_version_of_python() -> None:
    assert dict(got("ada").values) == {
        "team": "atlas",
        "app": "loans",
        "cidr": "10.15.0.0/16",
        "port": 8715,
        "site": "rabube",
        "token": "e81TCqICyV9j7Tm6XgU1",
        "item": "loan",
        "most": 84,
    }


@given(NAMES, NAMES)
def test_the_same_is_the_same_and_other_candidates_get_others(one: str, other: str) -> None:
    assert got(one) == got(one)
    assert hash(got(one)) == hash(got(one))
    assert (got(one) == got(other)) == (one == other)
    assert (got(one).identity.id == got(other).identity.id) == (one == other)


def test_another_version_lab_or_salt_gives_another_variant() -> None:
    other = Lab("lab-y", "X", "c", "l", "t", 1, 70, (), parameters=PARAMETERS)
    variants = [got("ada"), got("ada", salt="s"), got("ada", lab=with_version(2)), got("ada", lab=other)]
    assert len({variant.values["token"] for variant in variants}) == 4
    assert len({variant.identity.id for variant in variants}) == 4


def test_no_salt_touches_the_practice_variant() -> None:
    assert got(None, salt="s") == got(None)
    assert got("practice") != got(None)
    assert got("", salt="") != got(None)


def test_parts_of_a_seed_cannot_be_shifted_into_each_other() -> None:
    assert seed_of(LAB, "a") != seed_of(LAB, None)
    assert len({seed_of(with_version(1), "1"), seed_of(with_version(11), ""), seed_of(LAB, "11")}) == 3


def test_practice_is_the_first_choice_and_what_the_lab_names() -> None:
    values = got(None).values
    assert (values["team"], values["app"], values["item"], values["most"]) == ("atlas", "parcels", "parcel", 31)
    assert values["port"] == 8080
    named = {"team": Parameter("choice", choices=("atlas", "cygnus"), practice="cygnus")}
    assert got(lab=Lab("l", "L", "c", "l", "t", 1, 70, (), parameters=named)).values == {"team": "cygnus"}
    assert got(None).identity.practice
    assert not got("ada").identity.practice


@given(NAMES)
def test_every_value_is_one_that_the_parameter_allows(candidate: str) -> None:
    values = got(candidate).values
    assert values["team"] in PARAMETERS["team"].choices
    assert values["item"] == {"parcels": "parcel", "loans": "loan"}[str(values["app"])]
    assert ipaddress.ip_network(values["cidr"]).subnet_of(ipaddress.ip_network("10.0.0.0/8"))  # type: ignore[arg-type]
    assert str(values["cidr"]).endswith(".0.0/16")
    assert 8001 <= int(values["port"]) <= 8999
    assert len(str(values["site"])) == 6
    assert str(values["site"]).isalpha()
    assert len(str(values["token"])) == 20
    assert str(values["token"]).isalnum()


def test_every_choice_is_drawn_about_as_often() -> None:
    teams = Counter(got(f"candidate-{number}").values["team"] for number in range(900))
    assert len(teams) == 3
    assert min(teams.values()) > 240


def test_both_ends_of_a_range_are_drawn() -> None:
    lab = Lab("l", "L", "c", "l", "t", 1, 70, (), parameters={"n": Parameter("integer", low=-1, high=1)})
    assert {got(str(number), lab=lab).values["n"] for number in range(60)} == {-1, 0, 1}


def test_a_subnet_may_be_the_whole_network_and_of_version_6() -> None:
    whole = {"n": Parameter("subnet", network="10.0.0.0/16", prefix=16)}
    six = {"n": Parameter("subnet", network="fd00::/32", prefix=48)}
    assert got("a", lab=Lab("l", "L", "c", "l", "t", 1, 70, (), parameters=whole)).values["n"] == "10.0.0.0/16"
    drawn = str(got("a", lab=Lab("l", "L", "c", "l", "t", 1, 70, (), parameters=six)).values["n"])
    assert ipaddress.ip_network(drawn).subnet_of(ipaddress.ip_network("fd00::/32"))  # type: ignore[arg-type]


def test_a_parameter_that_is_added_moves_no_other() -> None:
    fewer = {name: PARAMETERS[name] for name in ("site", "team")}
    values = got("ada", lab=Lab("lab-x", "X", "c", "l", "t", 1, 70, (), parameters=fewer)).values
    assert values == {name: got("ada").values[name] for name in values}


def test_secrets_are_shown_nowhere() -> None:
    variant = got("ada")
    token = str(variant.values["token"])
    assert variant.identity.values["token"] == "<token>"
    assert token not in str(variant.identity)
    assert variant.masked(f"it is {token}, twice: {token}") == "it is <token>, twice: <token>"
    assert variant.masked("nothing of it") == "nothing of it"


@pytest.mark.parametrize("name", ["item", "most"])
def test_what_choices_bring_is_no_parameter_of_its_own(name: str) -> None:
    assert name in got("ada").values
    assert name not in got("ada").identity.values
