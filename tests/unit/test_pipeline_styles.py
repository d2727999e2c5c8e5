"""Ways in which people write such pipelines, each written anew: none is refused, and each starts when it should."""

from __future__ import annotations

import pytest

from graders.pipelines.events import pull_request, push, tag
from graders.pipelines.pipelines import read

W = ".github/workflows"
SETUP = """
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with: {python-version: "3.11", cache: pip, cache-dependency-path: requirements-dev.txt}
      - run: pip install -r requirements-dev.txt
"""
REUSED = {
    f"{W}/ci.yml": f"""---
name: CI
'on':
  pull_request:
  workflow_call:
    inputs:
      strict: {{type: boolean, default: false}}
    secrets:
      STORE_TOKEN: {{required: true}}
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: {SETUP}
      - run: ruff check .
  tests:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: ${{{{ inputs.strict }}}}
      matrix: {{suite: [unit, integration]}}
    steps: {SETUP}
      - run: pytest tests/${{{{ matrix.suite }}}}
        env: {{TEST_DATABASE_URL: "${{{{ vars.TEST_DATABASE_URL }}}}"}}
""",
    f"{W}/deploy.yml": """
name: Deploy
on:
  push:
    branches: [main]
    paths-ignore: ["**.md", "docs/**"]
concurrency: {group: deploy, cancel-in-progress: false}
permissions: {contents: read}
jobs:
  ci:
    uses: ./.github/workflows/ci.yml
    with: {strict: true}
    secrets: inherit
  deploy:
    needs: [ci]
    runs-on: ubuntu-latest
    environment: production
    timeout-minutes: 12
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with: {persist-credentials: false}
      - name: Key
        run: install -m 600 /dev/stdin "$HOME/key" <<< "$DEPLOY_KEY"
        env: {DEPLOY_KEY: "${{ secrets.DEPLOY_KEY }}"}
      - run: ci/deploy "$GITHUB_SHA"
""",
}
ONE_JOB = {
    f"{W}/pipeline.yaml": f"""
on: [push]
env: {{ARTIFACT: "ferry-${{{{ github.sha }}}}.tar.gz"}}
jobs:
  everything:
    runs-on: ubuntu-24.04
    concurrency: {{group: "all-${{{{ github.ref }}}}", cancel-in-progress: "${{{{ github.ref_name != 'main' }}}}"}}
    defaults: {{run: {{shell: bash}}}}
    steps: {SETUP}
      - {{id: changed, run: 'git diff --quiet HEAD~1 -- ferry || echo code=true >> "$GITHUB_OUTPUT"'}}
      - {{if: "steps.changed.outputs.code == 'true' && github.ref_name == 'main'", run: make deploy}}
      - {{if: "failure() || cancelled()", run: make rollback}}
"""
}
TAGGED = {
    f"{W}/test.yml": f"""
on: {{push: {{branches-ignore: ["release/**"], tags-ignore: ["**"]}}}}
jobs:
  test:
    runs-on: [self-hosted, linux]
    steps: {SETUP}
      - uses: actions/cache/restore@v4
        with: {{path: .cache, key: "tools-${{{{ hashFiles('requirements-dev.txt') }}}}"}}
      - uses: ./.github/actions/checks
""",
    f"{W}/release.yml": """
on: {push: {tags: ['v[0-9]+.[0-9]+.[0-9]+']}}
jobs: {publish: {runs-on: ubuntu-latest, steps: [{run: ci/publish}]}}
""",
    ".github/actions/checks/action.yml": "runs: {using: composite, steps: [{run: ci/checks, shell: bash}]}",
}
TEMPLATES = {
    ".gitlab-ci.yml": """
include: [{local: ci/jobs.yml}]
stages: [check, release]
workflow:
  auto_cancel: {on_new_commit: interruptible}
  rules:
    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'
    - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS
      when: never
    - if: $CI_COMMIT_BRANCH || $CI_COMMIT_TAG
.python: &python
  image: python:${PYTHON}-slim
  variables: {PYTHON: "3.11", PIP_CACHE_DIR: $CI_PROJECT_DIR/.cache/pip}
  cache: {key: {files: [requirements-dev.txt]}, paths: [.cache/pip]}
  before_script: [python -m venv .venv, . .venv/bin/activate, pip install -r requirements-dev.txt]
unit:
  <<: *python
  stage: check
  interruptible: true
  script: pytest tests/unit --junitxml=unit.xml
  artifacts: {when: always, reports: {junit: unit.xml}, expire_in: 1 week}
  coverage: '/TOTAL.*\\s+(\\d+%)$/'
""",
    "ci/jobs.yml": """
lint: {stage: check, extends: .python, needs: [], script: [ruff check .], allow_failure: false}
deploy:
  stage: release
  needs: [unit, lint]
  resource_group: production
  environment: {name: production, url: http://target, on_stop: stop}
  script: [ci/deploy "$CI_COMMIT_SHA"]
  retry: {max: 2, when: [runner_system_failure]}
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
      changes: {paths: ["ferry/**/*", "migrations/*.sql"]}
stop:
  stage: release
  environment: {name: production, action: stop}
  script: ci/stop
  rules: [{when: manual, allow_failure: true}]
""",
}
OLDER = {
    ".gitlab-ci.yml": """
image: python:3.11
before_script: [pip install -r requirements-dev.txt]
test:
  script: [ruff check ., pytest]
  tags: [shell]
deploy:
  stage: deploy
  script: ci/deploy
  only: [main]
  except: [schedules]
"""
}
CODE, DOCS = push(changed=["ferry/web.py"]), push(changed=["docs/a.md"])
FEATURE, TAG = push("feature/x", changed=["ferry/web.py"]), tag("v1.2.3")


@pytest.mark.parametrize(
    ("dialect", "files", "started"),
    [
        ("github", REUSED, [["deploy.yml"], [], [], [], ["ci.yml"]]),
        ("github", ONE_JOB, [["pipeline.yaml"]] * 4 + [[]]),
        ("github", TAGGED, [["test.yml"], ["test.yml"], ["test.yml"], ["release.yml"], []]),
        ("gitlab", TEMPLATES, [["lint", "deploy", "unit"], *[["lint", "unit"]] * 3, []]),
        ("gitlab", OLDER, [["test", "deploy"], ["test", "deploy"], ["test"], ["test"], []]),
    ],
)  # fmt: skip
def test_a_style_is_read_and_started(dialect: str, files: dict[str, str], started: list[list[str]]) -> None:
    given = {path: text.encode() for path, text in files.items()}
    pipeline = read(dialect, given, variables={"TEST_DATABASE_URL": "postgresql://"}, chooses=True)
    assert pipeline.refusals == ()
    for event, expected in zip((CODE, DOCS, FEATURE, TAG, pull_request()), started, strict=True):
        runs = pipeline.runs(event)
        found = [name for run in runs for name in run.jobs] if dialect == "gitlab" else [run.file for run in runs]
        assert [name.rpartition("/")[2] for name in found] == expected, event
