"""JSON, JUnit, Markdown and GitHub's commands: what programs read."""

import dataclasses
import html
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mde_grader.codec.schemas import problems
from mde_grader.codec.scorecards import scorecard_from
from mde_grader.model import Fault
from mde_grader.reporters import FORMATS, github, junit, markdown
from mde_grader.reporters import json as json_reporter
from tests.golden.cards import CARDS

TOKEN = "0123456789abcdef"


def parsed(text: str) -> Any:
    """The root element; the text is our own reporter's."""
    return ET.fromstring(text)  # noqa: S314 - no entities of others: the reporter escapes every ampersand


@pytest.mark.parametrize("name", CARDS)
def test_json_is_ascii_is_valid_and_comes_back(name: str) -> None:
    card = CARDS[name]()
    text = json_reporter.render(card)
    assert text.isascii()
    assert problems("scorecard", json.loads(text)) == []
    assert scorecard_from(json.loads(text)) == card


def test_json_can_leave_out_what_is_hidden() -> None:
    text = json_reporter.render(CARDS["fail-1"](), reveal=False)
    assert "gcc" not in text
    assert problems("scorecard", json.loads(text)) == []


@pytest.mark.parametrize("name", CARDS)
def test_junit_parses_and_its_counts_add_up(name: str) -> None:
    root = parsed(junit.render(CARDS[name]()))
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [row.requirement.id for row in CARDS[name]().results]
    for place in (root, *suites):
        cases = place.findall(".//testcase")
        assert place.get("tests") == str(len(cases))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert place.get(attribute) == str(len(place.findall(f".//testcase/{tag}")))


def test_junit_tells_what_a_failure_has_to_say() -> None:
    root = parsed(junit.render(CARDS["fail-1"]()))
    failure = root.find("testsuite[@name='graceful']/testcase/failure")
    assert failure.get("message").startswith("the container did not react to TERM")
    for part in (
        "Check: test_graceful.py::test_graceful",
        "Expected: the slow",
        "See it yourself: docker",
        "Hint: Write CMD",
    ):
        assert part in failure.text
    assert root.find("testsuite[@name='replicas']/testcase/skipped").get("message") == "waits for: data"


def test_junit_of_what_never_ran_has_a_case_with_the_fault() -> None:
    root = parsed(junit.render(CARDS["refused-1"]()))
    assert len(root.findall(".//failure")) == 14
    assert root.find(".//failure").get("message").startswith("The service web asks for")
    root = parsed(junit.render(CARDS["fault-3"]()))
    assert len(root.findall(".//error")) == 10


def test_junit_keeps_markup_of_others_as_text() -> None:
    root = parsed(junit.render(CARDS["hostile-0"]()))
    tags = {element.tag for element in root.iter()}
    assert tags == {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped"}
    assert "<script>" in root.find(".//failure").text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 3.5 (ok)", "plain text, 3.5 (ok)"),
        ("**b** _i_ `c`", r"\*\*b\*\* \_i\_ \`c\`"),
        ("[a](http://x)", r"\[a\](http\://x)"),
        ("a|b", r"a\|b"),
        ("<b>&amp;", "&lt;b\\>&amp;amp;"),
        ("@all #1", r"\@all \#1"),
        ("www.evil.example", r"www\.evil.example"),
        ("two\nlines", "two lines"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_markdown_escapes(text: str, shown: str) -> None:
    assert markdown.escape(text) == shown


@pytest.mark.parametrize("name", CARDS)
def test_markdown_folds_evenly_and_keeps_its_table(name: str) -> None:
    text = markdown.render(CARDS[name]())
    assert text.count("<details>") == text.count("</details>")
    table = text[text.index("| | Requirement") :].split("\n\n")[0].split("\n")
    assert len(table) == len(CARDS[name]().results) + 2
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 4 for line in table)


def test_markdown_lets_no_markup_of_others_through() -> None:
    text = markdown.render(CARDS["hostile-0"]())
    assert set(re.findall(r"<(/?[a-z]+)", text)) <= {
        "details",
        "/details",
        "summary",
        "/summary",
        "b",
        "/b",
        "pre",
        "/pre",
    }
    outside = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\):(?=//)", outside)
    assert "\x1b" not in text


def test_markdown_tells_the_fault_and_what_to_fix() -> None:
    text = markdown.render(CARDS["refused-1"]())
    assert "> **The service web asks for \\`privileged: true\\`" in text
    assert "Best to fix" not in text
    text = markdown.render(CARDS["fail-1"]())
    assert text.index("Data survives when a container is replaced</b> (+13)") < text.index(
        "TERM ends the service within five seconds without losing a request</b>"
    )
    assert "waits for data" in text
    assert "ERROR: No matching distribution" in markdown.render(CARDS["unbuilt-1"]())


def test_markdown_of_a_fault_without_a_next_step_or_a_place() -> None:
    card = CARDS["refused-1"]()
    fault = Fault("candidate", "rule", "It is **wrong**")
    text = markdown.render(dataclasses.replace(card, fault=fault))
    assert "> **It is \\*\\*wrong\\*\\***\n\n|" in text


def test_an_annotation_names_file_and_line() -> None:
    lines = github.render(CARDS["refused-1"](), token=TOKEN, root="work/amina/").split("\n")
    assert lines[0].startswith("::error file=work/amina/compose.yaml,line=12,title=The submission was refused before")
    assert "::The service web asks for" in lines[0]
    assert github.commands(CARDS["refused-1"]())[0].startswith("::error file=compose.yaml,line=12,")


def test_annotations_come_best_first_and_are_few() -> None:
    lines = github.commands(CARDS["fail-1"]())
    assert [line.split("::")[1].split("title=")[1] for line in lines][:2] == [
        "Data survives when a container is replaced (+13)",
        "No secret in any layer%2C in the history or in the configuration (+10)",
    ]
    assert lines[0].endswith(
        "::GET http://web:8080/parcels/17/attachment answered 404 Not Found%0AHint: Give the folder a named volume."
    )
    assert len(lines) <= github.MOST
    assert github.render(CARDS["pass-0"](), token=TOKEN) == ""


def test_a_fault_without_a_place_has_no_file() -> None:
    assert "file=" not in github.commands(CARDS["fault-3"]())[0]


def test_no_text_of_others_starts_a_command() -> None:
    card = CARDS["hostile-0"]()
    text = FORMATS["console"].render(card)
    out = github.render(card, token=TOKEN, text=text + "\n::error::owned\n")
    before, fenced = out.split(f"::stop-commands::{TOKEN}\n")
    for line in before.splitlines():
        assert line.startswith("::error title=")
        assert "\r" not in line
    assert fenced.endswith(f"\n::{TOKEN}::\n")
    assert fenced.count(TOKEN) == 1


def test_what_looks_like_an_escape_stays_text() -> None:
    card = CARDS["refused-1"]()
    odd = dataclasses.replace(card, fault=Fault("candidate", "rule", "100%0A::error::x", where="a%2Cb.yaml:3"))
    (line,) = github.commands(odd)
    assert line.startswith("::error file=a%252Cb.yaml,line=3,")
    assert line.endswith("::100%250A::error::x")


def test_a_fence_cannot_be_opened_from_inside() -> None:
    assert github.stopped(f"x\n::{TOKEN}::\n::error::y\n", token=TOKEN).count(f"::{TOKEN}::") == 1


@pytest.mark.parametrize("token", ["", "short", "has space in it 0123", "a" * 200, "with\nline-feed-0123456"])
def test_a_weak_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="stop token"):
        github.stopped("x", token=token)


def test_every_format_of_the_table_renders() -> None:
    for name, each in FORMATS.items():
        assert each.name == name
        assert each.extension.startswith(".")
        assert each.render(CARDS["fail-1"]()).endswith("\n")


def test_html_entities_in_junit_are_those_of_xml() -> None:
    assert set(re.findall(r"&\w+;", junit.render(CARDS["hostile-0"]()))) <= {"&amp;", "&lt;", "&gt;", "&quot;"}
    assert html.escape("'") == "&#x27;"
