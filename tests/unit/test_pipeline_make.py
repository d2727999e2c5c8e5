"""Makefiles as pipelines."""

from __future__ import annotations

import pytest

from graders.pipelines.events import Event, push, tag
from graders.pipelines.pipelines import read


@pytest.mark.parametrize(
    "text",
    [
        "pipeline:\n\tmake test\n",
        "pipeline: test deploy\n",
        "all pipeline:: test\n",
        "test:\n\tpytest\n\npipeline : test\n",
        "include ci/rules.mk\n",
        "-include ci/rules.mk\n",
    ],
)
def test_a_makefile_with_the_target_is_run_for_each_push(text: str) -> None:
    pipeline = read("make", {"Makefile": text.encode()})
    assert (pipeline.refusals, pipeline.actions) == ((), ())
    for event in (push(), push("x", message="[skip ci]"), tag("v1")):
        (run,) = pipeline.runs(event)
        assert (run.file, run.event, run.groups) == ("Makefile", event, ())
    assert pipeline.why_not(push()) == ""
    assert pipeline.runs(Event("schedule")) == ()
    assert "is run for pushes" in pipeline.why_not(Event("schedule"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "test:\n\tpytest\n", "pipelines:\n", "my-pipeline: x\n", "# pipeline: x\n", "pipeline = a:b\n"),
        *("pipeline := x\n", "\tpipeline: x\n", ".PHONY: pipeline\n"),
    ],
)
def test_a_makefile_without_the_target_is_refused(text: str) -> None:
    pipeline = read("make", {"Makefile": text.encode()})
    (refusal,) = pipeline.refusals
    assert str(refusal) == ("Makefile: there is no target `pipeline`; write `pipeline:` and its steps [pipeline.make]")
    assert pipeline.runs(push()) == ()
    assert pipeline.why_not(push()) == "it is refused"


def test_the_file_is_the_one_that_make_would_take() -> None:
    good, bad = b"pipeline:\n", b"all:\n"
    assert read("make", {"Makefile": bad, "GNUmakefile": good}).runs(push())[0].file == "GNUmakefile"
    assert read("make", {"Makefile": bad, "makefile": good}).runs(push())[0].file == "makefile"
    assert read("make", {"ci/Makefile": good}).refusals[0].rule == "pipeline.missing"
    assert read("make", {"Makefile": b"#" * 300_000}).refusals[0].rule == "pipeline.text"
