"""Commits with a fault, each of which one gate alone can see; and branches that are not released."""

from __future__ import annotations

from graders.pipelines.outcomes import GREEN, RED, Ended, lines, short
from graders.pipelines.season import Season
from mde_grader.checking import expect, requirement


def _insist_stopped(ended: Ended, look: str) -> None:
    """Red, and nothing that passengers have was touched."""
    expect(
        not ended.touched,
        expected=f"nothing on the target changes for a bad commit ({ended.fault})",
        seen=f"{lines(ended.touched)}; {ended.serves}",
        look=look,
        said=ended.said,
    )
    expect(
        ended.kept,
        expected=f"the front still serves {short(ended.version_before)}",
        seen=ended.serves,
        look=look,
        said=ended.said,
    )
    expect(
        ended.colour == RED,
        expected=f"a red run for a bad commit ({ended.fault})",
        seen=ended.end,
        look=look,
        said=ended.said,
    )


@requirement("unit-gate")
def test_a_failing_unit_test(season: Season) -> None:
    """A commit that fails a unit test, and nothing else, ends red and touches nothing."""
    _insist_stopped(season.unit.result(), "break a price in ferry/fares.py; pytest tests/unit; echo $?")


@requirement("integration-gate")
def test_a_failing_integration_test(season: Season) -> None:
    """A commit that fails an integration test, and nothing else, ends red and touches nothing."""
    _insist_stopped(
        season.integration.result(), "break a query in ferry/database.py; pytest tests/integration; echo $?"
    )


@requirement("lint-gate")
def test_a_lint_error(season: Season) -> None:
    """A commit that the linter complains of, and no test, ends red and touches nothing."""
    _insist_stopped(season.lint.result(), "add an import that nothing uses to ferry/clock.py; ruff check .; echo $?")


@requirement("secret-gate")
def test_a_secret_in_the_last_commit(season: Season) -> None:
    """A commit with a live key or a private key in some file ends red and touches nothing."""
    _insist_stopped(season.tip.result(), "commit a file with a live key in it, and run your check on that commit")


@requirement("secret-gate")
def test_a_secret_in_an_earlier_commit(season: Season) -> None:
    """A push of three commits, of which the first brings a secret and the last removes it, ends red as well."""
    _insist_stopped(season.history.result(), "git log -p BEFORE..AFTER, with BEFORE from the push event")


@requirement("branch")
def test_a_good_commit_on_another_branch(season: Season) -> None:
    """A good commit on another branch is tested, ends green, and touches nothing."""
    ended = season.feature.result()
    expect(
        not ended.touched,
        expected="nothing on the target changes for a commit on another branch",
        seen=lines(ended.touched),
        look="mde-grade lab-01 . --only branch, and read the log of that run in the full report",
        said=ended.said,
    )
    expect(
        ended.colour == GREEN,
        expected="a green run for a good commit on another branch",
        seen=ended.end,
        look="mde-grade lab-01 . --only branch, and read the log of that run in the full report",
        said=ended.said,
    )


@requirement("branch")
def test_a_bad_commit_on_another_branch(season: Season) -> None:
    """A commit on another branch that fails a unit test ends red."""
    _insist_stopped(
        season.broken_feature.result(),
        "mde-grade lab-01 . --only branch, and read the log of that run in the full report",
    )
