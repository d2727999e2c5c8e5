"""Good commits: they are released, one after the other, and nobody notices."""

from __future__ import annotations

from graders.pipelines.outcomes import GREEN, NOTHING, Ended, lines, short
from graders.pipelines.season import Season
from mde_grader.checking import expect, requirement

BY_HAND = "mde-grade lab-01 . --only"
READ = ", and read the log of that run in the full report"


def _insist_on_release(ended: Ended, what: str, only: str) -> None:
    expect(
        ended.colour == GREEN,
        expected=f"a green run for {what}",
        seen=ended.end,
        look=f"{BY_HAND} {only}{READ}",
        said=ended.said,
    )
    expect(
        ended.served,
        expected=f"after it the front serves commit {short(ended.sha)}: its version, and its notice “{ended.notice}”",
        seen=ended.serves,
        look=f"{BY_HAND} {only}; ssh -p $TARGET_PORT $TARGET status",
        said=ended.said,
    )


@requirement("deploys")
def test_a_good_commit_is_released(season: Season) -> None:
    """A good commit is pushed, the run is green, and the front serves that commit."""
    _insist_on_release(season.good.result(), "a good commit", "deploys")


@requirement("deploys")
def test_the_release_is_that_commit(season: Season) -> None:
    """What runs afterwards holds ferry/ and migrations/ as they are in that commit, byte for byte."""
    holds, good = season.released(), season.good.result()
    wanted = {path: text for path, text in season.tree.items() if path.startswith(("ferry/", "migrations/"))}
    other = sorted(path for path, text in wanted.items() if holds.get(path) != text)
    expect(
        not other,
        expected=f"the release that runs holds ferry/ and migrations/ as they are in commit {short(good.sha)}",
        seen=f"{', '.join(other[:4])}{' and more' if len(other) > 4 else ''} is not there, or is another file",
        look="tar -xzf ferry-SHA.tar.gz, and diff -r ferry against a clone of that commit",
        said=good.said,
    )


@requirement("again")
def test_the_next_one_replaces_it(season: Season) -> None:
    """The next good commit, which brings a migration, is released in its place."""
    _insist_on_release(season.second.result(), "a second good commit, which brings a migration", "again")


@requirement("no-gap")
def test_nobody_notices(season: Season) -> None:
    """People look at the front all the time while a commit is released, and every request is answered."""
    second = season.second.result()
    crowd = second.crowd
    if not crowd.total:
        raise RuntimeError("nobody looked at the front")
    expect(
        not crowd.failed,
        expected="every request at the front is answered with 200 while a commit is released",
        seen=crowd.failed,
        look="while true; do curl -sf -o /dev/null FRONT || date; done, during a release",
        said=second.said,
    )


@requirement("migrations")
def test_migrations_run_once(season: Season) -> None:
    """The new migration runs once, before the release that needs it is shown, and no earlier one runs again."""
    first, second, name = season.good.result(), season.second.result(), season.brought.migration
    expect(
        list(second.state.migrated) == [*first.before.migrated, name],
        expected=f"these migrations ran, once each: {', '.join([*first.before.migrated, name])}",
        seen=", ".join(second.state.migrated) or "none",
        look="ssh -p $TARGET_PORT $TARGET migrated",
        said=second.said,
    )
    tried = [verb for verb in (*first.verbs, *second.verbs) if verb.verb == "migrate" and verb.arguments[1:] != (name,)]
    expect(
        not tried,
        expected="no migration that ran before is tried again",
        seen=lines(tried),
        look="ssh -p $TARGET_PORT $TARGET migrated, and leave out what it names",
        said=second.said,
    )
    ran = next(verb.ended for verb in second.verbs if verb.verb == "migrate" and verb.exit == 0)
    shown = next(verb.began for verb in second.verbs if verb.verb == "switch" and verb.exit == 0)
    expect(
        ran <= shown,
        expected="a migration runs before the front goes to the release that needs it",
        seen=f"migrate {name} after the switch",
        look=f"{BY_HAND} migrations{READ}",
        said=second.said,
    )
    times = second.page.count(f"<td>{season.brought.harbour}</td>")
    expect(
        times == 1,
        expected=f"the departure for {season.brought.harbour}, which the migration brings, is in the timetable once",
        seen=f"{times} times",
        look="curl FRONT/",
        said=second.said,
    )


@requirement("unhealthy")
def test_an_unhealthy_release_is_never_shown(season: Season) -> None:
    """A release that never becomes healthy ends red, gets no request, and the one before it answers all."""
    bad = season.unhealthy.result()
    what = f"a commit whose release is not healthy ({bad.fault})"
    switched = [verb for verb in bad.verbs if verb.verb == "switch" and verb.version == bad.sha and verb.exit == 0]
    expect(
        not bad.shown and not switched,
        expected=f"{what} is never shown",
        seen=f"the front went to it: {lines(switched) or f'it answered {bad.shown} requests'}",
        look=f"{BY_HAND} unhealthy{READ}",
        said=bad.said,
    )
    expect(
        not bad.crowd.failed and bad.kept,
        expected="the release before it goes on answering every request",
        seen=bad.crowd.failed or bad.serves,
        look=f"{BY_HAND} unhealthy{READ}",
        said=bad.said,
    )
    expect(
        bad.colour == "red",
        expected=f"a red run for {what}",
        seen=bad.end,
        look=f"{BY_HAND} unhealthy{READ}",
        said=bad.said,
    )


@requirement("recovers")
def test_the_next_good_one_is_released(season: Season) -> None:
    """After a release that was not healthy, a good commit is pushed, and is released."""
    _insist_on_release(season.recovered.result(), "a good commit after a bad release", "recovers")


@requirement("concurrent")
def test_the_later_push_stays(season: Season) -> None:
    """Two good commits are pushed one after the other; when both runs have ended, the front serves the later one."""
    two = season.two.result()
    later = two.later
    expect(
        (two.version, two.notice) == (later.sha, later.notice),
        expected=f"when both runs have ended, the front serves the later commit, {short(later.sha)}",
        seen=f"the front says version {short(two.version)}; {two.order}",
        look="push two commits, and let the run of the first one begin last",
        said=(two.earlier.said if two.earlier and later.served else later.said),
    )
    expect(
        later.colour == GREEN,
        expected="a green run for the later one",
        seen=f"{later.end}; {two.order}",
        look=f"{BY_HAND} concurrent{READ}",
        said=later.said,
    )


@requirement("docs-only")
def test_documents_release_nothing(season: Season) -> None:
    """A commit that changes files below docs/ alone starts, switches and migrates nothing, and is not red."""
    ended = season.documents.result()
    expect(
        not ended.touched,
        expected="nothing on the target changes for a commit that changes documents alone",
        seen=lines(ended.touched),
        look=f"{BY_HAND} docs-only{READ}",
        said=ended.said,
    )
    expect(
        ended.colour in {GREEN, NOTHING},
        expected="no run for a commit that changes documents alone, or a green one",
        seen=ended.end,
        look=f"{BY_HAND} docs-only{READ}",
        said=ended.said,
    )
