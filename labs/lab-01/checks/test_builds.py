"""What is built: once, the same each time, published, and without a secret."""

from __future__ import annotations

from graders.containers.contents import disguises
from graders.pipelines.outcomes import GREEN, Ended, build_of, lines, plain, short
from graders.pipelines.season import Season
from mde_grader.checking import expect, requirement

SHOWN_DIGEST = 12
LONG_LINE = 40
"""A line of a key that is as long as this is worth finding; the first and last say only what it is."""


@requirement("one-artifact")
def test_what_is_released_was_published(season: Season) -> None:
    """The archive that runs is, byte for byte, the one that the store has for this commit."""
    good = season.good.result()
    expect(
        good.build,
        expected=f"{build_of(good.sha)} in the store",
        seen=", ".join(sorted(good.stored)) or "nothing is there",
        look='curl -I -H "Authorization: Bearer $TOKEN" $STORE_URL/builds/ferry-SHA.tar.gz',
        said=good.said,
    )
    live = good.state.serving
    expect(
        live and live.sha256 == good.build,
        expected=f"what runs on the target is that file, SHA-256 {good.build[:SHOWN_DIGEST]}...",
        seen=f"an archive with SHA-256 {live.sha256[:SHOWN_DIGEST]}..." if live else "nothing runs",
        look="sha256sum of what is uploaded, and of what curl brings from the store",
        said=good.said,
    )
    began = min((verb.began for verb in good.verbs if verb.verb == "start"), default=0.0)
    put = [row.time for row in good.requests if row.stored and f"{row.space}/{row.name}" == build_of(good.sha)]
    expect(
        put and min(put) <= began,
        expected="it is published before it is started",
        seen="it was started before it was in the store",
        look="mde-grade lab-01 . --only one-artifact, and read the log of that run in the full report",
        said=good.said,
    )


@requirement("reproducible")
def test_the_same_commit_gives_the_same_archive(season: Season) -> None:
    """The same commit is built in another run, in a place that has never seen it, to the same bytes."""
    one, other = season.second.result(), season.anew.result()
    for ended, what in ((one, "a commit"), (other, "the same commit in another place")):
        expect(
            ended.build,
            expected=f"{what} leaves {build_of(ended.sha)} in the store",
            seen=f"{', '.join(sorted(ended.stored)) or 'nothing is there'}; {ended.end}",
            look="mde-grade lab-01 . --only reproducible, and read the log of that run in the full report",
            said=ended.said,
        )
    expect(
        one.build == other.build,
        expected=f"the same bytes for commit {short(one.sha)} in two runs",
        seen=f"SHA-256 {one.build[:SHOWN_DIGEST]}... and {other.build[:SHOWN_DIGEST]}...",
        look="build it twice with a pause between, and: sha256sum *.tar.gz; tar -tvzf, and gzip -lv",
        said=other.said,
    )


@requirement("tag")
def test_a_tag_publishes_what_was_built(season: Season) -> None:
    """A tag on a released commit ends green, and puts that commit's archive to the releases, byte for byte."""
    tagged = season.tagged.result()
    expect(
        tagged.colour == GREEN,
        expected="a green run for a tag on a commit that was released",
        seen=tagged.end,
        look="mde-grade lab-01 . --only tag, and read the log of that run in the full report",
        said=tagged.said,
    )
    found = {path: sha256 for path, sha256 in tagged.stored.items() if path.startswith("releases/")}
    wanted = f"releases/ferry-{season.version}.tar.gz"
    expect(
        found.get(wanted, ""),
        expected=f"{wanted} in the store",
        seen=", ".join(sorted(found)) or "no release is there",
        look="mde-grade lab-01 . --only tag, and read the log of that run in the full report",
        said=tagged.said,
    )
    expect(
        found[wanted] == tagged.build,
        expected="the release is, byte for byte, what was built for that commit",
        seen=f"SHA-256 {found[wanted][:SHOWN_DIGEST]}..., and {tagged.build[:SHOWN_DIGEST]}... of the build",
        look="sha256sum of both",
        said=tagged.said,
    )
    expect(
        not tagged.touched,
        expected="nothing on the target changes for a tag",
        seen=lines(tagged.touched),
        look="mde-grade lab-01 . --only tag, and read the log of that run in the full report",
        said=tagged.said,
    )


@requirement("retries")
def test_a_store_that_is_away_for_a_moment(season: Season) -> None:
    """The store fails two requests, and the commit is published and released all the same."""
    flaky = season.flaky.result()
    failed = [row for row in flaky.requests if row.fault]
    expect(
        flaky.released and flaky.build,
        expected="a good commit is published and released although the store failed two requests",
        seen=f"{flaky.end}; {flaky.serves}; the store failed {len(failed)} of {len(flaky.requests)} requests",
        look="curl --retry 5 --retry-all-errors, or a loop around it",
        said=flaky.said,
    )


@requirement("quiet")
def test_no_secret_is_told(season: Season) -> None:
    """Neither the log of a run nor anything that it stored has the store's token or the target's key in it."""
    runs: tuple[Ended, ...] = tuple(step.result() for step in (season.good, season.second, season.unit, season.flaky))
    for ended in runs:
        told = _told(ended.log.encode(), ended)
        expect(
            not told,
            expected="no log of a run has a secret of the pipeline in it",
            seen=f"the log has {', '.join(told)}",
            look="grep for it in the log of a run; set -x prints what it runs",
        )
    for path, content in season.contents().items():
        expect(
            content is not None,
            expected="archives of a few dozen kilobytes in the store",
            seen=f"{path} is larger than 4 MiB",
            look="ls -l of what is uploaded",
        )
        told = _told(plain(content or b""), runs[0])
        expect(
            not told,
            expected="nothing that is stored has a secret of the pipeline in it",
            seen=f"{path} has {', '.join(told)}",
            look="tar -xzOf ferry-SHA.tar.gz | grep ...",
        )


def _told(content: bytes, ended: Ended) -> list[str]:
    """Which secrets of a run some bytes have, as they are or in disguise."""
    token, key = ended.secrets
    found = [f"the store's token ({form})" for form, text in disguises(token).items() if text.encode() in content]
    body = [line for line in key.splitlines() if len(line) >= LONG_LINE]
    return found + ["the target's key"] * any(line.encode() in content for line in body)
