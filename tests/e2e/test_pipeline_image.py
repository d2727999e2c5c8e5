"""Pipelines in the pipeline image: dialects, mended runners, closed runners, and styles that are common in public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mde_grader.runtimes.commands import Ran
from mde_grader.runtimes.docker import connect
from tests.e2e.pipeline_runs import APPLICATION, KEY, LINT_ERROR, RED_TEST, TOKEN, Origin, Pipelines

pytestmark = [pytest.mark.engine, pytest.mark.slow]

GITHUB = ".github/workflows/ci.yml"


@pytest.fixture(scope="module")
def pipelines() -> Iterator[Pipelines]:
    made = Pipelines(connect())
    yield made
    made.stack.close()


@pytest.fixture
def origin(tmp_path: Path, request: pytest.FixtureRequest) -> Origin:
    made = Origin(tmp_path / f"r{abs(hash(request.node.name)):x}")
    return made.push(APPLICATION)


def insist(ran: Ran, code: int, *words: str, without: tuple[str, ...] = ()) -> None:
    said = ran.out + ran.err
    assert ran.exit_code == code, said
    for word in words:
        assert word in said, said
    for word in without:
        assert word not in said, said


# dialects: lint, test, build and deploy as jobs of their own

FOUR_JOBS = {
    "github": (
        GITHUB,
        """\
name: CI
on: push
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{uses: actions/checkout@v4}, {run: ruff check .}]
  test:
    runs-on: ubuntu-latest
    steps: [{uses: actions/checkout@v4}, {run: pytest}]
  build:
    needs: [lint, test]
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo "$GITHUB_SHA" > VERSION && tar -czf ferry.tar.gz ferry VERSION
      - uses: actions/upload-artifact@v4
        with: {name: ferry, path: ferry.tar.gz}
  deploy:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {name: ferry}
      - run: |
          echo "token ${{ secrets.STORE_TOKEN }} key ${{ secrets.DEPLOY_KEY }}" | tee log | head -1
          sed -n 2p ${{ vars.DEPLOY_KEY_FILE }}
          test "$(ls)" = "$(printf 'ferry.tar.gz\\nlog')"
          echo "DEPLOYED $(tar -xzOf ferry.tar.gz VERSION)"
""",
    ),
    "gitlab": (
        ".gitlab-ci.yml",
        """\
stages: [check, build, deploy]
lint: {stage: check, script: ruff check .}
test: {stage: check, script: pytest}
build:
  stage: build
  script: ['echo "$CI_COMMIT_SHA" > VERSION && tar -czf ferry.tar.gz ferry VERSION']
  artifacts: {paths: [ferry.tar.gz]}
deploy:
  stage: deploy
  script:
    - echo "token $STORE_TOKEN"
    - test "$(stat -c %a "$DEPLOY_KEY_FILE")" = 600
    - echo "DEPLOYED $(tar -xzOf ferry.tar.gz VERSION)"
""",
    ),
    "make": (
        "Makefile",
        """\
pipeline: deploy
lint:
\truff check .
test:
\tpytest
build: lint test
\techo "$$CI_COMMIT_SHA" > VERSION && tar -czf ferry.tar.gz ferry VERSION
deploy: build
\t@test "$$STORE_TOKEN" && test "$$(stat -c %a $$DEPLOY_KEY_FILE)" = 600
\t@echo "DEPLOYED $$(tar -xzOf ferry.tar.gz VERSION)"
""",
    ),
}
JOBS = {"github": 4, "gitlab": 4, "make": 1}


@pytest.mark.parametrize("dialect", FOUR_JOBS)
def test_a_pipeline_is_green_or_red(pipelines: Pipelines, origin: Origin, dialect: str) -> None:
    """Artifacts pass from job to job, secrets are masked where the platform does, what failed stops the rest."""
    path, text = FOUR_JOBS[dialect]
    good = pipelines.start(origin.push({path: text}), dialect)
    sha = origin.after
    red = pipelines.start(origin.push(RED_TEST), dialect)
    untidy = pipelines.start(origin.push(LINT_ERROR), dialect)
    ran = good.result()
    insist(ran, 0, f"DEPLOYED {sha}", "green after", without=(TOKEN, *KEY.splitlines()))
    assert sum(line.startswith("success ") for line in ran.out.splitlines()) == JOBS[dialect]
    insist(red.result(), 1, "red after", "assert 43 == 42", without=("DEPLOYED",))
    insist(untidy.result(), 1, "F401", without=("DEPLOYED",))


@pytest.mark.parametrize("dialect", FOUR_JOBS)
def test_what_cannot_begin_is_one_line(pipelines: Pipelines, origin: Origin, dialect: str) -> None:
    ran = pipelines.run(origin, dialect)
    insist(ran, 5)
    assert len(ran.err.splitlines()) == 1
    if dialect != "make":
        ran = pipelines.run(origin.push({FOUR_JOBS[dialect][0]: "on: push\njobs: {a: {scrip: 1}}\n"}), dialect)
        insist(ran, 4)
        assert len(ran.err.splitlines()) == 1


def test_without_a_volume_a_run_has_its_own_tmp_alone(pipelines: Pipelines) -> None:
    ran = pipelines.stack.run("bare", ["sh", "-c", "pwd; touch x && ls /work"], seconds=20)
    assert ran.out == "/tmp\n"
    assert ran.exit_code != 0
    insist(pipelines.stack.run("bare", ["/opt/mde/pipeline/run"], seconds=20), 2, "PIPELINE_ORDER holds no JSON")


# runners that are closed to what they run

PRY = """\
import ctypes, os, re, sys
libc = ctypes.CDLL(None, use_errno=True)
print("FIRST", open("/proc/1/comm").read().strip())
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        name = open(f"/proc/{pid}/comm").read().strip()
    except OSError:
        continue
    if name not in sys.argv[1:]:
        continue
    for what in ("fd", "fd/1", "mem", "environ", "maps"):
        path = f"/proc/{pid}/{what}"
        try:
            os.listdir(path) if what == "fd" else open(path, "r+b" if what in ("fd/1", "mem") else "rb").close()
            print("REACHED", name, what)
        except OSError as error:
            print("CLOSED", name, what, error.strerror)
    print("ATTACHED" if libc.ptrace(16, int(pid), 0, 0) == 0 else "UNTRACED", name)
"""


@pytest.mark.parametrize(
    ("dialect", "names"), [("github", "act run"), ("gitlab", "MainThread run"), ("make", "make run")]
)
def test_steps_cannot_reach_the_runner(pipelines: Pipelines, origin: Origin, dialect: str, names: str) -> None:
    """Neither descriptors nor memory of runner and driver are open to a step, which is the same user."""
    texts = {
        "github": (
            "on: push\njobs: {pry: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4},"
            f" {{run: python3 pry.py {names}; ls -l /opt/mde/pipeline/bin}}]}}}}\n"
        ),
        "gitlab": f"pry: {{script: [python3 pry.py {names}]}}\n",
        "make": f"pipeline:\n\tpython3 pry.py {names}\n",
    }
    ran = pipelines.run(origin.push({"pry.py": PRY, FOUR_JOBS[dialect][0]: texts[dialect]}), dialect)
    insist(
        ran,
        0,
        "FIRST run",
        "UNTRACED run",
        f"UNTRACED {names.partition(' ')[0]}",
        without=("REACHED", "ATTACHED"),
    )
    assert ran.out.count("CLOSED") >= 10


# what the runners do otherwise than their platforms, mended

GITHUB_MENDED = """\
on: push
jobs:
  empty:
    runs-on: ubuntu-latest
    steps: [{run: 'echo "FILES $(ls | wc -l)"'}]
  shallow:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          echo "DEPTH $(git rev-list --count HEAD) $(git rev-parse --abbrev-ref HEAD)"
          echo "EVENT $(jq -r '.head_commit.modified[0]' "$GITHUB_EVENT_PATH") $GITHUB_REPOSITORY"
  deep:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - run: echo "WHOLE $(git rev-list --count HEAD)"
  shells:
    runs-on: ubuntu-latest
    strategy: {matrix: {job: [1, 2], include: [{job: 3}]}}
    steps: [{run: 'false | true; echo "SHELL ${{ matrix.job }}"'}]
  env:
    runs-on: ubuntu-latest
    steps: [{run: 'echo "ENV [$STORE_TOKEN$TARGET$LEAKED]"'}]
  key:
    runs-on: ubuntu-latest
    env: {KEY: "${{ secrets.DEPLOY_KEY }}"}
    steps: [{run: 'echo "$KEY" > k; sed -n 2p k; cat k | wc -l'}]
"""


def test_github_is_as_documented(pipelines: Pipelines, origin: Origin) -> None:
    origin.push({GITHUB: GITHUB_MENDED, ".env": "LEAKED=yes", ".actrc": "--dryrun"})
    ran = pipelines.run(origin.push({"docs/index.md": "more"}), "github")
    words = (
        "FILES 0",
        "DEPTH 1 main",
        "EVENT docs/index.md acme/ferry",
        "WHOLE 3",
        "ENV []",
        "     ***",
        "SHELL 2",
        "SHELL 3",
    )
    insist(ran, 0, *words, without=(KEY.splitlines()[1],))


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("runs-on: windows-latest, steps: [{run: exit 0}]", 4),
        ("runs-on: ubuntu-latest, steps: [{run: kill -9 $PPID}]", 1),
        ("runs-on: ubuntu-latest, steps: [{uses: actions/setup-python@v5, with: {python-version: 3.12}}]", 1),
        ("runs-on: ubuntu-latest, steps: [{uses: some/action@v1}]", 4),
    ],
)
def test_github_is_not_green_by_mistake(pipelines: Pipelines, origin: Origin, steps: str, code: int) -> None:
    insist(pipelines.run(origin.push({GITHUB: f"on: push\njobs: {{a: {{{steps}}}}}\n"}), "github"), code)


GITLAB_MENDED = """\
default: {image: "python:3.11", retry: 1}
stages: [one, two, three]
place: {stage: one, script: ['test "$PWD" = "$CI_PROJECT_DIR" && echo "PLACE right"']}
told: {stage: one, script: ['echo "TOLD $CI_COMMIT_TITLE/$CI_COMMIT_BEFORE_SHA/$GITLAB_CI"']}
flaky:
  stage: one
  script:
    - test -f /tmp/pipeline/tried || { touch /tmp/pipeline/tried; false; }
    - echo TRIED AGAIN
slow: {stage: one, retry: 0, timeout: 1 second, script: ["sleep 20", "echo NEVER"], allow_failure: true}
code: {stage: one, script: ["exit 3"], allow_failure: {exit_codes: [3]}}
docs: {stage: one, script: [echo DOCS], rules: [{changes: ["docs/*"]}]}
code-only: {stage: one, script: [echo NEVER], rules: [{changes: ["ferry/*"]}]}
left: {stage: one, script: ["echo LEFT > left.txt"], artifacts: {untracked: true}}
found: {stage: two, script: [cat left.txt, 'echo "ROOM $(ls /tmp/pipeline/state/builds | grep -c left)"']}
bad: {stage: two, script: ["exit 4"], retry: 0, allow_failure: {exit_codes: [3]}}
kept out: {stage: one, script: [echo NEVER], only: [tags]}
never: {stage: three, script: [echo NEVER]}
rescue: {stage: three, script: [echo RESCUED], when: on_failure}
"""


def test_gitlab_is_as_documented(pipelines: Pipelines, origin: Origin) -> None:
    origin.push({".gitlab-ci.yml": GITLAB_MENDED})
    ran = pipelines.run(origin.push({"docs/index.md": "more"}), "gitlab", left_out=["kept out"])
    words = (
        "PLACE right",
        f"TOLD Change 3/{origin.before}/true",
        "TRIED AGAIN",
        "DOCS",
        "     LEFT",
        "ROOM 0",
        "RESCUED",
        "failure   bad",
    )
    insist(ran, 1, *words, without=("     NEVER",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: {script: ['kill -9 $PPID; sleep 1']}", 1),
        ("a: {script: [echo], rules: [{if: 'process.exit(0)'}]}", 4),
        ("workflow: {rules: [{if: $CI_COMMIT_TAG}]}\na: {script: [echo]}", 5),
        ("a: {script: [echo], rules: [{if: $CI_COMMIT_TAG}]}", 5),
    ],
)
def test_gitlab_is_not_green_by_mistake(pipelines: Pipelines, origin: Origin, text: str, code: int) -> None:
    insist(pipelines.run(origin.push({".gitlab-ci.yml": text}), "gitlab"), code)


# styles that are common in public projects

STYLES = {
    "starter-one-job": ("github", None),
    "reusable": ("github", [".github/workflows/main.yml"]),
    "nox-matrix": ("github", None),
    "actions-rollback": ("github", None),
    "gitlab-templates": ("gitlab", None),
    "gitlab-dag": ("gitlab", None),
    "make-phony": ("make", None),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_public_style_of_pipeline_runs(pipelines: Pipelines, origin: Origin, style: str) -> None:
    """A good commit is deployed, one on a branch and one with a failing test are not."""
    dialect, workflows = STYLES[style]
    origin.push(style=style)
    good = pipelines.start(origin.push({"ferry/notice.py": 'NOTICE = "new"\n'}), dialect, workflows=workflows)
    sha = origin.after
    origin.push({"ferry/notice.py": 'NOTICE = "newer"\n'}, branch="feature/x")
    feature = pipelines.start(origin, dialect, workflows=workflows)
    red = pipelines.start(origin.push(RED_TEST), dialect, workflows=workflows)
    insist(good.result(), 0, f"DEPLOYED {sha}", without=("ROLLED BACK",))
    insist(feature.result(), 0, "green after", without=("DEPLOYED",))
    insist(red.result(), 1, "assert 43 == 42", without=("DEPLOYED",))


@pytest.mark.parametrize("style", ["actions-rollback", "gitlab-dag"])
def test_a_release_is_taken_back(pipelines: Pipelines, origin: Origin, style: str) -> None:
    origin.push(style=style)
    ran = pipelines.run(origin.push({"unhealthy": "yes"}), STYLES[style][0])
    insist(ran, 1, f"DEPLOYED {origin.after}", "ROLLED BACK")


@pytest.mark.parametrize("style", ["nox-matrix", "gitlab-dag"])
def test_a_tag_is_deployed(pipelines: Pipelines, origin: Origin, style: str) -> None:
    ran = pipelines.run(origin.push(style=style).tag("v1.2.0"), STYLES[style][0])
    insist(ran, 0, f"DEPLOYED {origin.after}")


@pytest.mark.parametrize(
    ("style", "word"), [("make-phony", "All checks passed"), ("gitlab-templates", "success   package")]
)
def test_a_change_of_documents_deploys_nothing(pipelines: Pipelines, origin: Origin, style: str, word: str) -> None:
    origin.push(style=style)
    ran = pipelines.run(origin.push({"docs/index.md": "more"}), STYLES[style][0])
    insist(ran, 0, word, without=("DEPLOYED",))
