"""Values of an attempt: new each time, safe to put anywhere, and never shown when they are secret."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mde_grader.environments import Variable
from mde_grader.variables import make_values, masked

VARIABLES = {
    "DB_PASSWORD": Variable("secret", length=32),
    "SITE_NAME": Variable("word"),
    "MODE": Variable("fixed", value="production"),
}


def test_each_kind_has_its_form() -> None:
    values = make_values(VARIABLES)
    assert re.fullmatch(r"[A-Za-z0-9]{32}", values["DB_PASSWORD"])
    assert re.fullmatch(r"[a-z]{8}[0-9]{3}", values["SITE_NAME"])
    assert values["MODE"] == "production"


def test_random_ones_are_new_each_time() -> None:
    made = [make_values(VARIABLES) for _ in range(20)]
    assert len({values["DB_PASSWORD"] for values in made}) == 20
    assert len({values["SITE_NAME"] for values in made}) == 20


def test_only_secrets_are_masked() -> None:
    values = make_values(VARIABLES)
    text = "postgres://u:{DB_PASSWORD}@db/{SITE_NAME}?{MODE}&{DB_PASSWORD}".format(**values)
    assert (
        masked(text, VARIABLES, values)
        == f"postgres://u:<DB_PASSWORD>@db/{values['SITE_NAME']}?production&<DB_PASSWORD>"
    )


def test_a_secret_without_a_value_masks_nothing() -> None:
    assert masked("text", VARIABLES, {}) == "text"
    assert masked("text", VARIABLES, {"DB_PASSWORD": ""}) == "text"


@given(st.text(), st.text(), st.integers(8, 128))
def test_no_secret_is_left_whatever_stands_around_it(before: str, after: str, length: int) -> None:
    variables = {"A": Variable("secret", length=length)}
    values = make_values(variables)
    assert values["A"] not in masked(before + values["A"] + after, variables, values)
