import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.codec.documents import Document
from mde_grader.codec.labs import lab_from
from mde_grader.codec.nodes import document_from
from mde_grader.codec.schemas import problems
from mde_grader.errors import LabInvalidError
from mde_grader.model import Lab, Parameter, Requirement

TEXT = """\
schema: mde-grade/lab/1
id: lab-03
title: Provision a development environment as code
category: iac
level: foundation
track: core-devops
minutes: 90
pass_mark: 70
summary: |
  One environment.
parameters:
  team: {choice: [atlas, borealis]}
requirements:
  - id: network
    title: One VPC with
      two subnets
    points: 15
    hint: Look at the zones.
    gate: true
  - id: idempotent
    title: A second apply changes nothing
    points: 85
    needs: [network]
    hidden: true
"""


def read(text: str = TEXT) -> Lab:
    return lab_from(document_from(text, file="lab.yaml"))


def changed(path: Any, value: Any) -> Any:
    """The data of TEXT with one value replaced, added or (for `...`) taken away."""
    data = copy.deepcopy(yaml.safe_load(TEXT))
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


def test_every_field_is_read() -> None:
    assert read() == Lab(
        id="lab-03",
        title="Provision a development environment as code",
        category="iac",
        level="foundation",
        track="core-devops",
        minutes=90,
        pass_mark=70,
        requirements=(
            Requirement("network", "One VPC with two subnets", 15, "Look at the zones.", gate=True),
            Requirement("idempotent", "A second apply changes nothing", 85, needs=("network",), hidden=True),
        ),
        summary="One environment.",
        parameters={"team": Parameter("choice", choices=("atlas", "borealis"))},
    )


def test_what_may_be_left_out_has_a_default() -> None:
    lab = lab_from(Document(changed(["parameters"], ...)), digest="sha256:1")
    assert (lab.parameters, lab.digest) == ({}, "sha256:1")
    assert lab_from(Document(changed(["summary"], ...))).summary == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("minutes: 90", "minutes: soon", "lab.yaml:7: minutes must be a whole number, not text"),
        ("minutes: 90", "minutes: 0", "lab.yaml:7: minutes is 0; it must be from 1 to 10080"),
        ("minutes: 90", "minutes: true", "minutes must be a whole number, not true or false"),
        ("pass_mark: 70", "pass_mark: 101", "lab.yaml:8: pass_mark is 101"),
        ("level: foundation", "level: easy", "level is 'easy'; it must be one of: foundation, professional, advanced"),
        ("id: lab-03", "id: Lab 3", "lab.yaml:2: id is 'Lab 3', which does not match"),
        ("title: Provision a development environment as code", "title: ''", "title must not be empty"),
        ("schema: mde-grade/lab/1", "schema: mde-grade/lab/2", "schema is 'mde-grade/lab/2'; it must be one of"),
        ("track: core-devops\n", "", "the document lacks `track`"),
        ("points: 15", "points: 1.5", "requirements[0].points must be a whole number, not a number"),
        ("    points: 15", "    point: 15", "requirements[0].point is not known here; did you mean `points`?"),
        ("category: iac", "category: iac\nqqqqq: 1", "lab.yaml:5: qqqqq is not known here"),
        ("needs: [network]", "needs: [netwerk]", "requirements[1].needs names 'netwerk', which is no requirement"),
        ("needs: [network]", "needs: [network, network]", "names 'network' twice"),
        ("needs: [network]", "needs: network", "must be a list"),
        ("needs: [network]", "needs: [idempotent]", "need each other in a circle: idempotent -> idempotent"),
        ("    gate: true", "    needs: [idempotent]", "circle: network -> idempotent -> network"),
        ("  - id: idempotent", "  - id: network", "requirements[1].id is 'network', which an earlier requirement has"),
        ("gate: true", "gate: maybe", "lab.yaml:19: requirements[0].gate must be true or false, not text"),
        ("  team: {choice: [atlas, borealis]}", "  - team", "parameters must be a mapping"),
    ],
)
def test_an_error_names_file_line_and_key(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(LabInvalidError) as caught:
        read(TEXT.replace(old, new, 1))
    assert told in caught.value.message
    assert caught.value.message.startswith("lab.yaml:")


@pytest.mark.parametrize("value", [None, [], {}, "text", 3])
def test_requirements_must_be_a_list_with_something_in_it(value: Any) -> None:
    with pytest.raises(LabInvalidError, match="requirements must"):
        lab_from(Document(changed(["requirements"], value)))


@pytest.mark.parametrize("data", [None, [], "text", 3, {1: 2}])
def test_a_document_that_is_no_lab(data: Any) -> None:
    with pytest.raises(LabInvalidError, match="the document"):
        lab_from(Document(data))


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "a: !!python/object:os.system x", "- \x00"])
def test_what_is_no_document_is_the_labs_fault_with_its_line(text: str) -> None:
    with pytest.raises(LabInvalidError, match=r"^lab\.yaml"):
        read(text)


def test_a_long_chain_of_needs_is_no_circle() -> None:
    items = [{"id": f"r{n}", "title": "t", "points": 1, "needs": [f"r{n - 1}"] if n else []} for n in range(200)]
    assert len(lab_from(Document(changed(["requirements"], items))).requirements) == 200


def test_a_diamond_of_needs_is_no_circle() -> None:
    items = [
        {"id": "a", "title": "t", "points": 1, "needs": ["b", "c"]},
        {"id": "b", "title": "t", "points": 1, "needs": ["d"]},
        {"id": "c", "title": "t", "points": 1, "needs": ["d"]},
        {"id": "d", "title": "t", "points": 1},
    ]
    assert len(lab_from(Document(changed(["requirements"], items))).requirements) == 4


def test_many_diamonds_on_top_of_each_other_are_read_at_once() -> None:
    items: list[dict[str, Any]] = []
    for layer in range(40):  # 2**40 ways from top to bottom: walking each of them would never end
        needs = [f"a{layer - 1}", f"b{layer - 1}"] if layer else []
        items += [{"id": f"{side}{layer}", "title": "t", "points": 1, "needs": needs} for side in "ab"]
    assert len(lab_from(Document(changed(["requirements"], items[::-1]))).requirements) == 80


PLACES = st.sampled_from(
    [
        *(["schema"], ["id"], ["title"], ["category"], ["level"], ["track"], ["minutes"], ["pass_mark"], ["summary"]),
        *(["requirements", 0, key] for key in ("id", "title", "points", "hint", "needs", "gate", "hidden", "other")),
        *(["parameters"], ["requirements", 0], ["new"], ["x-new"], ["requirements", 0, "x-new"]),
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2000),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
)


@given(PLACES, VALUES)
def test_the_published_schema_refuses_nothing_that_is_read_and_reads_what_it_accepts(path: Any, value: Any) -> None:
    data = changed(path, value)
    try:
        lab_from(Document(data))
    except LabInvalidError as error:
        told = error.message
    else:
        told = ""
    cross = ("circle", "earlier requirement", "no requirement of this lab", "must not be empty", "whole number")
    if problems("lab", data):
        assert told
    else:
        assert not told or any(word in told for word in cross)
