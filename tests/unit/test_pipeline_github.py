"""What of a GitHub workflow is refused before anything runs, one clear line each, and what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graders.pipelines.events import ended, push
from graders.pipelines.github import GithubPipeline
from graders.pipelines.matrices import combinations
from graders.pipelines.pipelines import read
from graders.pipelines.places import read_place
from graders.pipelines.refusals import MOST, RULES, Refusal, insist_supported, refuse
from mde_grader.checking.api import CheckFailedError
from tests.unit.timing import soon

CI = ".github/workflows/ci.yml"


def github(text: str, **more: str) -> GithubPipeline:
    """A pipeline of one workflow, and of further files whose names have `__` for a slash and `_yml` at the end."""
    named = {name.replace("__", "/").replace("_yml", ".yml"): content.encode() for name, content in more.items()}
    pipeline = read("github", {CI: text.encode(), **named}, variables={"RUNNER": "ubuntu-24.04"})
    assert isinstance(pipeline, GithubPipeline)
    return pipeline


def job(body: str, steps: str = "[{run: make}]") -> str:
    return f"on: push\njobs:\n  a:\n    {body}\n    steps: {steps}\n"


def step(body: str) -> str:
    return job("runs-on: ubuntu-latest", f"\n      - {body}")


def python(version: str, env: str = "") -> str:
    """A job that sets a version of Python up, in line 7 or, with an `env` of the step, in line 8."""
    own = f"env: {{P: {env}}}\n        " if env else ""
    return step(f"uses: actions/setup-python@v5\n        {own}with: {{python-version: {version}}}")


def matrix(values: str) -> str:
    return job(f"runs-on: ${{{{ matrix.os }}}}\n    strategy: {{matrix: {values}}}")


def only(pipeline: GithubPipeline) -> Refusal:
    (refusal,) = pipeline.refusals
    return refusal


GOOD = """
name: CI
run-name: CI of ${{ github.actor }}
on:
  push: {branches: [main]}
permissions: {contents: read}
env: {PYTHON: "3.11"}
defaults: {run: {shell: bash}}
jobs:
  lint:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - uses: actions/setup-python@v5
        with: {python-version: "${{ env.PYTHON }}", cache: pip}
      - run: ruff check .
  test:
    needs: lint
    runs-on: ${{ matrix.os }}
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-22.04, ubuntu-24.04]
        python: ["3.11"]
    steps:
      - uses: actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3
      - uses: actions/setup-python@v5.1.0
        with: {python-version: "${{ matrix.python }}"}
      - uses: actions/cache@v4
        with: {path: ~/.cache/pip, key: pip}
      - id: tests
        name: Unit tests
        run: pytest
        continue-on-error: true
      - if: always()
        uses: actions/upload-artifact@v4
        with: {name: report, path: report.xml}
  deploy:
    needs: [lint, test]
    if: github.ref == 'refs/heads/main'
    runs-on: [self-hosted, Linux, X64]
    environment: {name: production, url: "http://target"}
    concurrency: production
    outputs: {version: "${{ steps.v.outputs.version }}"}
    steps:
      - uses: actions/download-artifact@v4
      - run: ./ci/deploy.sh
        shell: bash -euo pipefail {0}
        env: {DEPLOY_KEY: "${{ secrets.DEPLOY_KEY }}"}
"""


def test_what_people_write_is_not_refused_and_its_actions_are_told() -> None:
    pipeline = github(GOOD)
    assert pipeline.refusals == ()
    assert pipeline.actions == (
        "actions/checkout@v4",
        "actions/setup-python@v5",
        "actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3",
        "actions/setup-python@v5.1.0",
        "actions/cache@v4",
        "actions/upload-artifact@v4",
        "actions/download-artifact@v4",
    )
    insist_supported(pipeline.refusals)


@pytest.mark.parametrize(
    ("text", "rule", "said", "line"),
    [
        (job("runs-on: ubuntu-latest\n    services: {db: {image: 'postgres:15'}}"), "services", "no engine", 5),
        (job("runs-on: ubuntu-latest\n    container: python:3.11"), "container", "tools are in the runner", 5),
        (job("runs-on: ubuntu-latest\n    container: {image: x}"), "container", "no engine", 5),
        (job("runs-on: ubuntu-latest\n    continue-on-error: true"), "continue-on-error", "at the step", 5),
        (job("runs-on: windows-latest"), "runs-on", "asks for `windows-latest`", 4),
        (job("runs-on: ubuntu-20.04"), "runs-on", "write one of ubuntu-latest, ubuntu-26.04", 4),
        (job("runs-on: [self-hosted, gpu]"), "runs-on", "asks for `self-hosted, gpu`", 4),
        (job("runs-on: [linux]"), "runs-on", "no such runner is here", 4),
        (job("runs-on: {group: large}"), "runs-on", "no groups", 4),
        (job("runs-on: {group: large, labels: [macos-14]}"), "runs-on", "asks for `macos-14`", 4),
        (job("runs-on: ${{ needs.x.outputs.runner }}"), "runs-on", "asks for `needs`, which is not known", 4),
        (job("runs-on: ${{ github.event_name }}"), "runs-on", "asks for `github`", 4),
        (job("runs-on: ${{ vars.OTHER }}"), "runs-on", "asks for ``", 4),
        (matrix("{os: [ubuntu-latest, macos-latest]}"), "runs-on", "macos", 4),
        (matrix("'${{ fromJSON(needs.x.outputs.m) }}'"), "runs-on", "`matrix`", 4),
        (step("uses: docker/build-push-action@v6"), "action", "nothing outside of here can be fetched", 6),
        (step("uses: astral-sh/ruff-action@v3"), "action", "write its commands into `run`", 6),
        (step("uses: actions/github-script@v7"), "action", "`actions/github-script`", 6),
        (step("uses: actions/checkout@feature"), "action", "at `feature`: it is not there under that name", 6),
        (step("uses: actions/upload-artifact@v3"), "action", "before v4; write actions/upload-artifact@v4", 6),
        (step("uses: actions/cache@v2"), "action", "no longer runs it before v3", 6),
        (step("uses: actions/checkout@v99"), "action", "there is no such version", 6),
        (step("uses: docker://alpine:3.20"), "docker", "is a container image", 6),
        (step("uses: ./.github/actions/none"), "action", "where the repository has no action", 6),
        (python("'3.12'"), "python", "`3.12`, and only Python 3.11", 7),
        (python("3.10"), "python", "asks for `3.1`", 7),
        (python("3.11.9"), "python", "asks for `3.11.9`", 7),
        (step("uses: Actions/Checkout@v4"), "action", "asks for `Actions/Checkout`", 6),
        (python("pypy3.11"), "python", 'write python-version: "3.11"', 7),
        (python("'${{ steps.v.outputs.p }}'"), "python", "`steps`", 7),
        (python("'${{ env.P }}'", "'3.9'"), "python", "3.9", 8),
        (python("'${{ env.P }}'", "'${{ secrets.P }}'"), "python", "`P`", 8),
        (step("uses: actions/setup-node@v4\n        with: {node-version: 14}"), "node", "asks for `14`", 7),
        (step("run: dir\n        shell: pwsh"), "shell", "asks for `pwsh`, and that shell is not here", 7),
        ("defaults: {run: {shell: cmd}}\n" + job("runs-on: ubuntu-latest"), "shell", "asks for `cmd`", 1),
        (job("runs-on: ubuntu-latest\n    defaults: {run: {shell: powershell}}"), "shell", "powershell", 5),
        (job("runs-on: ubuntu-latest\n    snapshot: x"), "key", "is newer than the runner in here", 5),
        (job("runs-on: ubuntu-latest\n    environment: {name: p, deployment: false}"), "key", "take it out", 5),
        (job("runs-on: ubuntu-latest\n    permissions: {artifact-metadata: write}"), "key", "for permissions", 5),
        ("on: push\njobs: {a: {uses: o/r/.github/workflows/x.yml@v1}}\n", "reusable", "copy it into .github", 2),
    ],
)  # fmt: skip
def test_what_is_not_run_here_is_refused_with_line_reason_and_next_step(
    text: str, rule: str, said: str, line: int
) -> None:
    refusal = only(github(text))
    assert refusal.rule == f"pipeline.{rule}"
    assert said in str(refusal)
    assert refusal.where == f"{CI}:{line}"
    assert str(refusal).startswith(f"{CI}:{line}: `")
    assert str(refusal).endswith(f"[pipeline.{rule}]")
    assert refusal.hint


@pytest.mark.parametrize(
    "text",
    [
        job("runs-on: ${{ vars.RUNNER }}"),
        job("runs-on: ${{ vars.OTHER || 'ubuntu-latest' }}"),
        job("runs-on: {labels: ubuntu-22.04}"),
        job("runs-on: ubuntu-latest\n    services: {}\n    continue-on-error: false"),
        matrix("{include: [{os: ubuntu-latest}]}"),
        matrix("{os: [ubuntu-latest, macos], exclude: [{os: macos}]}"),
        job('runs-on: ${{ matrix.os }}\n    strategy: {matrix: {os: "${{ fromJSON(\'[\\"ubuntu-latest\\"]\') }}"}}'),
        job("runs-on: ubuntu-latest\n    strategy: {matrix: '${{ fromJSON(needs.x.outputs.m) }}'}"),
        step("uses: actions/setup-python@v5"),
        step("uses: actions/checkout@main"),
        step("uses: actions/cache/restore@v4"),
        python("3.11"),
        python("3.x"),
        step("uses: actions/setup-python@v5\n        with: {python-version-file: pyproject.toml}"),
        python("3.11.x"),
        python("'>=3.9'"),
        step("uses: actions/setup-node@v4\n        with: {node-version: lts/*}"),
        step("uses: actions/setup-node@v4\n        with: {node-version: 24.x}"),
        step("run: print(1)\n        shell: python"),
        step("run: make\n        shell: sh -e {0}"),
    ],
)
def test_what_can_be_meant_is_not_refused(text: str) -> None:
    assert github(text).refusals == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs: {a: {runs-on: x, steps: [{run: a}]}}", "has no `on`"),
        ("on: push", "has no `jobs`"),
        ("on: push\njobs: {}", "has no job"),
        ("on: push\njobs: []", "write a mapping of jobs"),
        ("- on: push", "is a list"),
        ("", "is empty"),
        ("on: push\njob: {}\njobs: {}", "did you mean `jobs`?"),
        ("on: push\njobs: {a: 1}", "is a number"),
        ("on: push\njobs: {1a: {runs-on: ubuntu-latest, steps: [{run: a}]}}", "is no id of a job"),
        ("on: push\njobs: {a: {steps: [{run: a}]}}", "has no `runs-on`"),
        ("on: push\njobs: {a: {runs-on: ubuntu-latest}}", "has no list of `steps`"),
        (job("runs-on: ubuntu-latest\n    need: b"), "did you mean `needs`?"),
        (job("runs-on: ubuntu-latest\n    needs: b"), "names `b`, which is no job of this file; there are a"),
        (job("runs-on: ubuntu-latest\n    needs: a"), "waits for itself"),
        (job("runs-on: ubuntu-latest\n    permissions: {content: read}"), "did you mean `contents`?"),
        (job("runs-on: ubuntu-latest\n    permissions: {contents: all}"), "write `read`, `write` or `none`"),
        (job("runs-on: ubuntu-latest\n    permissions: all"), "write `read-all`, or a mapping"),
        (step("run: a\n        uses: actions/checkout@v4"), "has both `run` and `uses`"),
        (step("name: nothing"), "has neither `run` nor `uses`"),
        (step("run: a\n        scripts: b"), "is not a key that a step has"),
        (step("run: [a]"), "is a list"),
        (job("runs-on: ubuntu-latest", "[a]"), "write a mapping with `run` or `uses`"),
        (job("runs-on: ubuntu-latest", "[{run: a, id: x}, {run: b, id: x}]"), "is `x` for the second time"),
        (step("uses: actions/checkout"), "names no action: `actions/checkout`"),
        (step("uses: '${{ matrix.action }}'"), "names no action"),
        (job("runs-on: ${{ ubuntu }}"), "names `ubuntu`, which is no context"),
        (job("runs-on: ubuntu-latest\n    strategy: {matrix: {a: 1}}"), "is no list of values"),
        (job("runs-on: ubuntu-latest\n    strategy: {matrix: [1]}"), "write a mapping of lists"),
        (job("runs-on: ubuntu-latest\n    strategy: {matrix: {a: [1], exclude: [{a: 1}]}}"), "makes no job at all"),
        (job("runs-on: ubuntu-latest\n    strategy: {matrix: {a: [1], include: [1]}}"), "write a list of mappings"),
        (job("runs-on: ubuntu-latest\n    strategy: {matrix: '${{ x }}'}"), "which is no context"),
        (matrix(f"{{a: {list(range(20))}, b: {list(range(20))}}}"), "more than 256 jobs"),
        ("on: push\njobs: {a: &a {runs-on: ubuntu-latest, steps: [{run: a}]}, b: {<<: *a}}", "merge keys"),
        ("on: push\njobs: {a: {uses: ./.github/workflows/none.yml}}", "where there is no workflow"),
        ("on: push\njobs: {a: {uses: ./.github/workflows/ci.yml}}", "which has no `workflow_call`"),
        ("on: [push, workflow_call]\njobs: {a: {uses: ./.github/workflows/ci.yml}}", "calls itself"),
        ("on: push\njobs: {a: {uses: ./.github/workflows/ci.yml, steps: []}}", "is not a key that a job that calls"),
    ],
)  # fmt: skip
def test_what_the_platform_would_not_take_is_refused_as_such(text: str, said: str) -> None:
    refusal = only(github(text))
    assert refusal.rule == "pipeline.invalid"
    assert said in str(refusal)
    assert refusal.where.startswith(CI)


def test_anchors_are_followed_as_github_follows_them() -> None:
    text = "on: push\njobs:\n  a: &job {runs-on: ubuntu-latest, steps: [{run: make}]}\n  b: *job\n"
    assert github(text).refusals == ()


def test_several_things_are_told_at_once_and_each_once() -> None:
    text = job("runs-on: windows-latest\n    services: {db: {image: a}}", "[{uses: a/b@v1}, {uses: c/d@v1}]")
    pipeline = github(text)
    assert [refusal.rule for refusal in pipeline.refusals] == [
        "pipeline.services",
        "pipeline.runs-on",
        "pipeline.action",
        "pipeline.action",
    ]
    assert pipeline.runs(push()) == ()
    with pytest.raises(CheckFailedError) as caught:
        insist_supported(pipeline.refusals)
    assert caught.value.evidence.seen == str(pipeline.refusals[0])
    assert caught.value.evidence.said == "\n".join(str(one) for one in pipeline.refusals[1:])
    with pytest.raises(CheckFailedError) as caught:
        insist_supported(pipeline.refusals * 50)
    assert len(caught.value.evidence.said.splitlines()) == MOST - 1


COMPOSITE = """
name: Build
inputs: {version: {required: true}}
runs:
  using: composite
  steps:
    - uses: actions/setup-python@v5
      with: {python-version: "3.11"}
    - run: make
      shell: bash
"""


def test_local_actions_are_looked_into() -> None:
    text = step("uses: ./.github/actions/build\n        with: {version: 1}")
    good = github(text, **{".github__actions__build__action_yml": COMPOSITE})
    assert (good.refusals, good.actions) == ((), ("actions/setup-python@v5",))
    changes = {
        "shell: bash": ("name: x", "pipeline.invalid", "names no `shell`"),
        "using: composite": ("using: docker", "pipeline.docker", "is an action in a container"),
        "composite": ("node20", "", ""),
        "runs:": ("ran:", "pipeline.invalid", "no way to run an action"),
        "actions/setup-python@v5": ("owner/other@v1", "pipeline.action", "nothing outside of here"),
        "3.11": ("${{ inputs.version }}", "pipeline.python", "asks for `version`, which is not known"),
        "run: make": ("uses: ./.github/actions/build", "pipeline.invalid", "uses itself"),
    }
    for old, (new, rule, said) in changes.items():
        refusals = github(text, **{".github__actions__build__action_yml": COMPOSITE.replace(old, new)}).refusals
        assert [refusal.rule for refusal in refusals][:1] == [rule] * bool(rule), old
        assert said in "".join(map(str, refusals)), old
        assert all(refusal.where.startswith(".github/actions/build/action.yml") for refusal in refusals)


def test_a_local_action_may_be_in_a_folder_that_was_checked_out_into() -> None:
    text = step("uses: ./source/.github/actions/build")
    assert github(text, **{".github__actions__build__action_yml": COMPOSITE}).refusals == ()
    refusal = only(github(step("uses: ./image"), image__Dockerfile="FROM scratch"))
    assert refusal.rule == "pipeline.docker"


CALLED = """
on:
  workflow_call:
    inputs:
      runner: {type: string, default: ubuntu-latest}
jobs:
  b:
    runs-on: ${{ inputs.runner }}
    steps: [{run: make}]
"""


def test_workflows_that_are_called_are_looked_into_with_what_they_are_given() -> None:
    calls = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    with: {%s}\n    secrets: inherit\n"
    more = {".github__workflows__b_yml": CALLED}
    assert github(calls % "", **more).refusals == ()
    assert github(calls % "runner: ubuntu-22.04", **more).refusals == ()
    told = only(github(calls % "runner: windows-latest", **more))
    assert (told.rule, told.where) == ("pipeline.runs-on", ".github/workflows/b.yml:8")
    assert "which is not known" in str(only(github(calls % "runner: '${{ needs.x.y }}'", **more)))
    assert "is no input of" in str(only(github(calls % "os: x", **more)))


def test_a_workflow_that_nobody_calls_is_only_read() -> None:
    assert github(GOOD, **{".github__workflows__b_yml": CALLED.replace("ubuntu", "windows")}).refusals == ()


def test_calls_without_end_end() -> None:
    """Each workflow calls the next one ten times: without a cap that is ten thousand million jobs."""
    files = {}
    for number in range(9):
        jobs = "".join(f"  j{n}: {{uses: ./.github/workflows/w{number + 1}.yml}}\n" for n in range(10))
        files[f".github__workflows__w{number}_yml"] = f"on: workflow_call\njobs:\n{jobs}"
    files[".github__workflows__w9_yml"] = "on: workflow_call\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: a}]}}\n"
    pipeline = github("on: push\njobs: {a: {uses: ./.github/workflows/w0.yml}}\n", **files)
    assert "one of more than 100 calls" in str(pipeline.refusals)
    assert pipeline.runs(push()) == ()


def test_a_huge_matrix_of_many_steps_is_refused() -> None:
    steps = ", ".join(["{run: a}"] * 60)
    text = job(f"runs-on: ubuntu-latest\n    strategy: {{matrix: {{a: {list(range(200))}}}}}", f"[{steps}]")
    assert "more than 10000 steps" in str(only(github(text)))


@pytest.mark.parametrize(
    ("content", "rule", "said"),
    [
        (b"on: push\non: pull_request\n", "yaml", "the key 'on' stands here twice; keep one of the two"),
        (b"on: [push\n", "yaml", "mend the YAML"),
        (b"on: push\n---\non: push\n", "yaml", "more than one YAML document"),
        (b"on: !!python/object:os.system x\n", "yaml", "the tag"),
        (b"\xff\xfe", "yaml", "not valid UTF-8"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + b"".join(
            b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(99, 118)), "yaml", "more than 10000 values"),
        (b"a: &a [*a]\n", "yaml", "contains itself"),
        (b"[" * 100, "yaml", "nested deeper than 32"),
        (b"#" * 300_000, "text", "more than 256 KiB"),
    ],
)  # fmt: skip
def test_hostile_yaml_is_refused_at_once(content: bytes, rule: str, said: str) -> None:
    pipeline = read("github", {CI: content})
    (refusal,) = pipeline.refusals
    assert refusal.rule == f"pipeline.{rule}"
    assert said in str(refusal)
    assert "\n" not in str(refusal)


def test_text_of_the_candidate_is_short_and_on_one_line() -> None:
    refusal = only(github(step('uses: "a/b@\\x1b[31m' + "x" * 500 + '"')))
    assert "\x1b" not in str(refusal)
    assert len(str(refusal)) < 500


def test_fifty_workflows_are_read() -> None:
    files = {f".github/workflows/{number}.yml": step("run: a").encode() for number in range(51)}
    (refusal,) = read("github", files).refusals
    assert "more than 50 workflows" in refusal.message


def test_a_rule_that_is_not_in_the_table_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        refuse("pipeline.nothing", "", where="", hint="")
    assert all(text.endswith(".") for text in RULES.values())


def test_every_rule_is_written_down_as_it_is_in_the_code_and_used() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs/reference/pipelines.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(pipeline[a-z.-]+)` \| (.*) \|$", page, re.MULTILINE)) == RULES
    sources = [path for path in (root / "graders/pipelines").glob("*.py") if path.name != "refusals.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert set(re.findall(r'"(pipeline\.[a-z-]+)"', text)) == RULES.keys()


def test_a_matrix_makes_the_jobs_that_github_documents() -> None:
    """The example of GitHub's page about `include`, in other words."""
    text = """
a:
  strategy:
    matrix:
      fruit: [apple, pear]
      animal: [cat, dog]
      include:
        - {color: green}
        - {color: pink, animal: cat}
        - {fruit: apple, shape: circle}
        - {fruit: banana}
        - {fruit: banana, animal: cat}
"""
    assert combinations(read_place(text.encode(), CI).child("a"), {}) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_a_local_action_is_looked_into_once() -> None:
    text = job("runs-on: ubuntu-latest", "[{uses: ./x}, {uses: ./x}]")
    bad = COMPOSITE.replace("shell: bash", "name: x")
    assert len(github(text, x__action_yml=bad).refusals) == 1


def test_a_name_of_any_kind_is_a_text() -> None:
    assert github("name: true\n" + step("run: a")).runs(push())[0].name == "true"


def test_a_workflow_that_waits_for_another_is_refused_where_nothing_tells_it() -> None:
    files = {CI: GOOD.encode(), ".github/workflows/cd.yml": b"on: {workflow_run: {workflows: [CI]}}\n" + AFTER.encode()}
    (refusal,) = read("github", files).refusals
    assert (refusal.rule, refusal.where) == ("pipeline.trigger", ".github/workflows/cd.yml:1")
    assert "waits for the end of another workflow" in str(refusal)
    pipeline = read("github", files, chained=True)
    assert pipeline.refusals == ()
    assert [run.file for run in pipeline.runs(ended("CI", push(), "success"))] == [".github/workflows/cd.yml"]


AFTER = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: a}]}}\n"


@pytest.mark.parametrize(
    ("content", "refused"), [("3.11\n", ""), ("# x\n3.11.2\n", ""), ("3.12\n", "`3.12`"), ("", "")]
)
def test_a_file_of_versions_is_looked_into(content: str, refused: str) -> None:
    text = step("uses: actions/setup-python@v5\n        with: {python-version-file: .python-version}")
    pipeline = read("github", {CI: text.encode(), ".python-version": content.encode()})
    assert [refusal.rule for refusal in pipeline.refusals] == ["pipeline.python"] * bool(refused)
    assert refused in "".join(map(str, pipeline.refusals))


@pytest.mark.parametrize("text", ["\n" * 200_000, ", " * 100_000, " " * 200_000, "{" + "\t" * 200_000])
def test_no_white_space_takes_long(text: str) -> None:
    with soon(2):
        assert github(text).refusals
