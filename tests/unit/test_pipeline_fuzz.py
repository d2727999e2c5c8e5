"""Whatever a candidate writes as a pipeline: it is refused or read, and never ends the grader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.pipelines.events import Event, ended, pull_request, push, tag
from graders.pipelines.pipelines import DIALECTS, read
from graders.pipelines.runs import turns

KEYS = """
permissions contents environment deployment snapshot
on jobs push pull_request branches paths tags types schedule cron workflow_run name workflows workflow_call
inputs default concurrency group cancel-in-progress queue env a runs-on steps run uses with python-version node-
version python-version-file strategy b matrix include exclude needs services container shell defaults labels id
.a test stages workflow rules if changes exists when script image extends inherit local variables value only
trigger resource_group interruptible auto_cancel on_new_commit job allow_failure stage compare_to optional pages
release entrypoint
""".split()  # noqa: SIM905 - a list would be three times as long
TEXTS = (
    *("main", "v*", "!x", "[", "**/*.py", "ubuntu-latest", "${{ matrix.a }}", "${{ needs.a }}"),
    *("${{ fromJSON('[1]') }}", "", "${{", "${{ github.ref }}", "actions/checkout@v4"),
    *("actions/setup-python@v5", "./x", "./.github/workflows/a.yml", "docker://a", "3.11", "manual"),
    *("never", "$CI_COMMIT_BRANCH == 'main'", "$A =~ /(/", "python:3.11", "a", "b", ".a", "ci/*.yml"),
    *("/.gitlab-ci.yml", "test", "delayed", "max", "x.y", "../..", "\x00", "0 0 * * *", "interruptible"),
    *("none",),
)
SCALARS = st.one_of(
    st.sampled_from(TEXTS), st.none(), st.booleans(), st.integers(-1, 5), st.just(1.5), st.text(max_size=4)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
STEP = st.fixed_dictionaries(
    {}, optional={"run": VALUES, "uses": VALUES, "with": VALUES, "shell": VALUES, "env": VALUES}
)
JOB = st.fixed_dictionaries(
    {"runs-on": VALUES, "steps": st.lists(STEP, min_size=1, max_size=2)},
    optional=dict.fromkeys(("strategy", "concurrency", "needs", "env", "defaults", "permissions"), VALUES),
)
GITHUB = st.fixed_dictionaries(
    {"on": VALUES | st.just("push"), "jobs": st.dictionaries(st.sampled_from(["a", "b"]), JOB | VALUES, max_size=2)},
    optional={"name": VALUES, "concurrency": VALUES, "env": VALUES, "defaults": VALUES},
)
TASK = st.fixed_dictionaries(
    {"script": VALUES},
    optional=dict.fromkeys(("rules", "image", "needs", "extends", "when", "variables", "stage", "only"), VALUES),
)
GITLAB = st.dictionaries(
    st.sampled_from(["a", "b", ".a", "stages", "workflow", "default", "variables", "include", "image", "pages"]),
    TASK | VALUES,
    max_size=5,
)
EVENTS = (
    push(changed=["a.py"]),
    push("x"),
    tag("v1"),
    pull_request(),
    Event("schedule"),
    ended("a", push(), "success"),
)


def looked_at(dialect: str, files: dict[str, bytes]) -> None:
    pipeline = read(dialect, files, variables={"A": "1"}, chained=True, chooses=True)
    runs = [run for event in EVENTS for run in pipeline.runs(event)]
    assert not (runs and pipeline.refusals)
    assert all(pipeline.why_not(event) or pipeline.runs(event) for event in EVENTS)
    assert len(turns(runs)) <= sum(len(run.groups) for run in runs)
    assert all("\n" not in str(refusal) and refusal.hint for refusal in pipeline.refusals)


@given(GITHUB | VALUES, VALUES)
def test_no_workflow_ends_the_grader(workflow: object, other: object) -> None:
    action = {"runs": {"using": "composite", "steps": [{"run": "a", "shell": "bash"}, other]}}
    looked_at(
        "github",
        {
            ".github/workflows/a.yml": json.dumps(workflow).encode(),
            ".github/workflows/b.yml": json.dumps({"on": "workflow_call", "jobs": {"a": other}}).encode(),
            "x/action.yml": json.dumps(action).encode(),
            ".python-version": b"3.11\n",
        },
    )


@given(GITLAB | VALUES, VALUES)
def test_no_gitlab_pipeline_ends_the_grader(pipeline: object, other: object) -> None:
    looked_at(
        "gitlab",
        {
            ".gitlab-ci.yml": json.dumps(pipeline).replace('"../.."', "!reference [a, script]").encode(),
            "ci/x.yml": json.dumps({"a": other}).encode(),
        },
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@given(content=st.binary(max_size=60) | st.text("&*a:-[]{}!<| \n\t#\"'", max_size=40).map(str.encode))
def test_no_bytes_end_the_grader(dialect: str, content: bytes) -> None:
    looked_at(dialect, {".github/workflows/a.yml": content, ".gitlab-ci.yml": content, "Makefile": content})
