"""Which events start a GitHub workflow, case by case against what GitHub documents.

Each row names the rule that it shows in our words, and the page of GitHub's documentation that states it: `syntax` is
"Workflow syntax for GitHub Actions", `patterns` its section "Filter pattern cheat sheet", `events` is "Events that
trigger workflows", `skip` is "Skipping workflow runs".
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from graders.pipelines.events import Event, ended, pull_request, push, tag
from graders.pipelines.github import read_github
from graders.pipelines.pipelines import read

JOBS = "\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: a}]}}\n"
CODE = ["ferry/web.py"]
DOCS = ["docs/index.md"]


class Case(NamedTuple):
    """One documented case."""

    page: str
    rule: str
    on: str
    event: Event
    starts: bool


PUSHED = [
    Case("syntax", "one event as a word", "push", push(), True),
    Case("syntax", "one event as a word is about tags too", "push", tag("v1"), True),
    Case("syntax", "another event starts nothing", "push", pull_request(), False),
    Case("syntax", "a list names events, any of which starts it", "[push, fork]", Event("fork"), True),
    Case("syntax", "a list names events, any of which starts it", "[push, fork]", push("x"), True),
    Case("syntax", "an event of a mapping may have no filter", "{push: , release: }", push("x"), True),
    Case("syntax", "no filter: branches and tags", "{push: {}}", tag("v1"), True),
    Case("syntax", "`branches` chooses by name", "{push: {branches: [main]}}", push("main"), True),
    Case("syntax", "`branches` chooses by name", "{push: {branches: [main]}}", push("dev"), False),
    Case("syntax", "a filter may be one text", "{push: {branches: main}}", push("main"), True),
    Case("syntax", "the name is the ref's, without refs/heads", "{push: {branches: [refs/heads/main]}}", push(), False),
    Case("syntax", "branches alone: no tag", "{push: {branches: [main]}}", tag("main"), False),
    Case("syntax", "branches alone: no tag, whatever they choose", "{push: {branches: ['**']}}", tag("v1"), False),
    Case("syntax", "branches-ignore alone: no tag", "{push: {branches-ignore: [x]}}", tag("v1"), False),
    Case("syntax", "tags alone: no branch", "{push: {tags: ['**']}}", push(), False),
    Case("syntax", "tags alone: no branch of that name", "{push: {tags: [v1]}}", push("v1"), False),
    Case("syntax", "tags-ignore alone: no branch", "{push: {tags-ignore: [x]}}", push(), False),
    Case("syntax", "`tags` chooses by name", "{push: {tags: ['v1.*']}}", tag("v1.9"), True),
    Case("syntax", "`tags` chooses by name", "{push: {tags: ['v1.*']}}", tag("v2.0"), False),
    Case("syntax", "branches and tags: each for its own", "{push: {branches: [main], tags: [v2]}}", tag("v2"), True),
    Case("syntax", "branches and tags: each for its own", "{push: {branches: [main], tags: [v2]}}", push(), True),
    Case("syntax", "branches and tags: each for its own", "{push: {branches: [main], tags: [v2]}}", push("v2"), False),
    Case(
        "syntax",
        "`branches-ignore` leaves out",
        "{push: {branches-ignore: ['mona/octocat']}}",
        push("mona/octocat"),
        False,
    ),
    Case(
        "syntax",
        "`branches-ignore` lets the others in",
        "{push: {branches-ignore: ['mona/octocat']}}",
        push("mona/x"),
        True,
    ),
    Case("syntax", "`tags-ignore` leaves out", "{push: {tags-ignore: [v2]}}", tag("v2"), False),
    Case("syntax", "`tags-ignore` lets the others in", "{push: {tags-ignore: [v2]}}", tag("v3"), True),
    Case("syntax", "both kinds of ignore", "{push: {branches-ignore: [x], tags-ignore: [v2]}}", push("y"), True),
]

ORDER = "{push: {branches: ['releases/**', '!releases/**-alpha']}}"
AGAIN = "{push: {branches: ['releases/**', '!releases/**-alpha', 'releases/1-alpha']}}"
NEGATED = [
    Case("syntax", "a negative pattern lets the others be", ORDER, push("releases/10"), True),
    Case("syntax", "a negative pattern lets the others be", ORDER, push("releases/beta/mona"), True),
    Case("syntax", "a negative pattern after a match leaves out", ORDER, push("releases/10-alpha"), False),
    Case("syntax", "a negative pattern after a match leaves out", ORDER, push("releases/beta/3-alpha"), False),
    Case("syntax", "what no pattern matches stays out", ORDER, push("main"), False),
    Case("syntax", "a positive pattern after it takes in again", AGAIN, push("releases/1-alpha"), True),
    Case("syntax", "and only what it matches", AGAIN, push("releases/2-alpha"), False),
    Case(
        "syntax", "a negative pattern before a match does nothing", "{push: {branches: ['!main', '**']}}", push(), True
    ),
    Case("syntax", "the same for tags", "{push: {tags: ['v*', '!v*-rc*']}}", tag("v1-rc1"), False),
    Case("syntax", "the same for tags", "{push: {tags: ['v*', '!v*-rc*']}}", tag("v1"), True),
]


def branches(pattern: str) -> str:
    return f"{{push: {{branches: ['{pattern}']}}}}"


NAMES = [
    Case("patterns", "`*` takes any letters", branches("feature/*"), push("feature/my-branch"), True),
    Case("patterns", "`*` takes no slash", branches("feature/*"), push("feature/a/b"), False),
    Case("patterns", "`*` alone: no name with a slash", branches("*"), push("releases"), True),
    Case("patterns", "`*` alone: no name with a slash", branches("*"), push("all/the/branches"), False),
    Case("patterns", "`**` takes slashes", branches("feature/**"), push("feature/mona/the/octocat"), True),
    Case("patterns", "`**` alone takes all", branches("**"), push("all/the/branches"), True),
    Case("patterns", "`*` takes nothing, too", branches("*feature"), push("feature"), True),
    Case("patterns", "`*` at the beginning", branches("*feature"), push("ver-10-feature"), True),
    Case("patterns", "a pattern fits the whole name", branches("*feature"), push("feature-1"), False),
    Case("patterns", "`*` at the end", branches("v2*"), push("v2.9"), True),
    Case("patterns", "`*` at the end takes nothing, too", branches("v2*"), push("v2"), True),
    Case("patterns", "a dot is a dot", branches("v1.0"), push("v1x0"), False),
    Case("patterns", "brackets and `+`", branches("v[12].[0-9]+.[0-9]+"), push("v1.10.1"), True),
    Case("patterns", "brackets and `+`", branches("v[12].[0-9]+.[0-9]+"), push("v3.0.0"), False),
    Case("patterns", "`+` wants one at least", branches("v[12].[0-9]+.[0-9]+"), push("v1..1"), False),
    Case("patterns", "brackets take one character", branches("[CB]at"), push("Bat"), True),
    Case("patterns", "brackets take one character", branches("[CB]at"), push("Rat"), False),
    Case("patterns", "a range in brackets", branches("[1-2]00"), push("200"), True),
    Case("patterns", "a range in brackets", branches("[1-2]00"), push("300"), False),
    Case("patterns", "`?` makes optional what is before it", branches("releases?"), push("release"), True),
    Case("patterns", "`?` takes it once", branches("releases?"), push("releasess"), False),
    Case("patterns", "`!` inside is itself", branches("a!b"), push("a!b"), True),
    Case("syntax", "a backslash takes the meaning from a sign", branches("a\\*"), push("a*"), True),
    Case("syntax", "a backslash takes the meaning from a sign", branches("a\\*"), push("ab"), False),
    Case("patterns", "upper and lower case differ", branches("main"), push("Main"), False),
]


def paths(*patterns: str) -> str:
    return f"{{push: {{paths: [{', '.join(repr(one) for one in patterns)}]}}}}"


FILES = [
    Case("patterns", "`*`: at the root only", paths("*"), push(changed=["server.rb"]), True),
    Case("patterns", "`*`: at the root only", paths("*"), push(changed=["lib/server.rb"]), False),
    Case("patterns", "`?` in a path", paths("*.jsx?"), push(changed=["page.js"]), True),
    Case("patterns", "`?` in a path", paths("*.jsx?"), push(changed=["page.jsx"]), True),
    Case("patterns", "`**`: everywhere", paths("**"), push(changed=["all/the/files.md"]), True),
    Case("patterns", "`*.js`: at the root only", paths("*.js"), push(changed=["js/app.js"]), False),
    Case("patterns", "`**.js`: everywhere", paths("**.js"), push(changed=["src/js/app.js"]), True),
    Case("patterns", "`docs/*`: not below it", paths("docs/*"), push(changed=["docs/a/b.md"]), False),
    Case("patterns", "`docs/**`: below it, too", paths("docs/**"), push(changed=["docs/mona/octocat.txt"]), True),
    Case("patterns", "`docs/**`: from the root only", paths("docs/**"), push(changed=["x/docs/a.md"]), False),
    Case("patterns", "`**/` is nothing, too", paths("docs/**/*.md"), push(changed=["docs/README.md"]), True),
    Case("patterns", "`**/` is many folders", paths("docs/**/*.md"), push(changed=["docs/a/markdown/file.md"]), True),
    Case("patterns", "`**/docs/**`: at any place", paths("**/docs/**"), push(changed=["space/docs/plan/a.doc"]), True),
    Case("patterns", "`**/docs/**`: at the root, too", paths("**/docs/**"), push(changed=["docs/hello.md"]), True),
    Case("patterns", "`**/README.md`: at the root, too", paths("**/README.md"), push(changed=["README.md"]), True),
    Case("patterns", "`**/README.md`: the whole name", paths("**/README.md"), push(changed=["a/MYREADME.md"]), False),
    Case("patterns", "`**/*src/**`: an end of a name", paths("**/*src/**"), push(changed=["my-src/code/app.js"]), True),
    Case("patterns", "`**/*-post.md`", paths("**/*-post.md"), push(changed=["path/their-post.md"]), True),
    Case("patterns", "`**/migrate-*.sql`", paths("**/migrate-*.sql"), push(changed=["db/sept/migrate-v1.sql"]), True),
    Case("patterns", "a negative path leaves out", paths("*.md", "!README.md"), push(changed=["README.md"]), False),
    Case("patterns", "a negative path leaves out", paths("*.md", "!README.md"), push(changed=["hello.md"]), True),
    Case("patterns", "and takes in again", paths("*.md", "!README.md", "README*"), push(changed=["README.md"]), True),
    Case("syntax", "one file is enough", paths("**.py"), push(changed=[*DOCS, *CODE]), True),
    Case("syntax", "none is not", paths("**.py"), push(changed=DOCS), False),
    Case("syntax", "no changed file: no run", paths("**"), push(), False),
    Case("syntax", "no changed file: no run", "{push: {paths-ignore: ['docs/**']}}", push(), False),
    Case("syntax", "`paths-ignore`: all left out", "{push: {paths-ignore: ['docs/**']}}", push(changed=DOCS), False),
    Case(
        "syntax",
        "`paths-ignore`: one is not",
        "{push: {paths-ignore: ['docs/**']}}",
        push(changed=[*DOCS, *CODE]),
        True,
    ),
    Case("syntax", "paths are not asked for a tag", paths("**.py"), tag("v1"), True),
    Case("syntax", "nor is paths-ignore", "{push: {paths-ignore: ['**']}}", tag("v1"), True),
    Case("syntax", "branch and path: both", "{push: {branches: [main], paths: ['**.py']}}", push(changed=CODE), True),
    Case("syntax", "branch and path: both", "{push: {branches: [main], paths: ['**.py']}}", push(changed=DOCS), False),
    Case(
        "syntax",
        "branch and path: both",
        "{push: {branches: [main], paths: ['**.py']}}",
        push("x", changed=CODE),
        False,
    ),
    Case(
        "syntax",
        "300 changed files are looked at",
        paths("zz.py"),
        push(changed=["zz.py", *map(str, range(300))]),
        False,
    ),
    Case(
        "syntax",
        "300 changed files are looked at",
        paths("zz.py"),
        push(changed=["zz.py", *map(str, range(299))]),
        True,
    ),
]

TARGETED = "{pull_request: {branches: ['releases/**']}}"
PULLED = [
    Case("events", "without types: opened", "pull_request", pull_request(), True),
    Case("events", "without types: synchronize", "pull_request", pull_request(action="synchronize"), True),
    Case("events", "without types: reopened", "pull_request", pull_request(action="reopened"), True),
    Case("events", "without types: not labeled", "pull_request", pull_request(action="labeled"), False),
    Case("events", "without types: not closed", "pull_request", pull_request(action="closed"), False),
    Case("events", "types say which", "{pull_request: {types: [closed]}}", pull_request(action="closed"), True),
    Case("events", "types say which", "{pull_request: {types: [closed]}}", pull_request(), False),
    Case("syntax", "its branch is the one it goes into", TARGETED, pull_request("releases/1", head="x"), True),
    Case("syntax", "its branch is the one it goes into", TARGETED, pull_request("main", head="releases/1"), False),
    Case("syntax", "branches-ignore", "{pull_request: {branches-ignore: [main]}}", pull_request("main"), False),
    Case("syntax", "paths", "{pull_request: {paths: ['**.py']}}", pull_request(changed=CODE), True),
    Case("syntax", "paths", "{pull_request: {paths: ['**.py']}}", pull_request(changed=DOCS), False),
    Case("events", "a push to its branch is a push", "pull_request", push("feature"), False),
    Case("events", "target is another event", "pull_request", pull_request(name="pull_request_target"), False),
    Case("events", "target: the same types", "pull_request_target", pull_request(name="pull_request_target"), True),
    Case(
        "events",
        "a review is another event",
        "pull_request_review",
        Event("pull_request_review", action="edited"),
        True,
    ),
]

AFTER = "{workflow_run: {workflows: [Build, Lint], types: [completed]}}"
ON = "{workflow_run: {workflows: [Build], branches: ['releases/**', '!releases/**-alpha']}}"
OTHERS = [
    Case("events", "by hand", "workflow_dispatch", Event("workflow_dispatch"), True),
    Case("events", "by hand only: no push", "{workflow_dispatch: {inputs: {a: {type: string}}}}", push(), False),
    Case("events", "a schedule", '{schedule: [{cron: "15 4 * * *"}]}', Event("schedule"), True),
    Case(
        "events", "that schedule", '{schedule: [{cron: "15 4 * * *"}]}', Event("schedule", workflow="15 4 * * *"), True
    ),
    Case(
        "events",
        "another schedule",
        '{schedule: [{cron: "15 4 * * *"}]}',
        Event("schedule", workflow="0 0 * * *"),
        False,
    ),
    Case("events", "a release, any activity", "release", Event("release", "refs/tags/v1", action="created"), True),
    Case(
        "events",
        "a release, that activity",
        "{release: {types: [published]}}",
        Event("release", action="published"),
        True,
    ),
    Case(
        "events",
        "a release, that activity",
        "{release: {types: [published]}}",
        Event("release", action="created"),
        False,
    ),
    Case("events", "a new branch or tag", "create", Event("create"), True),
    Case("events", "a branch or tag that goes", "delete", Event("delete"), True),
    Case("events", "called only: no push", "workflow_call", push(), False),
    Case("events", "called and pushed", "[workflow_call, push]", push(), True),
    Case("events", "after a workflow", AFTER, ended("Build", push(), "success"), True),
    Case("events", "after another of them", AFTER, ended("Lint", push(), "success"), True),
    Case("events", "whatever it ended with", AFTER, ended("Build", push(), "failure"), True),
    Case("events", "after none of them", AFTER, ended("Deploy", push(), "success"), False),
    Case("events", "at that activity", AFTER, Event("workflow_run", action="requested", workflow="Build"), False),
    Case("syntax", "after a run on those branches", ON, ended("Build", push("releases/10"), "success"), True),
    Case("syntax", "after a run on those branches", ON, ended("Build", push("releases/10-alpha"), "success"), False),
    Case("syntax", "after a run on those branches", ON, ended("Build", push("main"), "success"), False),
    Case(
        "events",
        "an outer event, of that type",
        "{repository_dispatch: {types: [go]}}",
        Event("repository_dispatch", action="go"),
        True,
    ),
    Case(
        "events",
        "an outer event, of that type",
        "{repository_dispatch: {types: [go]}}",
        Event("repository_dispatch", action="x"),
        False,
    ),
]

TRAILER = "Mend\n\nWhy\n\n\nReviewed-by: me\nskip-checks: true\n"
SKIPPED = [
    *(
        Case("skip", f"{words} in a push", "push", push(message=f"Mend it {words}"), False)
        for words in ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
    ),
    Case("skip", "in the message's body", "push", push(message="Mend\n\nreally [skip ci]\n"), False),
    Case("skip", "in a pull request's head commit", "pull_request", pull_request(message="[skip ci]"), False),
    Case(
        "skip",
        "not for a pull request's target",
        "pull_request_target",
        pull_request(name="pull_request_target", message="[skip ci]"),
        True,
    ),
    Case(
        "skip",
        "not for what is started by hand",
        "workflow_dispatch",
        Event("workflow_dispatch", message="[skip ci]"),
        True,
    ),
    Case("skip", "a tag is pushed, too", "push", tag("v1", message="[skip ci]"), False),
    Case("skip", "without brackets it is nothing", "push", push(message="skip ci"), True),
    Case("skip", "a trailer at the end", "push", push(message="Mend\n\n\nskip-checks: true"), False),
    Case("skip", "a trailer without a space", "push", push(message="Mend\n\n\nskip-checks:true"), False),
    Case("skip", "a trailer, the last of them", "push", push(message=TRAILER), False),
    Case("skip", "a trailer follows two empty lines", "push", push(message="Mend\nskip-checks: true"), True),
]

CASES = [*PUSHED, *NEGATED, *NAMES, *FILES, *PULLED, *OTHERS, *SKIPPED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}: {case.rule}")
def test_an_event_starts_what_is_documented(case: Case) -> None:
    pipeline = read_github({".github/workflows/a.yml": f"on: {case.on}{JOBS}".encode()}, {})
    assert pipeline.refusals == ()
    assert [run.file for run in pipeline.runs(case.event)] == [".github/workflows/a.yml"] * case.starts
    assert (pipeline.why_not(case.event) == "") is case.starts


def test_the_table_is_long_and_shows_each_answer() -> None:
    assert len(CASES) >= 60
    for group in (PUSHED, NEGATED, NAMES, FILES, PULLED, OTHERS, SKIPPED):
        assert {case.starts for case in group} == {True, False}


REFUSED = [
    ("push: {branches: [a], branches-ignore: [b]}", "has `branches` and `branches-ignore`"),
    ("push: {tags: [a], tags-ignore: [b]}", "has `tags` and `tags-ignore`"),
    ("push: {paths: [a], paths-ignore: [b]}", "has `paths` and `paths-ignore`"),
    ("pull_request: {branches: [a], branches-ignore: [b]}", "has `branches` and `branches-ignore`"),
    ("push: {branches: ['!main']}", "has only patterns that begin with `!`"),
    ("push: {tags: ['!v1', '!v2']}", "has only patterns that begin with `!`"),
    ("push: {paths: ['!docs/**']}", "has only patterns that begin with `!`"),
    ("push: {branches: ['v[0-9']}", "a `[` that is not closed"),
    ("push: {branches: ['v[9-0]']}", "the range `9-0`"),
    ("push: {branches: ['v[0-z]']}", "the range `0-z`"),
    ("push: {branches: ['v[]']}", "brackets with nothing in them"),
    (f"push: {{branches: ['{'a' * 513}']}}", "more than 512 characters"),
    ("push: {branch: [main]}", "did you mean `branches`?"),
    ("push: {types: [opened]}", "is not a key that the event `push` has"),
    ("pull_request: {tags: [v1]}", "is not a key that the event `pull_request` has"),
    ("pull_request: {types: [pushed]}", "`pushed`, which is no activity of `pull_request`"),
    ("release: {types: [publish]}", "`publish`, which is no activity of `release`"),
    ("create: {tags: [v1]}", "is not a key that the event `create` has"),
    ("pushed:", "is no event that starts workflows: `pushed`"),
    ("workflow_run: {types: [completed]}", "names no workflow"),
    ("schedule: [{cron: '@daily'}]", "is no cron line of five fields: `@daily`"),
    ("schedule: []", "has no `cron` line"),
    ("push: {branches: {a: b}}", "is a mapping"),
]


@pytest.mark.parametrize(("entry", "said"), REFUSED)
def test_what_the_platform_does_not_take_under_on_is_refused(entry: str, said: str) -> None:
    pipeline = read_github({".github/workflows/a.yml": f"on:\n  {entry}{JOBS}".encode()}, {})
    (refusal,) = pipeline.refusals
    assert refusal.rule == "pipeline.invalid"
    assert said in str(refusal)
    assert refusal.where == ".github/workflows/a.yml:2"
    assert pipeline.runs(push()) == ()


@pytest.mark.parametrize("on", ["", "[]", "~", "{}"])
def test_a_workflow_without_an_event_is_refused(on: str) -> None:
    (refusal,) = read_github({".github/workflows/a.yml": f"on: {on}{JOBS}".encode()}, {}).refusals
    assert "names no event" in refusal.message


def test_the_key_on_is_a_word_and_no_truth() -> None:
    """YAML 1.1 takes `on`, `yes` and `no` for truths; GitHub does not."""
    text = f"on: {{push: {{branches: [no, on, off, yes]}}}}{JOBS}".encode()
    pipeline = read("github", {".github/workflows/a.yml": text})
    assert [len(pipeline.runs(push(name))) for name in ("no", "on", "yes", "false", "true")] == [1, 1, 1, 0, 0]
    (refusal,) = read("github", {".github/workflows/a.yml": f"true: push{JOBS}".encode()}).refusals
    assert "`true` is not a key that a workflow has" in refusal.message


def test_numbers_are_names_as_they_are_written() -> None:
    pipeline = read("github", {".github/workflows/a.yml": f"on: {{push: {{branches: [12, 1.5]}}}}{JOBS}".encode()})
    assert [len(pipeline.runs(push(name))) for name in ("12", "1.5", "1.50")] == [1, 1, 0]


def test_each_workflow_is_asked_for_itself_in_the_order_of_their_names() -> None:
    files = {
        ".github/workflows/b.yml": f"name: B\non: push{JOBS}".encode(),
        ".github/workflows/a.yaml": f"on: {{push: {{branches: [main]}}}}{JOBS}".encode(),
        ".github/workflows/c.yml": f"on: pull_request{JOBS}".encode(),
        ".github/workflows/old/d.yml": b"this: is no workflow",
        "ci/e.yml": b"nor: this",
        ".github/workflows/notes.md": b"# Notes",
    }
    pipeline = read("github", files)
    assert pipeline.refusals == ()
    assert [run.name for run in pipeline.runs(push())] == [".github/workflows/a.yaml", "B"]
    assert [run.file for run in pipeline.runs(push("x"))] == [".github/workflows/b.yml"]
    assert pipeline.why_not(push("x")) == ""
    why = pipeline.why_not(Event("fork"))
    assert why.count("`on` does not name `fork`") == 3


def test_a_repository_without_workflows_is_refused() -> None:
    pipeline = read("github", {"README.md": b""})
    (refusal,) = pipeline.refusals
    assert (refusal.rule, refusal.where) == ("pipeline.missing", ".github/workflows")
    assert pipeline.why_not(push()) == "there is no workflow in .github/workflows"


def test_an_unknown_dialect_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="jenkins"):
        read("jenkins", {})


def test_reasons_name_the_file_and_the_filter() -> None:
    text = f"on: {{push: {{branches: [main], paths-ignore: ['docs/**']}}}}{JOBS}".encode()
    pipeline = read("github", {".github/workflows/a.yml": text})
    told = {event: pipeline.why_not(event) for event in (push("x"), tag("v1"), push(changed=DOCS))}
    assert list(told.values()) == [
        ".github/workflows/a.yml: `branches` does not choose `x`",
        ".github/workflows/a.yml: `push` has a filter for branches only, and `v1` is a tag",
        ".github/workflows/a.yml: `paths-ignore` leaves out all of the changed files",
    ]
