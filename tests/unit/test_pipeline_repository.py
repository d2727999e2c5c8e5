"""The git server: commits by the grader's client, clones by git itself."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.images.repository import repositories as kept
from graders.images.repository.imports import branch_of, commit_of, date_of, person_of, quoted, stream
from graders.images.repository.repositories import ENVIRONMENT, Repositories
from graders.images.repository.serve import Site
from graders.images.repository.smart import ASKED, unpacked
from graders.images.serving.words import Refused
from graders.pipelines.repositories import Author, Change, Repository, repository
from tests.unit.pipeline_sites import PROBE, TOKEN, served

ADA = Author("Ada Berg", "ada@example.org")
WHEN = "2026-11-25T10:04:00+01:00"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    site = Site(Repositories(tmp_path_factory.mktemp("repositories")), "http://repository:3000")
    with served(site.admin, site.public) as address:
        yield repository(PROBE, TOKEN, address)


def url(place: Repository) -> str:
    return place.url.replace("http://repository:3000", place.service.endpoint)


def git(*arguments: str, folder: Path | None = None) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, env={**ENVIRONMENT, "HOME": "/"}
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def commit(place: Repository, change: dict[str, bytes | None], **more: Any) -> str:
    programs = frozenset(more.pop("executable", ()))
    return place.commit(Change(change, programs), **{"message": "m\n", "author": ADA, "date": WHEN, **more})


@pytest.fixture(scope="module")
def history(place: Repository) -> list[str]:
    first = commit(place, {"a b/ü\"'.txt": b"one\n", "run": b"#!/bin/sh\n", "old": b"x"}, executable=["run"])
    second = commit(place, {"old": None, "empty": b"", "bin": b"\0\xff"}, message="Zweiter\n\nmehr: ä\n")
    side = commit(place, {"side": b"x"}, branch="feature/one", parent=first)
    place.tag("v1.0", second)
    place.tag("v1.1", second, "Version 1.1")
    return [first, second, side]


@pytest.fixture(scope="module")
def folder(place: Repository, history: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert history
    folder = tmp_path_factory.mktemp("clone")
    git("clone", "--quiet", url(place), str(folder))
    return folder


def test_what_was_committed_is_cloned(history: list[str], folder: Path) -> None:
    assert git("rev-parse", "HEAD", folder=folder).strip() == history[1]
    assert (folder / "a b" / "ü\"'.txt").read_text() == "one\n"
    assert (folder / "bin").read_bytes() == b"\0\xff"
    assert (folder / "run").stat().st_mode & 0o111
    assert not (folder / "old").exists()
    shown = git("log", "-1", "--format=%an <%ae> %aI %cn%n%B", folder=folder)
    assert shown == f"Ada Berg <ada@example.org> {WHEN} Ada Berg\nZweiter\n\nmehr: ä\n\n"
    assert git("merge-base", "origin/main", "origin/feature/one", folder=folder).strip() == history[0]
    assert git("fsck", "--strict", folder=folder) == ""


def test_branches_and_tags_are_told(place: Repository, history: list[str]) -> None:
    assert place.branches() == {"main": history[1], "feature/one": history[2]}
    assert place.tags() == {"v1.0": history[1], "v1.1": history[1]}


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_any_commit_is_fetched_by_its_sha(place: Repository, history: list[str], tmp_path: Path, protocol: str) -> None:
    git("init", "--quiet", str(tmp_path))
    git("-c", f"protocol.version={protocol}", "fetch", "--quiet", "--depth=1", url(place), history[2], folder=tmp_path)
    assert git("rev-parse", "FETCH_HEAD", folder=tmp_path).strip() == history[2]


def test_a_branch_can_be_put_elsewhere(place: Repository, history: list[str]) -> None:
    alone = commit(place, {"x": b"y"}, branch="other", parent=None)
    again = commit(place, {"x": b"z"}, branch="other", parent=None)
    assert alone != again
    assert place.branches()["other"] == again
    onto = commit(place, {}, branch="other", parent=history[0])
    assert place.branches()["other"] == onto


def test_nobody_pushes(place: Repository, folder: Path) -> None:
    ran = subprocess.run(
        ["git", "push", "origin", "HEAD:x"], cwd=folder, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert ran.returncode
    assert "403" in ran.stderr
    assert PROBE.post(f"{url(place)}/git-receive-pack", data=b"0000").status == 403


@pytest.mark.parametrize(
    "path", ["", "/HEAD", "/config", "/info/refs", "/../x/info/refs?service=git-upload-pack", "/objects/info/packs"]
)
def test_files_of_a_repository_are_not_served(place: Repository, path: str) -> None:
    assert PROBE.get(f"{url(place)}{path}").status in {403, 404}


def test_who_does_not_know_the_address_gets_nothing(place: Repository) -> None:
    for name in ("0" * 32, "..", "%2e%2e", place.identity[:-1]):
        answer = PROBE.get(f"{place.service.endpoint}/{name}/ferry.git/info/refs?service=git-upload-pack")
        assert answer.status in {403, 404}


def test_rubbish_is_answered(place: Repository) -> None:
    assert PROBE.post(f"{url(place)}/git-upload-pack", data=b"rubbish").status in {200, 400}


def test_a_removed_repository_is_gone(place: Repository) -> None:
    service = place.service
    other = repository(PROBE, TOKEN, service.endpoint)
    other.remove()
    with pytest.raises(ValueError, match="404"):
        other.branches()
    with pytest.raises(ValueError, match="404"):
        service.ask("GET", "nothing")


GOOD: dict[str, Any] = {"message": "m", "author": {"name": "a", "email": "b"}, "date": WHEN}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"branch": "a..b"}, "no name of a branch"),
        ({"branch": "-x"}, "no name of a branch"),
        ({"branch": "x/"}, "no name of a branch"),
        ({"branch": "a b\nreset"}, "no name of a branch"),
        ({"branch": "x.lock"}, "no name of a branch"),
        ({"message": None}, "'message'"),
        ({"author": "x"}, "an author is"),
        ({"author": {"name": "a\nfrom x", "email": "b"}}, "an author is"),
        ({"author": {"name": "a", "email": "b>"}}, "an author is"),
        ({"date": "today"}, "no date"),
        ({"date": "2026-11-25T10:04:00"}, "no offset"),
        ({"parent": "main"}, "full SHA or null"),
        ({"parent": 3}, "full SHA or null"),
        ({"files": []}, "files is no object"),
        ({"files": {"../x": None}}, "no path in a repository"),
        ({"files": {"/x": None}}, "no path in a repository"),
        ({"files": {"a/.GIT/config": None}}, "no path in a repository"),
        ({"files": {"a\0b": None}}, "no path in a repository"),
        ({"files": {"x": "text"}}, "neither null nor"),
        ({"files": {"x": {"base64": "?"}}}, "no base64"),
    ],
)
def test_a_commit_that_cannot_be_made_is_told(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        commit_of({**GOOD, **change}, "")


def test_a_commit_is_written_as_git_reads_it() -> None:
    made = commit_of({**GOOD, "files": {"a\nb": {"text": "x"}}, "committer": {"name": "c", "email": "d"}}, "1" * 40)
    text = b"".join(stream(made)).decode()
    assert "reset refs/heads/main\n" in text
    assert f"\nfrom {'1' * 40}\n" in text
    assert 'M 100644 inline "a\\012b"\ndata 1\nx\n' in text
    assert "committer c <d> 1795597440 +0100" in text
    assert quoted("ä") == b'"\\303\\244"'


def test_words_of_a_commit() -> None:
    assert branch_of({"branch": "release/1.2+x"}) == "release/1.2+x"
    assert person_of({"name": "A", "email": "a@b"}) == "A <a@b>"
    assert date_of("1970-01-01T00:00:00-05:30") == "19800 -0530"


def test_a_tag_needs_a_commit(place: Repository, history: list[str]) -> None:
    for name, sha in (("v9", "main"), ("v9", "9" * 40), ("v1.0", history[0])):
        with pytest.raises(ValueError, match=r"409|400"):
            place.tag(name, sha)


def test_a_packed_request_is_opened_within_a_cap() -> None:
    packed = {"content-encoding": "gzip"}
    assert unpacked(gzip.compress(b"x"), packed) == b"x"
    assert unpacked(b"x", {}) == b"x"
    for rubbish in (b"rubbish", gzip.compress(b"x" * 99)[:-9]):
        with pytest.raises(Refused, match=r"no gzip|cut off"):
            unpacked(rubbish, packed)
    with pytest.raises(Refused, match="larger"):
        unpacked(gzip.compress(bytes(ASKED + 1)), packed)


def test_there_is_an_end_to_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 1)
    folder = Repositories(tmp_path)
    folder.make({})
    with pytest.raises(Refused, match="remove some"):
        folder.make({})
