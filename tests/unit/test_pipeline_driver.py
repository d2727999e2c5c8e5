"""The driver of the pipeline image: orders, events, masks, logs, command lines, and how a run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from graders.images.pipeline.driver import __main__ as program
from graders.images.pipeline.driver import commands, processes
from graders.images.pipeline.driver.events import gitlab_variables, make_variables, push_event
from graders.images.pipeline.driver.folding import PATIENCE, Log
from graders.images.pipeline.driver.masking import Mask, mask_for
from graders.images.pipeline.driver.orders import NOTHING, Order, OrderError, read
from graders.images.pipeline.driver.readers import ActReader, GitlabReader, PlainReader
from graders.images.pipeline.driver.repositories import Commit, ContentError, Repository, RepositoryError
from graders.images.pipeline.driver.workflows import with_shell

SHA, OTHER = "a" * 40, "b" * 40
GIVEN: dict[str, Any] = {"dialect": "github", "clone": "http://r/x.git", "ref": "refs/heads/main", "after": SHA}
KEY = "-----BEGIN KEY-----\nc2VjcmV0IGxpbmU=\n-----END KEY-----\n"


def order(**changes: Any) -> Order:
    return Order(**{**GIVEN, **changes})


# orders


def test_an_order_has_defaults() -> None:
    made = read(json.dumps(GIVEN))
    assert made == order()
    assert (made.branch, made.tag, made.name, made.is_new) == ("main", "", "main", True)
    tagged = read(
        json.dumps({**GIVEN, "ref": "refs/tags/v1/2", "before": OTHER, "workflows": [".github/workflows/a.yml"]})
    )
    assert (tagged.branch, tagged.tag, tagged.name, tagged.is_new) == ("", "v1/2", "v1/2", False)
    assert tagged.workflows == (".github/workflows/a.yml",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dialect": "jenkins"}, "dialect is none of github, gitlab, make"),
        ({"dialect": None}, "dialect is none of"),
        ({"clone": "--upload-pack=x"}, "clone is no usable text"),
        ({"clone": ""}, "clone is no usable text"),
        ({"ref": "main"}, "ref is neither"),
        ({"ref": "refs/heads/-x"}, "ref is neither"),
        ({"after": "abc"}, "after is no full SHA"),
        ({"before": "0"}, "before is no full SHA"),
        ({"repository": "app"}, "repository is not owner/name"),
        ({"secrets": {"A": 1}}, "secrets is no table"),
        ({"variables": {"A-B": "x"}}, "variables is no table"),
        ({"secrets": []}, "secrets is no table"),
        ({"files": {"F": "NOBODY"}}, "files names NOBODY"),
        ({"workflows": ["../x.yml"]}, "'../x.yml' is no workflow file"),
        ({"left_out": "deploy"}, "left_out is no list of texts"),
        ({"workflows": [1]}, "workflows is no list of texts"),
        ({"else": 1}, "keys that there are not: else"),
    ],
)
def test_what_is_wrong_with_an_order_is_told(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(OrderError, match=words):
        read(json.dumps({**GIVEN, **changes}))


@pytest.mark.parametrize(
    ("text", "words"), [("", "no JSON"), ("[]", "no object"), ("{}", "lacks after, clone, dialect, ref")]
)
def test_what_is_no_order_is_told(text: str, words: str) -> None:
    with pytest.raises(OrderError, match=words):
        read(text)


# events

HEAD = Commit(
    SHA, (OTHER,), "Kim", "kim@x", "2026-11-25T10:00:00+00:00", "c" * 40, "Title\n\nMore", ("a",), ("b",), ("c",)
)


def test_a_push_event_tells_of_the_commits() -> None:
    event = push_event(order(before=OTHER, actor="kim", repository="acme/ferry"), [HEAD], HEAD)
    assert (event["ref"], event["before"], event["after"], event["created"]) == ("refs/heads/main", OTHER, SHA, False)
    assert event["head_commit"] == event["commits"][0]
    told = event["head_commit"]
    assert [told[key] for key in ("id", "message", "added", "removed", "modified")] == [
        SHA,
        "Title\n\nMore",
        ["a"],
        ["b"],
        ["c"],
    ]
    assert event["repository"]["full_name"] == "acme/ferry"
    assert event["repository"]["owner"]["login"] == "acme"
    assert event["sender"]["login"] == event["pusher"]["name"] == "kim"


def test_gitlab_is_told_of_a_branch_or_of_a_tag() -> None:
    branch = gitlab_variables(order(ref="refs/heads/Feature/X_1", before=OTHER), HEAD)
    assert branch["CI_COMMIT_BRANCH"] == branch["CI_COMMIT_REF_NAME"] == "Feature/X_1"
    assert branch["CI_COMMIT_REF_SLUG"] == "feature-x-1"
    assert branch["CI_COMMIT_REF_PROTECTED"] == "false"
    assert (branch["CI_COMMIT_TITLE"], branch["CI_COMMIT_DESCRIPTION"]) == ("Title", "More")
    assert "CI_COMMIT_TAG" not in branch
    tag = gitlab_variables(order(ref="refs/tags/v1.2"), HEAD)
    assert tag["CI_COMMIT_TAG"] == "v1.2"
    assert "CI_COMMIT_BRANCH" not in tag
    assert gitlab_variables(order(), HEAD)["CI_COMMIT_REF_PROTECTED"] == "true"


def test_make_is_told_of_the_event() -> None:
    assert make_variables(order(ref="refs/tags/v1"))["CI_EVENT"] == "tag"
    pushed = make_variables(order())
    assert (pushed["CI_EVENT"], pushed["CI_BRANCH"], pushed["CI_TAG"], pushed["CI_BEFORE_SHA"]) == (
        "push",
        "main",
        "",
        NOTHING,
    )


# masks


def test_github_masks_each_line_of_a_secret() -> None:
    mask = mask_for(order(secrets={"KEY": KEY, "TOKEN": "abcd", "SHORT": "x\ny"}))
    assert mask(f"is {KEY}") == "is ***"
    assert mask("line c2VjcmV0IGxpbmU= abcd x") == "line *** *** x"


def test_gitlab_masks_what_can_be_masked() -> None:
    mask = mask_for(order(dialect="gitlab", secrets={"KEY": KEY, "TOKEN": "abcdefgh", "SHORT": "abc"}))
    assert mask(f"abcdefgh abc {KEY}") == f"[MASKED] abc {KEY}"


def test_make_masks_nothing_and_the_longest_word_goes_first() -> None:
    assert mask_for(order(dialect="make", secrets={"TOKEN": "abcdefgh"}))("abcdefgh") == "abcdefgh"
    assert Mask(["ab", "abc", ""], "*")("abcd ab") == "*d *"


# the log


def log() -> tuple[Log, list[str]]:
    said: list[str] = []
    return Log(said.append), said


def test_what_a_step_printed_stays_together() -> None:
    made, said = log()
    made.line("one", "build", "a\nb", 0.0)
    made.line("two", "test", "x", 0.1)
    made.line("one", "build", "c", 0.2)
    made.tick(PATIENCE - 1)
    made.end("one", "build", "success")
    made.end("one", "quiet", "success", quiet=True)
    made.finish("one", "success")
    made.finish("two", "failure")
    made.close()
    assert said == [
        *("-- one | build: success", "     a", "     b", "     c", "== one: success"),
        *("-- two | test", "     x", "== two: failure", "success   one", "failure   two"),
    ]
    assert made.results == {"one": "success", "two": "failure"}


def test_what_waits_for_long_is_shown() -> None:
    made, said = log()
    made.line("one", "slow", "a", 0.0)
    made.tick(PATIENCE)
    made.line("one", "slow", "b", PATIENCE + 1)
    made.tick(2 * PATIENCE)
    made.line("one", "slow", "c", 2 * PATIENCE)
    made.close()
    assert said == ["-- one | slow (goes on)", "     a", "     b", "     c"]


def act_line(**changes: Any) -> str:
    return json.dumps({"jobID": "lint", "job": "CI/lint  ", "matrix": {}, "step": "ruff", "stage": "Main", **changes})


def test_act_is_read() -> None:
    made, said = log()
    reader = ActReader(made, Mask(["hidden"], "***"), "ci.yml")
    for line in (
        act_line(step="Set up job", msg="ready"),
        act_line(msg="\N{WHITE MEDIUM STAR} Run Main ruff"),
        act_line(stage="Pre", msg="before", stepResult="success"),
        act_line(msg="\x1b[31mhidden\x1b[0m out\r\n", raw_output=True),
        act_line(msg="LocalRepositoryCache read"),
        act_line(msg="inner", stepResult="success", stepID=["0", "inner"]),
        act_line(msg="done", stepResult="failure", executionTime=2_000_000_000),
        act_line(step=None, msg="failed", jobResult="failure", matrix={"py": "3.11"}),
        json.dumps({"level": "info", "msg": "no job"}),
        "Error: hidden",
        "[1]",
    ):
        reader.line(line, 0.0)
    assert said == [
        *("-- ci.yml: CI/lint | ruff: failure in 2.0 s", "     *** out", "== ci.yml: CI/lint (3.11): failure"),
    ]
    assert reader.started
    assert reader.said == ["Error: ***", "[1]"]


def test_a_workflow_that_act_refuses_has_not_started() -> None:
    reader = ActReader(log()[0], Mask((), ""), "ci.yml")
    reader.line("Error: workflow is not valid", 0.0)
    assert not reader.started


def test_gitlab_ci_local_is_read() -> None:
    made, said = log()
    reader = GitlabReader(made, Mask(["hidden12"], "[MASKED]"))
    assert not reader.started
    for line in (
        "parsing and downloads finished in 77 ms.",
        "test: [3.11] starting shell (test)",
        "test: [3.11] $ echo hidden12",
        "test: [3.11] > [MASKED] is hidden12",
        "test: [3.11] >",
        "test: [3.11] finished in 105 ms  FAIL 1 ",
        " \x1b[32mPASS\x1b[0m  lint  ",
        " FAIL  test: [3.11]",
        " WARN  allowed       pre_script",
        "",
    ):
        reader.line(line, 0.0)
    made.close()
    assert said[:4] == [
        "-- test: [3.11] | script: finished in 105 ms  FAIL 1",
        "     $ echo [MASKED]",
        "     [MASKED] is [MASKED]",
        "     ",
    ]
    assert made.results == {"lint": "success", "test: [3.11]": "failure", "allowed": "warning"}
    assert reader.started
    assert reader.said == ["parsing and downloads finished in 77 ms."]


def test_make_is_read_as_it_is() -> None:
    made, said = log()
    reader = PlainReader(made, Mask((), ""))
    reader.line("make: *** No rule to make target 'pipeline'.  Stop.", 0.0)
    assert not reader.started
    reader.line("ruff check", 0.0)
    assert reader.started
    made.close()
    assert said[-1] == "     ruff check"


# command lines


def test_a_run_is_given_nothing_of_ours(tmp_path: Path) -> None:
    made = commands.environment(tmp_path, {"PIPELINE_ORDER": "x", "LANG": "C", "PIP_NO_INDEX": "1"})
    assert "PIPELINE_ORDER" not in made
    assert (made["HOME"], made["LANG"], made["PIP_NO_INDEX"]) == (str(tmp_path), "C", "1")
    assert made["PATH"].startswith(f"{tmp_path}/.local/bin:")


def test_shipped_actions_are_taken_at_any_ref(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(commands, "ACTIONS", tmp_path)
    text = f"- uses: actions/checkout@v4\n- uses: 'actions/cache/save@{SHA}' # v4\n- uses: actions/labeler@v5\n"
    assert commands.used_actions([text, "uses: actions/checkout@v4"]) == [
        f"https://github.com/actions/cache@{SHA}={tmp_path}/cache",
        f"https://github.com/actions/checkout@v4={tmp_path}/checkout",
    ]


def test_act_never_asks_for_containers_and_reads_no_file_by_itself(tmp_path: Path) -> None:
    words = commands.act(order(actor="kim"), tmp_path, ".github/workflows/ci.yml", ["u=d"])
    assert words[:2] == [commands.ACT, "push"]
    platforms = [word for before, word in pairwise(words) if before == "--platform"]
    assert platforms
    assert all(word.endswith("=-self-hosted") for word in platforms)
    for option in ("--env-file", "--input-file"):
        assert words[words.index(option) + 1] == "/dev/null"
    assert words[-2:] == ["--local-repository", "u=d"]


def test_secrets_are_written_so_that_nothing_is_expanded() -> None:
    assert commands.dotenv({"A": 'x"$Y\\\n'}) == 'A="x\\"\\$Y\\\\\\n"\n'


def test_gitlab_variables_are_taken_as_they_are() -> None:
    words = commands.gitlab(order(dialect="gitlab", before=OTHER), {"A": "$B"}, {"CI_X": "1"})
    assert "A=$$B" in words
    assert "--no-evaluate-rule-changes" not in words
    assert "--unset-variable" not in words
    tagged = commands.gitlab(order(dialect="gitlab", ref="refs/tags/v1", before=OTHER), {}, {})
    assert tagged[tagged.index("--unset-variable") + 1] == "CI_COMMIT_BRANCH"
    assert tagged[-1] == "--no-evaluate-rule-changes"
    assert commands.gitlab(order(dialect="gitlab"), {}, {})[-1] == "--no-evaluate-rule-changes"


# workflow files

SAID = 'defaults: {run: {shell: "bash -e {0}"}}'


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          ls",
            f"on: push\njobs:\n  a:\n    steps:\n      - run: |\n          ls\n{SAID}\n",
        ),
        ("---\non: push\njobs: {}\n\n", f"---\non: push\njobs: {{}}\n{SAID}\n"),
        ("jobs: {}\n...\n", "jobs: {}\n...\n"),
        ("{on: push, jobs: {}}", "{on: push, jobs: {}}"),
        ("defaults: {run: {shell: sh}}\njobs: {}\n", "defaults: {run: {shell: sh}}\njobs: {}\n"),
        ("defaults:\n  run:\n    shell: sh\njobs: {}\n", "defaults:\n  run:\n    shell: sh\njobs: {}\n"),
        (
            "defaults: {run: {working-directory: x}}\njobs: {}",
            'defaults: {run: {shell: "bash -e {0}", working-directory: x}}\njobs: {}',
        ),
        (
            "defaults:\n  #\n  run:\n    working-directory: x\n\njobs: {a: {shell: sh}}\n",
            'defaults:\n  #\n  run:\n    shell: "bash -e {0}"\n    working-directory: x\n\njobs: {a: {shell: sh}}\n',
        ),
        ("defaults:\n  other: 1\njobs: {}\n", "defaults:\n  other: 1\njobs: {}\n"),
    ],
)
def test_the_shell_that_is_meant_is_written_down(text: str, made: str) -> None:
    assert with_shell(text) == made


# processes


def run(script: str, tmp_path: Path) -> tuple[int, list[str]]:
    said: list[str] = []
    code = processes.run(
        [sys.executable, "-c", script],
        folder=tmp_path,
        environment=os.environ,
        line=lambda text, _: said.append(text),
        tick=lambda _: None,
    )
    return code, said


def test_both_outputs_are_one_and_the_end_is_told(tmp_path: Path) -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert run(script, tmp_path) == (3, ["out", "err"])
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", tmp_path) == (128 + signal.SIGTERM, [])


def test_what_a_program_leaves_running_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.1)
    began = time.monotonic()
    code, said = run("import subprocess; print('hi', flush=True); subprocess.Popen(['sleep', '5'])", tmp_path)
    assert (code, said) == (0, ["hi"])
    assert time.monotonic() - began < 4


def test_a_driver_is_closed_to_its_steps() -> None:
    script = (
        "import signal, sys; from graders.images.pipeline.driver import processes; processes.shut();"
        "import os; os.kill(os.getpid(), signal.SIGINT); print(os.stat('/proc/self/fd').st_uid)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


# whole runs


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=Kim", "-c", "user.email=kim@x", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "Makefile").write_text("pipeline:\n\t@echo $$CI_EVENT $$TOKEN; cat $$KEY_FILE; exit $$CODE\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    (folder / "more").write_text("x")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "two")
    return folder


def test_commits_have_their_files(origin: Path, tmp_path: Path) -> None:
    head, first = git(origin, "rev-parse", "HEAD"), git(origin, "rev-parse", "HEAD~1")
    made = Repository(tmp_path / "clone", os.environ)
    made.clone(order(clone=str(origin), after=head))
    (commit,) = made.pushed(order(clone=str(origin), after=head, before=first))
    assert (commit.sha, commit.parents, commit.author, commit.message) == (head, (first,), "Kim", "two")
    assert (commit.added, commit.removed, commit.modified) == (("more",), (), ())
    assert made.commit(first).added == ("Makefile",)
    git(origin, "checkout", "-q", "-b", "feature")
    git(origin, "commit", "-q", "--allow-empty", "-m", "three")
    new = git(origin, "rev-parse", "HEAD")
    other = Repository(tmp_path / "other", os.environ)
    pushed = order(clone=str(origin), ref="refs/heads/feature", after=new)
    other.clone(pushed)
    assert [each.message for each in other.pushed(pushed)] == ["three"]
    assert other.has(first)
    assert not other.has(SHA)
    with pytest.raises(RepositoryError, match="git clone failed: fatal: "):
        Repository(tmp_path / "absent", os.environ).clone(order(clone=str(tmp_path / "nowhere")))
    with pytest.raises(RepositoryError, match=f"the repository has no commit {SHA}"):
        Repository(tmp_path / "third", os.environ).clone(order(clone=str(origin), ref="refs/tags/v1"))
    blob = git(origin, "hash-object", "-w", "more")
    command = ["git", "-C", str(origin), "mktree"]
    tree = subprocess.run(
        command, input=f"100644 blob {blob}\t{'x' * 300}\n", check=True, capture_output=True, text=True
    )
    git(origin, "update-ref", "refs/heads/main", git(origin, "commit-tree", "-m", "x", tree.stdout.strip()))
    long = order(clone=str(origin), after=git(origin, "rev-parse", "main"))
    with pytest.raises(ContentError, match="git checkout failed"):
        Repository(tmp_path / "fourth", os.environ).clone(long)


def test_a_repository_that_has_no_room_is_not_our_fault(tmp_path: Path) -> None:
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\necho 'fatal: write error: No space left on device' >&2\nexit 128\n")
    fake.chmod(0o755)
    with pytest.raises(ContentError, match="git clone failed: No space left on device"):
        Repository(tmp_path / "clone", {"PATH": f"{tmp_path}:{os.environ['PATH']}"}).clone(order())


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(processes, "shut", lambda: None)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))

    def drive(origin: Path, **changes: Any) -> int:
        given = {**GIVEN, "dialect": "make", "clone": str(origin), "after": git(origin, "rev-parse", "HEAD"), **changes}
        monkeypatch.setenv("PIPELINE_ORDER", json.dumps(given))
        return program.main()

    return drive


@pytest.mark.parametrize("end", [0, 1])
def test_a_makefile_is_run(driver: Any, origin: Path, capfd: pytest.CaptureFixture[str], end: int) -> None:
    secrets = {"TOKEN": "t", "KEY": KEY}
    assert driver(origin, secrets=secrets, variables={"CODE": str(3 * end)}, files={"KEY_FILE": "KEY"}) == end
    said = capfd.readouterr().out
    assert "     push t\n     -----BEGIN KEY-----\n" in said
    assert said.splitlines()[-1].startswith(["green after", "red after"][end])
    assert "PIPELINE_ORDER" not in os.environ


def test_what_is_not_there_is_told(
    driver: Any, origin: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def end(**changes: Any) -> tuple[int, str]:
        subprocess.run(["rm", "-rf", str(tmp_path / "pipeline")], check=True)
        return driver(origin, **changes), capfd.readouterr().err.strip()

    assert end(dialect="nothing") == (2, "PIPELINE_ORDER cannot be used: dialect is none of github, gitlab, make")
    assert end(after=SHA)[0] == 3
    assert end(dialect="github") == (5, "there is no workflow to run in .github/workflows")
    assert end(dialect="gitlab") == (5, "there is no .gitlab-ci.yml")
    git(origin, "rm", "-q", "Makefile")
    (origin / ".gitlab-ci.yml").write_text("x")
    (origin / ".gitlab-ci-local.yml").write_text("x")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "more")
    assert end() == (5, "there is no Makefile with a target `pipeline`")
    assert end(dialect="gitlab") == (4, ".gitlab-ci-local.yml: GitLab does not read this file; take it out")


FAKE_ACT = """\
#!/bin/sh
case "$*" in
*broken.yml*) echo "something"; echo "Error: workflow is not valid. 'broken.yml'"; exit 1 ;;
*none.yml*) exit 0 ;;
*killed.yml*) kill -9 $$ ;;
*far.yml*) echo 'Error: Get "https://github.com/some/action/info/refs?x": dial tcp: lookup github.com'; exit 1 ;;
*mac.yml*)
  echo '{"jobID": "mac", "job": "CI/mac", "msg": "\N{CONSTRUCTION SIGN}  Skipping unsupported platform -- Try"}'
  exit 0 ;;
*red.yml*) code=1 ;;
*) code=0 ;;
esac
echo '{"jobID": "lint", "job": "CI/lint", "step": "ruff", "stage": "Main", "msg": "out"}'
exit $code
"""


@pytest.fixture
def workflows(driver: Any, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    act = tmp_path / "act"
    act.write_text(FAKE_ACT)
    act.chmod(0o755)
    monkeypatch.setattr(commands, "ACT", str(act))

    def run_them(*files: str, **changes: Any) -> int:
        place = origin / ".github" / "workflows"
        place.mkdir(parents=True)
        for name in files:
            (place / name).write_text("on: push")
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "flows")
        end: int = driver(origin, dialect="github", secrets={"A": "hidden"}, **changes)
        return end

    return run_them


@pytest.mark.parametrize(
    ("files", "end", "words"),
    [
        ("green none", 0, ""),
        ("green red", 1, ""),
        ("green broken", 1, ""),
        ("broken none", 4, ".github/workflows/broken.yml: workflow is not valid. 'broken.yml'"),
        (
            "mac none",
            4,
            ".github/workflows/mac.yml: mac.yml: CI/mac is not run: there is no such runner",
        ),
        ("green mac", 1, ""),
        ("killed", 1, ""),
        ("far", 4, ".github/workflows/far.yml: the action some/action is not here, and nothing is fetched"),
        ("none", 5, ".github/workflows/none.yml: no job runs for this event"),
    ],
)
def test_each_workflow_has_its_say(
    workflows: Any, capfd: pytest.CaptureFixture[str], files: str, end: int, words: str
) -> None:
    assert workflows(*(f"{name}.yml" for name in files.split())) == end
    said = capfd.readouterr().err.strip()
    assert said.startswith(words) if words else not said


def test_only_the_chosen_workflows_are_run(workflows: Any, tmp_path: Path) -> None:
    assert workflows("green.yml", "red.yml", workflows=[".github/workflows/green.yml"]) == 0
    event = json.loads((tmp_path / "pipeline" / "event.json").read_text())
    assert event["head_commit"]["message"] == "flows"
    assert (tmp_path / "pipeline" / "secrets").read_text() == 'A="hidden"\n'


FAKE_GITLAB = """\
#!/bin/sh
git remote get-url gcl-origin
echo "lint starting shell (test)"
echo "lint > $MDE_BEFORE $MDE_LEFT_OUT"
exit 1
"""


def test_gitlab_is_run_beside_the_clone(
    driver: Any, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    node = tmp_path / "node"
    node.write_text(FAKE_GITLAB)
    node.chmod(0o755)
    monkeypatch.setattr(commands, "NODE", str(node))
    (origin / ".gitlab-ci.yml").write_text("x: {script: [x]}")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "flows")
    assert driver(origin, dialect="gitlab", before=OTHER, left_out=["deploy"]) == 1
    assert f'     {OTHER} ["deploy"]' in capfd.readouterr().out
