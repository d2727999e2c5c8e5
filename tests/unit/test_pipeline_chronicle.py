"""Commits of one attempt: what each changes, and that a leak is in the history and not at its end."""

from __future__ import annotations

import itertools
from datetime import datetime
from random import Random

import pytest

from graders.pipelines import edits
from graders.pipelines.chronicle import Chronicle, given, misfit, whole
from graders.pipelines.edits import Files
from tests.unit.ferry_app import ferry_app

SEEDS = range(12)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return ferry_app(tmp_path_factory.mktemp("app"))


def chronicle(app: Files, seed: int = 1) -> Chronicle:
    return Chronicle(Random(seed), app, frozenset(), "abc")  # noqa: S311 - what is drawn is no secret


def test_what_we_gave_is_put_back(app: Files) -> None:
    theirs = {"ferry/api.py": b"x", "tests/unit/conftest.py": b"x", "pyproject.toml": b"x", "ci/deploy": b"mine"}
    tree = whole(app, theirs)
    assert tree["ferry/api.py"] == app["ferry/api.py"]
    assert "tests/unit/conftest.py" not in tree
    assert tree["pyproject.toml"] == app["pyproject.toml"]
    assert tree["ci/deploy"] == b"mine"
    assert not given("ferry.py")
    assert given("ferry")
    assert given("README.md/x")


def test_what_cannot_be_committed_is_told(app: Files) -> None:
    assert misfit(app) == ""
    assert misfit({f"{number}": b"" for number in range(501)}) == "501 files; 500 are the most"
    assert misfit({"a": bytes(3 << 20)}) == "3145728 bytes; 2097152 are the most"
    assert misfit({"x" * 201: b""}).startswith("a file that git does not take: xxx")
    assert misfit({"a/.GIT/x": b""}) == "a file that git does not take: a/.GIT/x"
    assert misfit({"a\udcff": b""}) == "a file whose name is no UTF-8: a?"
    assert misfit({"a?": b""}) == ""


def test_the_first_commit_is_the_whole_tree(app: Files) -> None:
    first = chronicle(app).first
    assert first.change.files == app
    assert first.notice == "The Nordhafen line sails on time."


def test_commits_come_one_after_the_other(app: Files) -> None:
    drawn = chronicle(app)
    made = [drawn.first, *(drawn.good(app)[0] for _ in range(20))]
    assert len({commit.notice for commit in made}) == len(made)
    assert len({commit.author for commit in made}) > 5
    times = [datetime.fromisoformat(commit.date) for commit in made]
    assert times == sorted(times)


def test_several_commits_build_on_each_other(app: Files) -> None:
    made, after = chronicle(app).several(app, 3)
    trees = list(itertools.accumulate(made, lambda tree, one: edits.apply(tree, one.change.files), initial=app))
    assert (len(made), trees[-1]) == (3, after)


def test_a_migration_comes_with_harmless_edits(app: Files) -> None:
    brought = chronicle(app).migrating(app)
    assert f"migrations/{brought.migration}" in brought.commit.change.files
    assert edits.NOTICE in brought.commit.change.files
    assert brought.files == edits.apply(app, brought.commit.change.files)


def test_documents_are_no_code(app: Files) -> None:
    assert all(path.startswith("docs/") for path in chronicle(app).documents(app).change.files)


@pytest.mark.parametrize("kind", ["unit", "integration", "lint", "leaking"])
def test_a_fault_is_told_and_comes_with_code(app: Files, kind: str) -> None:
    commit = getattr(chronicle(app), kind)(app)
    assert commit.fault
    assert any(path.startswith(("ferry/", "tests/")) for path in commit.change.files)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_in_the_history_is_gone_at_the_end(app: Files, seed: int) -> None:
    commits = chronicle(app, seed).leaked(app)
    trees = list(itertools.accumulate(commits, lambda tree, one: edits.apply(tree, one.change.files), initial=app))
    leaks = [any(mark in text for text in tree.values() for mark in (b"abc_live_", b"-----BEGIN ")) for tree in trees]
    allowed = any(b"abc_live_" in text for text in app.values())
    assert leaks == [allowed, True, True, allowed]
    assert commits[-1].fault.endswith("takes out again")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mended_commit_has_nothing_left_of_the_fault(app: Files, seed: int) -> None:
    drawn = chronicle(app, seed)
    bad = drawn.unhealthy(app)
    worse = edits.apply(app, bad.commit.change.files)
    after = edits.apply(worse, drawn.mended(bad).change.files)
    assert {path: after[path] for path in bad.fault.change} == {path: bad.clean[path] for path in bad.fault.change}
    assert after[edits.NOTICE] != worse[edits.NOTICE]
