"""GitLab pipelines: which jobs an event lets in, and what is refused before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from graders.pipelines.events import Event, pull_request, push, tag
from graders.pipelines.gitlab import GitlabPipeline
from graders.pipelines.gitlab_rules import expanded
from graders.pipelines.pipelines import read
from graders.pipelines.refusals import Refusal
from tests.unit.timing import soon

FILE = ".gitlab-ci.yml"
DIGESTED = f"python:3.11@sha256:{64 * 'a'}"
NONE: Mapping[str, str] = {}
CODE, DOCS = ["ferry/web.py"], ["docs/a.md"]


def gitlab(text: str, files: Mapping[str, str] = NONE, **variables: str) -> GitlabPipeline:
    given = {FILE: text.encode(), **{path: content.encode() for path, content in files.items()}}
    pipeline = read("gitlab", given, variables=variables)
    assert isinstance(pipeline, GitlabPipeline)
    return pipeline


def jobs(text: str, event: Event, **variables: str) -> tuple[str, ...] | None:
    """The jobs that an event starts; None when it starts no pipeline."""
    pipeline = gitlab(text, NONE, **variables)
    assert pipeline.refusals == ()
    runs = pipeline.runs(event)
    assert (pipeline.why_not(event) == "") is bool(runs)
    return runs[0].jobs if runs else None


def only(pipeline: GitlabPipeline) -> Refusal:
    (refusal,) = pipeline.refusals
    return refusal


def rules(*lines: str) -> str:
    return "a:\n  script: a\n  rules:\n" + "".join(f"    - {line}\n" for line in lines)


ON_MAIN = 'if: $CI_COMMIT_BRANCH == "main"'


@pytest.mark.parametrize(
    ("text", "event", "started"),
    [
        ("a: {script: a}", push(), True),
        ("a: {script: a}", push("x"), True),
        ("a: {script: a}", tag("v1"), True),
        ("a: {script: a}", pull_request(), False),
        ("a: {script: a}", Event("schedule"), True),
        ("a: {script: a}", Event("workflow_dispatch"), True),
        ("a: {script: a}", Event("fork"), False),
        ("a: {script: a}", push(message="x [skip ci]"), False),
        ("a: {script: a}", push(message="x [CI SKIP]"), False),
        ("a: {script: a}", push(message="x [no ci]"), True),
        ("a: {script: a, when: manual}", push(), False),
        ("a: {script: a, when: on_failure}", push(), True),
        (rules(ON_MAIN), push(), True),
        (rules(ON_MAIN), push("x"), False),
        (rules(ON_MAIN), tag("main"), False),
        (rules("if: $CI_COMMIT_BRANCH"), tag("v1"), False),
        (rules("if: $CI_COMMIT_TAG =~ /^v\\d+/"), tag("v1"), True),
        (rules("if: $CI_COMMIT_TAG =~ /^v\\d+/"), push("v1"), False),
        (rules("if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"), push(), True),
        (rules("if: $CI_COMMIT_REF_NAME == 'v1'"), tag("v1"), True),
        (rules("if: $CI_PIPELINE_SOURCE == 'push'"), push(), True),
        (rules("if: $CI_PIPELINE_SOURCE == 'merge_request_event'"), pull_request(), True),
        (rules("if: $CI_PIPELINE_SOURCE == 'merge_request_event'"), push(), False),
        (rules("if: $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == 'main'"), pull_request(), True),
        (rules("if: $CI_PIPELINE_SOURCE == 'schedule'"), Event("schedule"), True),
        (rules("if: $CI_COMMIT_MESSAGE =~ /deploy/"), push(message="Now deploy it"), True),
        (rules("if: $CI_COMMIT_TITLE =~ /body/"), push(message="Title\n\nbody"), False),
        (rules("if: $CI_COMMIT_REF_SLUG == 'feature-x'"), push("Feature/X"), True),
        (rules(f"{ON_MAIN}\n      when: never", "when: always"), push(), False),
        (rules(f"{ON_MAIN}\n      when: never", "when: always"), push("x"), True),
        (rules("when: on_success", f"{ON_MAIN}\n      when: never"), push(), True),
        (rules("when: never"), push(), False),
        (rules("changes: ['ferry/**/*']"), push(changed=CODE), True),
        (rules("changes: ['ferry/**/*']"), push(changed=DOCS), False),
        (rules("changes: ['*.{py,toml}']"), push(changed=["pyproject.toml"]), True),
        (rules("changes: {paths: [ferry/web.py]}"), push(changed=CODE), True),
        (rules("changes: ['$AT/*']"), push(changed=CODE), True),
        (rules("changes: ['ferry/**/*']"), push("new", changed=DOCS, created=True), True),
        (rules("changes: ['ferry/**/*']"), tag("v1"), True),
        (rules("changes: ['ferry/**/*']"), Event("schedule"), True),
        (rules(f"{ON_MAIN}\n      changes: ['ferry/**/*']"), push(changed=DOCS), False),
        (rules(f"{ON_MAIN}\n      changes: ['ferry/**/*']"), push("x", changed=CODE), False),
        (rules("changes: ['docs/**/*']\n      when: never", "when: on_success"), push(changed=[*DOCS, *CODE]), False),
        (rules("exists: ['*.yml']"), push(), True),
        (rules("exists: [Dockerfile]"), push(), False),
        (rules("if: $AT == 'ferry'"), push(), True),
    ],
)  # fmt: skip
def test_an_event_lets_a_job_in(text: str, event: Event, started: bool) -> None:
    assert jobs(text, event, AT="ferry") == (("a",) if started else None)


WORKFLOW = """
workflow:
  rules:
    - if: $CI_COMMIT_MESSAGE =~ /wip/
      when: never
    - if: $CI_COMMIT_TAG
      variables: {KIND: release}
    - if: $CI_COMMIT_BRANCH == "main"
a: {script: a}
b: {script: b, rules: [{if: $KIND == "release"}]}
"""


def test_workflow_rules_decide_about_the_whole_pipeline() -> None:
    assert jobs(WORKFLOW, push()) == ("a",)
    assert jobs(WORKFLOW, tag("v1")) == ("a", "b")
    assert jobs(WORKFLOW, push("x")) is None
    assert jobs(WORKFLOW, push(message="wip")) is None
    assert gitlab(WORKFLOW).why_not(push("x")) == "`workflow: rules` does not let it in"


def test_variables_are_the_projects_over_the_files_and_a_jobs_own() -> None:
    text = """
variables: {A: file, B: {value: b, description: x}, N: }
a: {script: a, rules: [{if: $A == "project" && $B == "b" && $N == ""}]}
b: {script: b, variables: {A: job}, rules: [{if: $A == "job"}]}
c: {script: c, rules: [{if: $CI_COMMIT_BRANCH == "lie"}]}
"""
    assert jobs(text, push(), A="project", CI_COMMIT_BRANCH="lie") == ("a", "b")
    assert expanded("${A}-$B-$$-$NO", {"A": "1", "B": "2"}) == "1-2-$-"


def test_a_manual_job_that_may_fail_is_let_in_and_not_started() -> None:
    text = "a: {script: a}\nb: {script: b, rules: [{when: manual, allow_failure: true}]}\nc: {script: c, when: manual}"
    assert jobs(text, push()) == ("a",)


def test_a_pipeline_in_which_a_needed_job_is_missing_is_not_made() -> None:
    text = "a: {script: a, rules: [{if: $CI_COMMIT_TAG}]}\nb: {script: b, needs: [%s]}"
    assert gitlab(text % "a").why_not(push()) == "`b` needs `a`, which this event does not let in"
    assert jobs(text % "a", tag("v1")) == ("a", "b")
    assert jobs(text % "{job: a, optional: true}", push()) == ("b",)
    assert gitlab(text % "{job: a}").why_not(push()).startswith("`b` needs `a`")


FULL = """
include:
  - local: /ci/*.yml
  - ci/more/lint.yml
stages: [check, test, deploy]
default:
  image: {name: python:3.11-slim, entrypoint: [""]}
  interruptible: true
  retry: 1
variables: {GIT_DEPTH: "0"}
cache: {paths: [.cache]}
.rules:
  main:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
unit:
  extends: [.python, .quiet]
  stage: test
  script: [pytest]
  parallel: {matrix: [{A: [x, y]}]}
  artifacts: {reports: {junit: report.xml}}
deploy:
  stage: deploy
  inherit: {default: [image]}
  needs: [unit, {job: lint, artifacts: false}]
  resource_group: live
  environment: {name: production, url: "http://target"}
  script:
    - !reference [.python, before_script]
    - ci/deploy.sh
  rules:
    - !reference [.rules, main]
"""
MORE = {
    "ci/python.yml": ".python: {before_script: [pip install -r requirements-dev.txt], variables: {A: b}}\n",
    "ci/more/lint.yml": "include: ci/quiet.yml\nlint: {stage: check, image: python:3.11, script: ruff check .}\n",
    "ci/quiet.yml": ".quiet: {variables: {Q: '1'}}\n",
}


def test_included_files_templates_and_references_are_followed() -> None:
    pipeline = gitlab(FULL, MORE)
    assert pipeline.refusals == ()
    assert pipeline.configuration is not None
    found = pipeline.configuration.jobs
    assert found["unit"].data["variables"] == {"A": "b", "Q": "1"}
    assert found["unit"].data["before_script"] == ["pip install -r requirements-dev.txt"]
    assert found["unit"].data["interruptible"] is True
    assert "interruptible" not in found["deploy"].data
    assert found["deploy"].data["script"] == ["pip install -r requirements-dev.txt", "ci/deploy.sh"]
    assert pipeline.configuration.stages == (".pre", "check", "test", "deploy", ".post")
    assert pipeline.runs(push("x"))[0].jobs == ("lint", "unit")
    assert pipeline.runs(push())[0].jobs == ("lint", "unit", "deploy")


def test_a_job_may_inherit_nothing() -> None:
    pipeline = gitlab("default: {interruptible: true}\na: {script: a, inherit: {default: false}}")
    assert pipeline.configuration is not None
    assert "interruptible" not in pipeline.configuration.jobs["a"].data


@pytest.mark.parametrize(
    "image",
    [
        *("python:3.11", "python:3.11-slim-bookworm", "python:3", "debian:bookworm-slim", "node:24-bookworm-slim"),
        *("docker.io/library/python:3.11", "ubuntu:24.04", "zricethezav/gitleaks:v8.18.0", DIGESTED),
        *("buildpack-deps", "ghcr.io/gitleaks/gitleaks:latest"),
    ],
)  # fmt: skip
def test_images_that_stand_for_what_is_here_are_taken(image: str) -> None:
    assert gitlab(f"a: {{script: a, image: '{image}'}}").refusals == ()


JOB = "a:\n  script: a\n  "


@pytest.mark.parametrize(
    ("text", "rule", "said", "line"),
    [
        (JOB + "image: alpine:3.20", "image", "write python:3.11, debian:bookworm", 3),
        (JOB + "image: python:3.12", "image", "is `python:3.12`", 3),
        (JOB + "image: python", "image", "is `python`", 3),
        (JOB + "image: $CI_REGISTRY_IMAGE/ci", "image", "or leave `image` out", 3),
        (JOB + "image: {name: postgres:15}", "image", "is `postgres:15`", 3),
        ("image: docker:27\na: {script: a}", "image", "is `docker:27`", 2),
        (JOB + "services: [postgres:15]", "services", "database whose address the pipeline is given", 3),
        ("default: {services: [{name: a}]}\na: {script: a}", "services", "no engine in here", 2),
        ("a:\n  trigger: {include: b.yml}", "trigger", "starts another pipeline", 2),
        (JOB + "needs: [{project: g/p, job: b, ref: main}]", "trigger", "waits for another pipeline", 3),
        (JOB + "needs: {pipeline: $UP}", "trigger", "name a job of this one", 3),
        (JOB + "only: [main]", "rules", "the job would always run; write `rules: - if:", 3),
        (JOB + "except: [tags]", "rules", "not evaluated by the runner", 3),
        (JOB + "when: delayed\n  start_in: 1 minute", "rules", "is not waited for", 3),
        (JOB + "when: manual\n  allow_failure: false", "rules", "waits for a person", 3),
        (JOB + "rules: [{when: manual}]", "rules", "add `allow_failure: true`", 3),
        (JOB + "rules: [{when: delayed, start_in: 1 minute}]", "rules", "let the script wait", 3),
        (JOB + "rules: [{changes: {paths: [a], compare_to: main}}]", "rules", "compares with another branch", 3),
        (JOB + "release: {tag_name: v1}", "rules", "write the release by a script", 3),
        (JOB + "id_tokens: {T: {aud: x}}", "rules", "take what the pipeline is given", 3),
        (JOB + "secrets: {T: {vault: x}}", "rules", "take what the pipeline is given", 3),
        ("pages:\n  script: a", "rules", "give the job another name", 1),
        ("include: https://example.org/a.yml\na: {script: a}", "include", "includes an address", 1),
        ("include: {remote: 'https://example.org/a.yml'}\na: {script: a}", "include", "by `remote`", 1),
        ("include: [{template: Security/SAST.gitlab-ci.yml}]\na: {script: a}", "include", "by `template`", 1),
        ("include: [{project: g/p, file: a.yml}]\na: {script: a}", "include", "write `local: PATH`", 1),
        ("include: [{component: gitlab.com/a/b@1}]\na: {script: a}", "include", "by `component`", 1),
        ("include: [{local: a.yml, rules: [{if: $A}]}]\na: {script: a}", "include", "put rules into the jobs", 1),
        ("include: none.yml\na: {script: a}", "invalid", "which is not there", 1),
        ("include: [1]\na: {script: a}", "invalid", "is a number", 1),
        (JOB + "rules: [{if: process.exit(0)}]", "invalid", "is no condition that GitLab takes: it cannot be read", 3),
        (JOB + "rules: [{if: $A == main}]", "invalid", 'write it as in $NAME == "text"', 3),
        (JOB + "rules: [{if: '!$A == \"x\"'}]", "rules", "in another way than GitLab", 3),
        (JOB + "rules: [{unless: $A}]", "invalid", "is not a key that a rule has", 3),
        (JOB + "rules: [a]", "invalid", "write a mapping with `if`", 3),
        (JOB + "rules: {if: $A}", "invalid", "write a list of rules", 3),
        (JOB + "rules: [{if: $A}]\n  only: [main]", "invalid", "write `rules` alone", 1),
        (JOB + "when: sometimes", "invalid", "write one of on_success", 3),
        ("workflow: {rules: [{when: manual}]}\na: {script: a}", "invalid", "neither `always` nor `never`", 1),
        (JOB + "stage: build it", "invalid", "there are build, test, deploy", 3),
        (JOB + "needs: [b]", "invalid", "names `b`, which is no job", 3),
        (JOB + "extends: .b", "invalid", "names `.b`, which is no job", 3),
        (JOB + "extends: a", "invalid", "extends itself", 1),
        (JOB + "skript: b", "invalid", "did you mean `script`?", 3),
        ("stages: [build]\na: {script: a}", "invalid", "names the stage `test`, which is not under", 2),
        ("default: [a]\na: {script: a}", "invalid", "`default` is a list", 1),
        ("a: {stage: test}", "invalid", "has no `script`", 1),
        ("a: 1", "invalid", "every key at the top that GitLab does not know is a job", 1),
        ("stages: [a]", "invalid", "has no job", 1),
        ("- a", "invalid", "write a mapping of jobs", 1),
        ("a: {script: !reference [b, script]}", "invalid", "refers to [b, script], which is not there", 1),
        ("a: {script: !reference [[b], script]}", "invalid", "which is not there", 1),
        ("a: {script: !reference [a, script]}", "yaml", "one that leads to itself", 1),
        ("a: {script: a}\na: {script: b}", "yaml", "keep one of the two", 2),
        ("a: {script: !vault x}", "yaml", "with an anchor or `extends`", 1),
    ],
)  # fmt: skip
def test_what_is_not_run_here_is_refused(text: str, rule: str, said: str, line: int) -> None:
    pipeline = gitlab(text)
    refusals = [refusal for refusal in pipeline.refusals if refusal.rule == f"pipeline.{rule}"]
    assert said in str(refusals[0])
    assert refusals[0].where == f"{FILE}:{line}"
    assert pipeline.runs(push()) == ()
    assert pipeline.why_not(push()) == "it is refused"


def test_several_things_are_told_at_once() -> None:
    text = JOB + "image: alpine\n  services: [a]\n  only: [main]\n  needs: [b]"
    assert [refusal.rule for refusal in gitlab(text).refusals] == [
        "pipeline.image",
        "pipeline.services",
        "pipeline.rules",
        "pipeline.invalid",
    ]


def test_files_that_are_missing_or_the_runners_own_are_refused() -> None:
    assert only(read_nothing()).rule == "pipeline.missing"
    told = only(gitlab("a: {script: a}", {".gitlab-ci-local-variables.yml": "A: b"}))
    assert (told.rule, told.where) == ("pipeline.invalid", ".gitlab-ci-local-variables.yml")


def read_nothing() -> GitlabPipeline:
    pipeline = read("gitlab", {})
    assert isinstance(pipeline, GitlabPipeline)
    return pipeline


def test_includes_extends_and_references_without_end_end_soon() -> None:
    with soon(2):
        assert "more than 30 files" in str(only(gitlab("include: a.yml", {"a.yml": "include: a.yml"})))
        chain = "".join(f".j{n}: {{extends: [{', '.join([f'.j{n + 1}'] * 11)}]}}\n" for n in range(8))
        assert gitlab(chain + ".j8: {script: a}\na: {extends: .j0}\n").refusals == ()
        bomb = "".join(f".r{n}: {{s: [{', '.join([f'!reference [.r{n + 1}, s]'] * 9)}]}}\n" for n in range(6))
        refusals = gitlab(bomb + ".r6: {s: [x, x]}\na: {script: !reference [.r0, s]}\n").refusals
        assert "too many references" in str(refusals[0])
        assert "more than 200 jobs" in str(only(gitlab("".join(f"a{n}: {{script: a}}\n" for n in range(201)))))


def test_what_only_shows_when_it_is_asked_for_starts_nothing() -> None:
    pipeline = gitlab("a: {script: a, rules: [{if: $CI_COMMIT_BRANCH =~ $P}]}", P="/(/")
    assert pipeline.runs(push()) == ()
    assert "which has a `(` that is not closed" in pipeline.why_not(push())


def test_an_image_may_be_named_by_a_variable_of_the_file() -> None:
    text = "variables: {V: '%s'}\na: {script: a, image: 'python:${V}-$KIND', variables: {KIND: slim}}"
    assert gitlab(text % "3.11").refusals == ()
    assert "is `python:3.12-slim`" in str(only(gitlab(text % "3.12")))
    assert "is `$CI_REGISTRY_IMAGE`" in str(only(gitlab("a: {script: a, image: $CI_REGISTRY_IMAGE}")))


def refs(text: str) -> str:
    return f"a:\n  script: a\n  {text}\n"


@pytest.mark.parametrize(
    ("text", "event", "started"),
    [
        (refs("only: [main]"), push(), True),
        (refs("only: [main]"), push("x"), False),
        (refs("only: main"), push(), True),
        (refs("only: [branches]"), push("x"), True),
        (refs("only: [branches]"), tag("v1"), False),
        (refs("only: [tags]"), tag("v1"), True),
        (refs("only: [tags]"), push("tags"), False),
        (refs("only: [/^v\\d+/]"), tag("v1"), True),
        (refs("only: [/^V\\d+/i]"), tag("v1"), True),
        (refs("only: [/^v\\d+/]"), push("x"), False),
        (refs("only: [main@mde/app]"), push(), True),
        (refs("only: [main@other/app]"), push(), False),
        (refs("only: [merge_requests]"), pull_request(), True),
        (refs("only: [merge_requests]"), push(), False),
        (refs("only: [main]"), pull_request(), False),
        (refs("only: [schedules, web]"), Event("schedule"), True),
        (refs("only: [schedules, web]"), push(), False),
        (refs("only: [pushes]"), push("x"), True),
        (refs("only: [triggers, api]"), push(), False),
        (refs("except: [main]"), push(), False),
        (refs("except: [main]"), push("x"), True),
        (refs("except: [main]"), tag("v1"), True),
        (refs("except: [tags]"), tag("v1"), False),
        (refs("only: [branches]\n  except: [/^wip/]"), push("wip-1"), False),
        (refs("only: [branches]\n  except: [/^wip/]"), push("done"), True),
        (refs("only: {refs: [main], changes: ['ferry/*']}"), push(changed=CODE), True),
        (refs("only: {refs: [main], changes: ['ferry/*']}"), push(changed=DOCS), False),
        (refs("only: {refs: [main], changes: ['ferry/*']}"), push("x", changed=CODE), False),
        (refs("only: {changes: ['ferry/*']}"), tag("v1"), True),
        (refs("only: {changes: ['ferry/*']}"), pull_request(changed=CODE), False),
        (refs("only: {variables: [$A, $B]}"), push(), True),
        (refs("only: {variables: [$A == 'x']}"), push(), False),
        (refs("except: {changes: ['docs/*']}"), push(changed=DOCS), False),
        (refs("except: {refs: [x], variables: [$A == 'x']}"), push(), True),
        (refs("except: {refs: [x], variables: [$A == '1']}"), push(), False),
    ],
)
def test_only_and_except_let_in_what_gitlab_documents(text: str, event: Event, started: bool) -> None:
    pipeline = read("gitlab", {FILE: text.encode()}, variables={"A": "1"}, chooses=True)
    assert pipeline.refusals == ()
    assert bool(pipeline.runs(event)) is started


def test_a_run_names_the_jobs_that_are_left_out() -> None:
    text = "a: {script: a, only: [main]}\nb: {script: b, only: [tags]}\nc: {script: c, when: manual}\n"
    pipeline = read("gitlab", {FILE: text.encode()}, chooses=True)
    (run,) = pipeline.runs(push())
    assert (run.jobs, run.left_out) == (("a",), ("b",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (refs("only: [/a]"), "has `/a`, which is no expression"),
        (refs("only: [/(/]"), "which has a `(` that is not closed"),
        (refs("only: {kubernetes: active}"), "asks for a cluster"),
        (refs("only: {ref: [a]}"), "did you mean `refs`?"),
        (refs("except: {variables: [a]}"), "has a condition that GitLab does not take"),
        (refs("only: {refs: {a: b}}"), "is a mapping"),
    ],
)
def test_what_is_no_only_is_refused(text: str, said: str) -> None:
    (refusal,) = read("gitlab", {FILE: text.encode()}, chooses=True).refusals
    assert said in str(refusal)


def test_few_files_are_looked_for() -> None:
    globs = ", ".join(f"'{n}/{{a,b,c}}/*'" for n in range(17))
    assert "more than 50 globs" in str(only(gitlab(rules(f"exists: [{globs}]"))))
