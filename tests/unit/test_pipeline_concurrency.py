"""Who waits for whom, and who is cancelled, when pushes come one after another."""

from __future__ import annotations

import pytest

from graders.pipelines.events import Event, pull_request, push, tag
from graders.pipelines.github import group_of
from graders.pipelines.pipelines import read
from graders.pipelines.places import read_place
from graders.pipelines.refusals import RefusedError
from graders.pipelines.runs import Group, Run, Turn, turns

CI = ".github/workflows/ci.yml"
STEPS = "runs-on: ubuntu-latest, steps: [{run: a}]"


def run(*groups: Group) -> Run:
    return Run("x", push(), groups)


def fates(*runs: Run) -> list[tuple[int, str, int | None, int | None, bool]]:
    """Run, job, who it waits for, who cancels it, and whether it begins."""
    return [(turn.run, turn.job, turn.waits_for, turn.cancelled_by, turn.begins) for turn in turns(runs)]


WAITS, CANCELS, QUEUES = Group("g"), Group("g", cancels=True), Group("g", queues=True)


def test_runs_in_no_group_are_not_named() -> None:
    assert turns([run(), run()]) == ()


def test_the_second_waits_for_the_first() -> None:
    assert fates(run(WAITS), run(WAITS)) == [(0, "", None, None, True), (1, "", 0, None, True)]


def test_one_waits_at_the_most_and_it_is_the_newest() -> None:
    assert fates(run(WAITS), run(WAITS), run(WAITS), run(WAITS)) == [
        (0, "", None, None, True),
        (1, "", 0, 2, False),
        (2, "", 0, 3, False),
        (3, "", 0, None, True),
    ]


def test_a_group_that_queues_keeps_all_in_order() -> None:
    assert fates(run(QUEUES), run(QUEUES), run(QUEUES)) == [
        (0, "", None, None, True),
        (1, "", 0, None, True),
        (2, "", 1, None, True),
    ]


def test_a_run_that_cancels_ends_the_one_before_it() -> None:
    assert fates(run(CANCELS), run(CANCELS), run(CANCELS)) == [
        (0, "", None, 1, True),
        (1, "", 0, 2, False),
        (2, "", 1, None, True),
    ]


def test_who_cancels_is_said_by_the_newcomer() -> None:
    assert fates(run(CANCELS), run(WAITS)) == [(0, "", None, None, True), (1, "", 0, None, True)]
    assert fates(run(WAITS), run(WAITS), run(CANCELS)) == [
        (0, "", None, 2, True),
        (1, "", 0, 2, False),
        (2, "", 0, None, True),
    ]


def test_names_are_the_same_in_upper_and_lower_case_and_others_are_others() -> None:
    assert fates(run(Group("Prod")), run(Group("prod")), run(Group("x"))) == [
        (0, "", None, None, True),
        (1, "", 0, None, True),
        (2, "", None, None, True),
    ]


def test_jobs_wait_and_runs_do_not() -> None:
    deploy = Group("production", job="deploy")
    assert fates(run(deploy), run(deploy)) == [(0, "deploy", None, None, True), (1, "deploy", 0, None, True)]


def test_jobs_of_a_run_that_waits_are_not_named() -> None:
    both = run(Group("ci"), Group("production", job="deploy"))
    assert fates(both, both) == [(0, "", None, None, True), (0, "deploy", None, None, True), (1, "", 0, None, True)]


def test_a_job_does_not_wait_for_one_of_a_run_that_is_cancelled() -> None:
    first = run(Group("ci", cancels=True), Group("production", job="deploy"))
    other = run(Group("production", job="release"))
    cancelled = run(Group("ci", cancels=True))
    assert (2, "release", None, None, True) in fates(first, cancelled, other)


def test_two_jobs_of_one_run_may_stand_in_one_group() -> None:
    assert fates(run(Group("g", job="a"), Group("g", job="b"))) == [(0, "a", None, None, True), (0, "b", 0, None, True)]


def github(concurrency: str, *events: Event, job: str = "") -> tuple[Turn, ...]:
    text = f"name: CI\non: [push, pull_request]\n{concurrency}\njobs: {{a: {{{STEPS}{job}}}}}\n"
    pipeline = read("github", {CI: text.encode()}, variables={"STAGE": "live"})
    assert pipeline.refusals == ()
    return turns([one for event in events for one in pipeline.runs(event)])


MAIN = (push(run=1), push(run=2))


@pytest.mark.parametrize(
    ("concurrency", "group", "cancelled"),
    [
        ("concurrency: deploy", "deploy", None),
        ("concurrency: ci-${{ github.ref }}", "ci-refs/heads/main", None),
        ("concurrency: {group: '${{ github.workflow }}-${{ github.ref }}'}", "CI-refs/heads/main", None),
        ("concurrency: {group: '${{ github.workflow }}', cancel-in-progress: true}", "CI", 1),
        ("concurrency: {group: a, cancel-in-progress: false}", "a", None),
        ("concurrency: {group: a, cancel-in-progress: 'true'}", "a", 1),
        ("concurrency: {group: a, cancel-in-progress: 'false'}", "a", None),
        ("concurrency: {group: a, cancel-in-progress: \"${{ github.event_name == 'pull_request' }}\"}", "a", None),
        ("concurrency: {group: a, cancel-in-progress: \"${{ !contains(github.ref, 'release/') }}\"}", "a", 1),
        ("concurrency: \"${{ format('{0}-{1}', github.event_name, github.ref_name) }}\"", "push-main", None),
        ("concurrency: '${{ vars.STAGE }}'", "live", None),
        ("concurrency: \"${{ github.ref_type == 'tag' && github.ref_name || 'branches' }}\"", "branches", None),
        ("concurrency: '${{ github.event.repository.default_branch }}'", "main", None),
        ("concurrency: 7", "7", None),
    ],
)
def test_a_group_is_named_as_github_would_name_it(concurrency: str, group: str, cancelled: int | None) -> None:
    first, second = github(concurrency, *MAIN)
    assert (first.group, second.group) == (group, group)
    assert (first.cancelled_by, second.waits_for) == (cancelled, 0)


def test_a_group_with_a_fallback_is_each_runs_own() -> None:
    group = "concurrency: {group: '${{ github.head_ref || github.run_id }}', cancel-in-progress: true}"
    assert [turn.group for turn in github(group, *MAIN)] == ["1", "2"]
    assert all(turn.waits_for is None for turn in github(group, *MAIN))
    pulled = github(group, pull_request(head="x"), pull_request(head="x", action="synchronize"))
    assert [(turn.group, turn.cancelled_by) for turn in pulled] == [("x", 1), ("x", None)]


def test_branches_and_tags_are_apart_by_their_ref() -> None:
    found = github("concurrency: '${{ github.ref }}'", push(), push("x"), tag("v1"))
    assert [turn.waits_for for turn in found] == [None, None, None]


def test_a_job_has_a_group_of_its_own_and_a_matrix_one_each() -> None:
    found = github("", *MAIN, job=", concurrency: {group: live}")
    assert [(turn.run, turn.job, turn.waits_for) for turn in found] == [(0, "a", None), (1, "a", 0)]
    each = ", strategy: {matrix: {to: [x, y]}}, concurrency: 'to-${{ matrix.to }}'"
    assert [turn.group for turn in github("", *MAIN, job=each)] == ["to-x", "to-y", "to-x", "to-y"]


def test_a_called_workflow_brings_its_groups_along() -> None:
    called = f"on: workflow_call\nname: D\nconcurrency: '${{{{ github.workflow }}}}'\njobs: {{d: {{{STEPS}}}}}\n"
    text = "name: CI\non: push\njobs: {deploy: {uses: ./.github/workflows/d.yml}}\n"
    pipeline = read("github", {CI: text.encode(), ".github/workflows/d.yml": called.encode()})
    assert pipeline.refusals == ()
    (started,) = pipeline.runs(push())
    assert started.groups == (Group("CI", job="deploy"),)


@pytest.mark.parametrize(
    ("concurrency", "rule", "said"),
    [
        ("concurrency: '${{ needs.a.outputs.b }}'", "expression", "asks for `needs`, which is not known"),
        ("concurrency: '${{ secrets.A }}'", "expression", "`github.workflow`, `github.ref` and texts"),
        ("concurrency: '${{ main }}'", "invalid", "names `main`, which is no context"),
        ("concurrency: '${{ github.head_ref }}'", "invalid", "is empty for a push"),
        ("concurrency: {cancel-in-progress: true}", "invalid", "has no `group`"),
        ("concurrency: {group: a, cancel: true}", "invalid", "it knows cancel-in-progress, group, queue"),
        ("concurrency: {group: a, queue: max}", "key", "pushes that wait are then replaced by the newest"),
        ("concurrency: [a]", "invalid", "is a list"),
    ],
)
def test_a_group_that_cannot_be_worked_out_is_refused(concurrency: str, rule: str, said: str) -> None:
    text = f"on: push\n{concurrency}\njobs: {{a: {{{STEPS}}}}}\n"
    (refusal,) = read("github", {CI: text.encode()}).refusals
    assert refusal.rule == f"pipeline.{rule}"
    assert said in str(refusal)
    assert refusal.where == f"{CI}:2"


def test_a_queue_is_read_though_the_runner_does_not_take_it() -> None:
    def group(text: str) -> Group:
        return group_of(read_place(text.encode(), CI), {}, "deploy")

    assert group("{group: a, queue: max}") == Group("a", job="deploy", queues=True)
    assert group("{group: a, queue: single, cancel-in-progress: true}") == Group("a", cancels=True, job="deploy")
    with pytest.raises(RefusedError, match="write `single` or `max`"):
        group("{group: a, queue: min}")
    with pytest.raises(RefusedError, match="take one of the two out"):
        group("{group: a, queue: max, cancel-in-progress: true}")


def test_a_group_is_tried_for_the_events_of_its_workflow_only() -> None:
    text = f"on: pull_request\nconcurrency: '${{{{ github.head_ref }}}}'\njobs: {{a: {{{STEPS}}}}}\n"
    assert read("github", {CI: text.encode()}).refusals == ()
    text = f"on: release\nconcurrency: '${{{{ github.ref }}}}'\njobs: {{a: {{{STEPS}}}}}\n"
    assert read("github", {CI: text.encode()}).refusals == ()


def test_an_event_unlike_those_that_were_tried_may_stand_in_no_group() -> None:
    group = "${{ github.event_name == 'release' && needs.a.b || github.ref }}"
    text = f'on: [push, release]\nconcurrency: "{group}"\njobs: {{a: {{{STEPS}}}}}\n'
    pipeline = read("github", {CI: text.encode()})
    assert pipeline.refusals == ()
    assert pipeline.runs(Event("release", "refs/tags/v1"))[0].groups == ()
    assert pipeline.runs(push())[0].groups == (Group("refs/heads/main"),)


def test_a_group_of_a_matrix_that_is_known_later_is_refused() -> None:
    matrix = "strategy: {matrix: '${{ fromJSON(needs.a.m) }}'}, concurrency: '${{ matrix.x }}'"
    text = f"on: push\njobs: {{a: {{{STEPS}, {matrix}}}}}\n"
    (refusal,) = read("github", {CI: text.encode()}).refusals
    assert "asks for `matrix`, which is not known" in str(refusal)


def test_a_matrix_that_is_made_of_an_event_does_not_end_the_grader() -> None:
    matrix = "strategy: {matrix: '${{ fromJSON(github.ref) }}'}, concurrency: live"
    pipeline = read("github", {CI: f"on: push\njobs: {{a: {{{STEPS}, {matrix}}}}}\n".encode()})
    assert pipeline.refusals == ()
    assert pipeline.runs(push())[0].groups == (Group("live", job="a"),)


def gitlab(text: str, *events: Event) -> tuple[Turn, ...]:
    pipeline = read("gitlab", {".gitlab-ci.yml": text.encode()})
    assert pipeline.refusals == ()
    return turns([one for event in events for one in pipeline.runs(event)])


JOBS = "stages: [test, deploy]\ntest: {stage: test, script: a, interruptible: true}\n"
DEPLOY = "deploy: {stage: deploy, script: b, resource_group: live-$CI_COMMIT_BRANCH}\n"


def test_a_resource_group_keeps_all_in_order() -> None:
    text = "deploy: {script: b, resource_group: live-$CI_COMMIT_BRANCH}\n"
    found = [turn for turn in gitlab(text, push(), push(), push()) if turn.job]
    assert [(turn.run, turn.group, turn.waits_for) for turn in found] == [
        (0, "live-main", None),
        (1, "live-main", 0),
        (2, "live-main", 1),
    ]


def test_a_newer_pipeline_cancels_what_can_be_interrupted_unless_something_else_has_begun() -> None:
    found = gitlab(JOBS + DEPLOY, push(), push())
    whole = [turn for turn in found if not turn.job]
    assert [(turn.cancelled_by, turn.waits_for, turn.unless_begun) for turn in whole] == [
        (1, None, ("deploy",)),
        (None, None, ("deploy",)),
    ]
    assert [turn.waits_for for turn in found if turn.job] == [None, 0]


def test_a_pipeline_that_begins_with_what_cannot_be_interrupted_stays() -> None:
    found = gitlab(JOBS.replace("true", "false") + DEPLOY, push(), push())
    assert {turn.cancelled_by for turn in found} == {None}
    early = JOBS + DEPLOY.replace("script", "needs: [], script")
    assert {turn.cancelled_by for turn in gitlab(early, push(), push())} == {None}


@pytest.mark.parametrize(("how", "cancelled"), [("none", set()), ("conservative", {""}), ("interruptible", {"test"})])
def test_auto_cancel_says_what_is_cancelled(how: str, cancelled: set[str]) -> None:
    text = f"workflow: {{auto_cancel: {{on_new_commit: {how}}}}}\n{JOBS}{DEPLOY}"
    found = gitlab(text, push(), push())
    assert {turn.job for turn in found if turn.cancelled_by is not None} == cancelled
    assert {turn.run for turn in found if turn.cancelled_by is not None} <= {0}


def test_another_branch_and_a_tag_cancel_nothing() -> None:
    found = gitlab(JOBS, push(), push("x"), tag("v1"))
    assert {turn.cancelled_by for turn in found} == {None}
