"""The reference pages name every field that there is, and their examples are read."""

import dataclasses
import re
from pathlib import Path

import pytest

from mde_grader.codec import environments, labs, scorecards
from mde_grader.codec.nodes import Node, document_from
from mde_grader.codec.schemas import NAMES, schema
from mde_grader.environments import Environment
from mde_grader.model import Dialect, Evidence, Fault, Outcome, Requirement, Scorecard
from mde_grader.reporters import FORMATS
from mde_grader.runtimes.base import BuildLimits, Limits

DOCS = Path(__file__).parents[2] / "docs" / "reference"
LAB_FORMAT = (DOCS / "lab-format.md").read_text("utf-8")
SCORECARD = (DOCS / "scorecard.md").read_text("utf-8")


def named(text: str) -> set[str]:
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[a-z_]+", code)}


@pytest.mark.parametrize("kind", [Requirement, Dialect, Environment, BuildLimits, Limits])
def test_the_lab_format_names_every_field(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields - named(LAB_FORMAT) == set()


@pytest.mark.parametrize("kind", [Scorecard, Outcome, Evidence, Fault])
def test_the_scorecard_page_names_every_field(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)} - {"extra", "requirement"}
    assert fields - named(SCORECARD) == set()
    assert set(FORMATS) <= named(SCORECARD)


def test_the_examples_are_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", LAB_FORMAT, flags=re.DOTALL)
    documents = [document_from(example, file="example") for example in examples]
    ours = [labs.dialects_from(Node(each.data["dialects"], "example")) for each in documents if "dialects" in each.data]
    assert [[dialect.id for dialect in dialects] for dialects in ours] == [["github", "gitlab", "make"]]
    read = [environments.environment_from(each, file="example") for each in documents if "dialects" not in each.data]
    assert [(each.kind, each.main) for each in read] == [("compose", "web"), ("workspace", "workspace")]


def test_the_pages_name_the_versions_of_the_formats() -> None:
    assert labs.SCHEMA in LAB_FORMAT
    assert environments.SCHEMA in LAB_FORMAT
    assert scorecards.SCHEMA in SCORECARD


@pytest.mark.parametrize("name", NAMES)
def test_every_property_of_a_schema_is_described(name: str) -> None:
    def check(place: object, path: str) -> None:
        if not isinstance(place, dict):
            return
        for key, value in place.get("properties", {}).items():
            told = value.get("description") or value.get("$ref")
            assert told, f"{path}/{key} has no description"
            check(value, f"{path}/{key}")
        for key, value in place.get("$defs", {}).items():
            check(value, f"{path}/$defs/{key}")

    check(schema(name), name)
