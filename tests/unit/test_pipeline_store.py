"""The package store, asked by pipelines and by the grader's client."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator

import pytest

from graders.images.serving.bodies import Body
from graders.images.serving.web import Request
from graders.images.serving.words import Refused
from graders.images.store import serve, shelves
from graders.images.store.serve import Store
from graders.images.store.shelves import Faults, File, Shelves, faults_of
from graders.pipelines.stores import Shelf, shelf
from mde_grader.checking.probe import ProbeFailedError, Response
from tests.unit.pipeline_sites import PROBE, TOKEN, served

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    store = Store()
    with served(store.admin, store.public) as address:
        yield address


@pytest.fixture
def place(address: str) -> Shelf:
    return shelf(PROBE, TOKEN, f"case-{next(_NUMBERS)}", address)


def ask(place: Shelf, method: str, path: str, data: bytes = b"", token: str = "") -> Response:
    headers = {"Authorization": f"Bearer {token or place.token}"}
    return PROBE.request(method, f"{place.service.endpoint}/{path}", data=data or None, headers=headers)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_stored_never_changes(place: Shelf) -> None:
    assert ask(place, "PUT", "releases/a.tar.gz", b"one").status == 201
    assert ask(place, "PUT", "releases/a.tar.gz", b"one").status == 200
    refused = ask(place, "PUT", "releases/a.tar.gz", b"two")
    assert refused.status == 409
    assert "never changes; build it the same, or give it another name" in refused.json()["error"]
    found = ask(place, "GET", "releases/a.tar.gz")
    assert (found.body, found.headers["X-Checksum-Sha256"]) == (b"one", digest(b"one"))
    head = ask(place, "HEAD", "releases/a.tar.gz")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "3")
    assert ask(place, "PUT", "builds/a.tar.gz", b"two").status == 201
    assert place.files() == {"releases/a.tar.gz": digest(b"one"), "builds/a.tar.gz": digest(b"two")}
    assert place.content("builds/a.tar.gz") == b"two"


def test_everything_is_written_down(place: Shelf) -> None:
    ask(place, "PUT", "builds/a", b"one")
    ask(place, "PUT", "builds/a", b"two")
    ask(place, "GET", "builds/b")
    ask(place, "DELETE", "builds/a")
    ask(place, "GET", "elsewhere")
    log = place.log()
    told = [(each.method, each.space, each.name, each.status, each.size) for each in log]
    assert told == [
        ("PUT", "builds", "a", 201, 3),
        ("PUT", "builds", "a", 409, 3),
        ("GET", "builds", "b", 404, 0),
        ("DELETE", "builds", "a", 405, 0),
        ("GET", "elsewhere", "", 404, 0),
    ]
    assert [each.sha256 for each in log[:2]] == [digest(b"one"), digest(b"two")]
    assert [each.stored for each in log[:2]] == [True, False]
    assert [each.time for each in log] == sorted(each.time for each in log)


def test_a_place_is_its_tenants_alone(place: Shelf, address: str) -> None:
    other = shelf(PROBE, TOKEN, "other", address)
    ask(place, "PUT", "builds/a", b"one")
    assert ask(other, "GET", "builds/a").status == 404
    assert ask(place, "GET", "builds/a", token="st_guess").status == 401
    assert ask(place, "GET", f"admin/tenants/{other.identity}/files").status == 403
    other.remove()
    assert ask(other, "PUT", "builds/a", b"x").status == 401
    assert len(place.log()) == 1


@pytest.mark.parametrize("path", ["builds/..%2Fx", "builds/", "builds", "x/a", "builds/a/b", "builds/%00", "builds/.x"])
def test_names_and_spaces_are_those_there_are(place: Shelf, path: str) -> None:
    answer = ask(place, "PUT", path, b"x")
    assert answer.status in {400, 404}
    assert "; " in answer.json()["error"]
    assert place.files() == {}


def test_requests_fail_when_they_are_told_to(place: Shelf) -> None:
    place.fail(2, methods=["PUT"])
    assert ask(place, "GET", "builds/a").status == 404
    assert [ask(place, "PUT", "builds/a", b"x").status for _ in range(3)] == [503, 503, 201]
    place.fail(1, "reset")
    with pytest.raises(ProbeFailedError):
        ask(place, "GET", "builds/a")
    assert ask(place, "GET", "builds/a").status == 200
    assert [(each.status, each.fault) for each in place.log()][1:5] == [
        (503, "unavailable"),
        (503, "unavailable"),
        (201, ""),
        (0, "reset"),
    ]


@pytest.mark.parametrize(
    "asked", [{}, {"requests": "2"}, {"requests": 1, "kind": "x"}, {"requests": 1, "methods": ["POST"]}]
)
def test_faults_that_are_none_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(Refused, match="faults are"):
        faults_of(asked)
    assert faults_of({"requests": 1}).strikes("PUT") == "unavailable"
    assert not Faults().strikes("PUT")


def test_a_file_without_a_length_is_not_waited_for() -> None:
    store = Store()
    token = store.shelves.make({}).token
    headers = {"authorization": f"Bearer {token}"}
    with pytest.raises(Refused, match="curl -T FILE"):
        store.public(Request("PUT", ("builds", "a"), {}, headers, Body(io.BytesIO(), {})))


def test_there_are_caps(place: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "FILE", 10)
    assert ask(place, "PUT", "builds/a", b"x" * 11).status == 413
    monkeypatch.setattr(shelves, "TENANT", 15)
    assert [ask(place, "PUT", f"builds/{name}", b"x" * 10).status for name in "ab"] == [201, 413]
    monkeypatch.setattr(shelves, "WHOLE", 12)
    assert ask(place, "PUT", "builds/c", b"x" * 3).status == 507
    monkeypatch.setattr(shelves, "FILES", 1)
    assert ask(place, "PUT", "builds/d", b"x").status == 413


def test_there_is_an_end_to_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "TENANTS", 1)
    kept = Shelves()
    made = kept.make({"name": "one"})
    with pytest.raises(Refused, match="remove some"):
        kept.make({})
    assert kept.put(made, "builds", "a", File.of(b"x")) == 201
    kept.remove(made.identity)
    with pytest.raises(Refused, match="no such tenant"):
        kept.tenant(made.identity)
    with pytest.raises(Refused, match="does not know this token"):
        kept.bearer(made.token)


def test_the_graders_door_has_these_rooms_alone(place: Shelf) -> None:
    with pytest.raises(ValueError, match="404"):
        place.service.ask("GET", "tenants")
    with pytest.raises(ValueError, match="404"):
        place.service.ask("GET", "tenants/s99/log")
