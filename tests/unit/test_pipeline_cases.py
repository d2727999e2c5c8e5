"""One case: what is ordered of the driver, and what is looked at afterwards."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from graders.pipelines import cases
from graders.pipelines.cases import NEW, Case, Commit, Ground, crowd_of, release_of
from graders.pipelines.events import Event
from graders.pipelines.outcomes import GREEN, NOTHING
from graders.pipelines.repositories import Author, Change
from graders.pipelines.runs import Run
from graders.pipelines.targets import State
from mde_grader.checking import fail
from mde_grader.checking.probe import Load
from mde_grader.checking.workspace import Ran

FILES = {"ferry/api.py": b"x\n", "migrations/0001_a.sql": b"y\n", "docs/a.md": b"z\n"}
FIRST = Commit(Change(FILES), "fog", "begin", Author("Ada", "a@example.org"), "2026-01-01T00:00:00+00:00")
EMPTY = State("", {}, {}, (), "", {}, 0)


class Repository:
    url = "http://repository:3000/x/ferry.git"

    def __init__(self) -> None:
        self.commits: list[tuple[str, str | None]] = []
        self.tagged: list[tuple[str, str]] = []

    def commit(self, change: Change, *, branch: str, parent: str | None, **_: object) -> str:
        assert change.files
        self.commits.append((branch, parent))
        return f"{len(self.commits):040}"

    def tag(self, name: str, sha: str) -> None:
        self.tagged.append((name, sha))


class Tenant:
    front, login, ssh_port, known_hosts = "http://target:8101", "deploy@target", 2222, "[target]:2222 key"
    private_key, test_database_url = "PEM", "postgresql://test"

    def state(self) -> State:
        return EMPTY

    def log(self) -> list[object]:
        return []


class Shelf:
    token = "tok"

    def files(self) -> dict[str, str]:
        return {"builds/a": "1", "builds/large": "2"}

    def content(self, path: str) -> bytes:
        if path.endswith("large"):
            raise ValueError(path)
        return b"bytes"

    def log(self) -> list[object]:
        return []


class Pipeline:
    def runs(self, event: Event) -> tuple[Run, ...]:
        return (Run("ci.yml", event, left_out=("old",)),) if "docs/a.md" not in event.changed else ()

    def why_not(self, event: Event) -> str:
        return f"nothing for {event.ref_name}"


class Workspace:
    code = 0

    def __init__(self) -> None:
        self.orders: list[Any] = []

    def run(self, command: Sequence[str], *, environment: Mapping[str, str], **_: object) -> Ran:
        assert command == [cases.DRIVER]
        self.orders.append(json.loads(environment["PIPELINE_ORDER"]))
        return Ran(self.code, "log", "what is wrong", 1.0, timed_out=False, oom=False, flooded=False, cut=False)


class Answer:
    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text


class Probe:
    """A front, and a crowd that is always answered."""

    def get(self, url: str) -> Answer:
        if url.endswith("/notice"):
            fail(expected="an answer", seen="no connection")
        return Answer(200, "v1\n") if url.endswith("/version") else Answer(502, "")

    def start_load(self, _url: str, **_: object) -> Probe:
        return self

    def result(self) -> Load:
        return Load({200: 2}, {}, "", 0.0, {}, {"X-Version": {"v1": 2}})


@pytest.fixture
def work() -> Workspace:
    return Workspace()


@pytest.fixture
def dialect() -> str:
    return "github"


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch, work: Workspace, dialect: str) -> Case:
    monkeypatch.setattr(cases, "repository", lambda *_, **__: Repository())
    monkeypatch.setattr(cases, "tenant", lambda *_, **__: Tenant())
    monkeypatch.setattr(cases, "shelf", lambda *_, **__: Shelf())
    parts: dict[str, Any] = {"probe": Probe(), "workspace": work, "pipeline": Pipeline()}
    return Case(
        Ground(**parts, dialect=dialect, admin="admin", branch="trunk", names=("T", "K"), first=FIRST, files=FILES),
        "good",
    )


def commit(**files: bytes) -> Commit:
    return Commit(Change({f"{name.replace('_', '/')}.md": text for name, text in files.items()}), "new", "m",
                  Author("Bo", "b@example.org"), "2026-01-02T00:00:00+00:00")  # fmt: skip


def test_what_the_driver_is_ordered(case: Case, work: Workspace) -> None:
    ended = case.push(commit(ferry_a=b"1"), commit(ferry_b=b"2"), watched=True)
    (order,) = work.orders
    assert (order["before"], order["after"]) == (f"{1:040}", f"{3:040}")
    assert (order["ref"], order["default_branch"], order["workflows"]) == ("refs/heads/trunk", "trunk", ["ci.yml"])
    assert order["secrets"] == {"T": "tok", "K": "PEM"}
    assert order["files"] == {"K_FILE": "K"}
    assert order["variables"]["TEST_DATABASE_URL"] == "postgresql://test"
    assert (ended.colour, ended.sha, ended.notice) == (GREEN, f"{3:040}", "new")
    assert (ended.version, ended.told, ended.page) == ("v1", "no connection", "status 502")
    assert ended.crowd.total >= 2


@pytest.mark.parametrize(
    ("dialect", "chosen"),
    [("github", {"workflows": ["ci.yml"]}), ("gitlab", {"left_out": ["old"]}), ("make", {})],
)
def test_what_the_event_lets_in(case: Case, work: Workspace, chosen: dict[str, list[str]]) -> None:
    case.push(commit(ferry_a=b"1"))
    assert {name: work.orders[0][name] for name in ("workflows", "left_out") if name in work.orders[0]} == chosen


def test_a_new_branch_begins_at_the_released_one(case: Case, work: Workspace) -> None:
    case.push(commit(ferry_a=b"1"))
    case.push(commit(ferry_b=b"2"), branch="a/b")
    case.push(commit(ferry_c=b"3"), branch="a/b")
    repository: Any = case.repository
    assert repository.commits[1:] == [("trunk", f"{1:040}"), ("a/b", f"{2:040}"), ("a/b", f"{3:040}")]
    assert [order["before"] for order in work.orders] == [f"{1:040}", NEW, f"{3:040}"]


def test_a_tag_is_on_the_commit_of_an_earlier_push(case: Case, work: Workspace) -> None:
    first = case.push(commit(ferry_a=b"1"))
    tagged = case.tag("v1.2.3", first)
    repository: Any = case.repository
    assert repository.tagged == [("v1.2.3", first.sha)]
    assert (work.orders[1]["ref"], work.orders[1]["before"], tagged.sha) == ("refs/tags/v1.2.3", NEW, first.sha)


def test_where_nothing_is_started_the_driver_is_not_asked(case: Case, work: Workspace) -> None:
    ended = case.push(commit(docs_a=b"1"))
    assert (ended.colour, ended.why_not, work.orders) == (NOTHING, "nothing for trunk", [])


def test_a_driver_that_was_asked_wrongly_is_our_fault(case: Case, work: Workspace) -> None:
    work.code = 3
    with pytest.raises(RuntimeError, match="what is wrong"):
        case.push(commit(ferry_a=b"1"))


def test_what_is_too_large_is_not_looked_at(case: Case) -> None:
    assert case.contents() == {"builds/a": b"bytes", "builds/large": None}


def test_who_answered_a_crowd_in_whatever_case_the_header_is() -> None:
    assert crowd_of(Load({200: 1}, {}, "", 0.0, {}, {"x-version": {"v1": 1}})).versions == {"v1": 1}


def test_a_release_holds_what_the_brief_says_and_is_the_same_each_time() -> None:
    one = release_of(FILES, "s" * 40)
    assert one == release_of(dict(reversed(FILES.items())), "s" * 40)
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        assert archive.getnames() == ["VERSION", "ferry/api.py", "migrations/0001_a.sql"]
