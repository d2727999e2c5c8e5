"""What became of a push, in words and in truth."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import pytest

from graders.pipelines.outcomes import (
    GREEN,
    NOTHING,
    RED,
    Crowd,
    Ended,
    build_of,
    lines,
    packed,
    plain,
    short,
    verb_line,
)
from graders.pipelines.targets import Ran as Serving
from graders.pipelines.targets import State, Verb
from mde_grader.checking.workspace import Ran

SHA, OLD = "a" * 40, "b" * 40


def ran(code: int | None = 0, *, out: str = "", err: str = "", late: bool = False) -> Ran:
    return Ran(exit_code=code, out=out, err=err, seconds=1.0, timed_out=late, oom=False, flooded=False, cut=False)


def state(version: str, answered: dict[str, dict[int, int]] | None = None) -> State:
    serving = Serving("name", "digest", version, running=True, said="")
    return State("blue", {"blue": serving, "green": None}, {}, (), "", answered or {}, 0)


def verb(name: str, *arguments: str, code: int = 0, version: str = SHA, said: str = "") -> Verb:
    return Verb(1.0, 2.0, name, arguments, "release", "digest", version, code, said)


def ended(**changes: Any) -> Ended:
    parts: dict[str, Any] = {
        "sha": SHA,
        "notice": "fog",
        "fault": "",
        "secrets": ("token", "key"),
        "files": ("ci.yml",),
        "why_not": "",
        "ran": ran(),
        "verbs": (),
        "before": state(OLD),
        "state": state(SHA),
        "version": SHA,
        "told": "fog",
        "page": "",
        "stored": {},
        "requests": (),
    }
    return Ended(**{**parts, **changes})


@pytest.mark.parametrize(
    ("result", "colour"),
    [(ran(0), GREEN), (ran(1), RED), (ran(4), RED), (ran(5), NOTHING), (ran(None, late=True), RED), (None, NOTHING)],
)
def test_colours(result: Ran | None, colour: str) -> None:
    assert ended(ran=result).colour == colour


def test_an_end_in_words() -> None:
    assert ended().end == "the run was green"
    assert ended(ran=ran(4, err="x\nci.yml:3: no\n")).end == "the run was red: ci.yml:3: no"
    assert ended(ran=None, why_not="paths-ignore").end == "nothing was run: paths-ignore"
    assert ended(ran=ran(None, late=True)).end.startswith("the run was red (")


def test_a_commit_is_served_only_with_its_version_and_its_notice() -> None:
    assert ended().released
    assert not ended(ran=ran(1)).released
    assert ended(ran=ran(1)).served
    assert not ended(told="no fog").served
    assert not ended(version=OLD).served
    assert not ended(state=state(OLD)).served
    assert ended(told="no fog").serves == "the front says version aaaaaaaa, and “no fog” where this commit says “fog”"
    assert ended(version="status 502").serves == "the front says version “status 502”"


def test_what_is_kept_and_what_is_shown() -> None:
    assert ended(version=OLD).kept
    assert not ended().kept
    assert ended(before=State("", {"blue": None}, {}, (), "", {}, 0)).version_before == ""
    after = state(OLD, {"release": {200: 3}, "name": {200: 9}})
    assert ended(state=after, verbs=(verb("upload", "release"),)).shown == 3
    assert ended(crowd=Crowd(versions={SHA: 2, OLD: 7})).shown == 2


def test_looking_touches_nothing() -> None:
    told = tuple(verb(name) for name in ("lock", "status", "upload", "migrated", "health", "unlock"))
    assert ended(verbs=told).touched == []
    assert [one.verb for one in ended(verbs=(*told, verb("switch", "blue", code=1))).touched] == ["switch"]


def test_verbs_in_words() -> None:
    assert verb_line(verb("switch", "blue")) == "switch blue"
    assert verb_line(verb("health", "blue", code=1, said="503\nmore")) == "health blue  (exit code 1: 503)"
    assert (
        lines([verb("start", "blue", "x")] * 6) == "start blue x, start blue x, start blue x, start blue x and 2 more"
    )


def test_what_is_shown_of_a_run() -> None:
    said = ended(ran=ran(out="x" * 9_000 + "end"), verbs=(verb("status"),)).said
    assert len(said) < 4_000
    assert said.endswith("end\n\nThe target was told:\n  status")
    assert ended(ran=None).said == ""


def test_what_a_crowd_saw_adds_up() -> None:
    both = Crowd({200: 5}, {}, {OLD: 5}) + Crowd({200: 1, 502: 2}, {"timeout": 1}, {SHA: 1}, "late")
    assert (both.total, both.versions, both.first_error) == (9, {OLD: 5, SHA: 1}, "late")
    assert both.failed == "of 9 requests, 2 with 502, 1 not at all (timeout)"
    assert Crowd({200: 5, 304: 1}).failed == ""


def test_builds() -> None:
    assert ended(stored={build_of(SHA): "digest"}).build == "digest"
    assert ended().build == ""
    assert short("x" * 70) == f"“{'x' * 60}”"


def test_archives_are_unpacked_up_to_a_limit() -> None:
    assert plain(gzip.compress(b"secret")) == b"secret"
    assert plain(b"secret") == b"secret"
    assert len(plain(gzip.compress(bytes(40 << 20)))) == 16 << 20


def test_the_files_of_a_release() -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name in ("./ferry/a.py", "VERSION"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("ferry/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert packed(whole.getvalue()) == {"ferry/a.py": b"abc", "VERSION": b"abc"}
    assert packed(whole.getvalue()[:40]) == {}
    assert packed(b"no archive") == {}
