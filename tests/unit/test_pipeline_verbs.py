"""Verbs of a pipeline and the grader's door, on a target whose releases and database only say what they were told."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graders.images.serving.words import Refused
from graders.images.target import admin, door, processes
from graders.images.target import tenants as kept
from graders.images.target.admin import Admin, nobody
from graders.images.target.databases import Databases
from graders.images.target.exchange import Message
from graders.images.target.front import Line
from graders.images.target.http1 import Head, MalformedError
from graders.images.target.slots import Slots
from graders.images.target.tenants import Tenants
from graders.images.target.verbs import Call, Done, Verbs
from graders.pipelines.targets import Tenant, tenant
from tests.unit.pipeline_archives import MIGRATION, VERSION, files, packed, release
from tests.unit.pipeline_sites import PROBE, TOKEN, served

BASELINE = release()
NEXT = packed({**files("f" * 40), "migrations/0002_more.sql": "ALTER"})
_NUMBERS = itertools.count()


@dataclass
class Pair:
    """Processes that run until they are ended."""

    living: bool = True

    def alive(self) -> bool:
        return self.living

    def facts(self) -> dict[str, Any]:
        code = None if self.living else 3
        told = {"running": self.living, "exit": code}
        return {"processes": {"api": told, "web": {"running": True, "exit": None}}, "said": "Traceback | KeyError"}

    def end(self) -> None:
        self.living = False


@dataclass
class World:
    """Everything outside of the target."""

    statements: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    started: list[tuple[Any, ...]] = field(default_factory=list)
    ran: list[tuple[Any, ...]] = field(default_factory=list)
    admitted: dict[str, str] = field(default_factory=dict)
    health: Any = 200
    failing: bool = False

    def run(self, sql: str) -> None:
        self.statements.append(sql)

    @contextmanager
    def connected(self, url: str) -> Iterator[World]:
        self.urls.append(url)
        yield self

    def start(self, *given: Any) -> Pair:
        self.started.append(given)
        return Pair()

    def migrate(self, *given: Any) -> None:
        if self.failing:
            raise Refused("it failed and was rolled back: line 1: no; put it right")
        self.ran.append(given)

    def ask(self, port: int, path: str) -> Message:
        assert path == "/health"
        if isinstance(self.health, Exception):
            raise self.health
        return Message(Head((str(self.health), ""), 1, ()), b"no \x1bdatabase\n")

    def open(self, port: int, slots: Slots) -> Line:
        return Line(slots)

    def close(self, port: int) -> None:
        self.statements.append(f"close {port}")

    def admit(self, keys: Any) -> None:
        self.admitted = dict(keys)


@dataclass
class Site:
    """The target with its door."""

    world: World
    tenants: Tenants
    verbs: Verbs
    address: str

    def say(self, whose: Tenant, text: str, given: bytes = b"") -> Done:
        return self.verbs.run(Call(self.tenants.get(whose.identity), io.BytesIO(given)), text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    patch = pytest.MonkeyPatch()
    patch.setattr(processes.User, "end", lambda *_: None)
    patch.setattr(kept, "MOST", 99)
    patch.setattr(os, "chown", lambda *_: None)
    world = World()
    databases = Databases("postgresql://postgres:pw@database:5432/postgres", world.connected)
    tenants = Tenants(tmp_path_factory.mktemp("target"), 5000, databases, world, world.admit)  # type: ignore[arg-type]
    verbs = Verbs(world, world.start, world.migrate)  # type: ignore[arg-type]
    keys = (f"ssh-ed25519 {'A' * 40}{number:04}" for number in _NUMBERS)
    own = Admin(tenants, verbs, "target", "ssh-ed25519 HOST", lambda: ("PRIVATE", next(keys)))
    with served(own, nobody) as address:
        yield Site(world, tenants, verbs, address)
    patch.undo()


@pytest.fixture
def case(site: Site) -> Tenant:
    site.world.health, site.world.failing = 200, False
    site.world.started.clear()
    site.world.ran.clear()
    return tenant(PROBE, TOKEN, "case", baseline=BASELINE, endpoint=site.address)


def test_a_tenant_begins_with_its_baseline_live_and_an_empty_log(site: Site, case: Tenant) -> None:
    state = case.state()
    assert state.serving is not None
    assert (state.live, state.serving.release, state.serving.version) == ("blue", "baseline", VERSION)
    assert state.migrated == ("0001_start.sql",)
    assert site.world.urls[-2:] == ["postgresql://postgres:pw@database:5432/postgres", case.database_url]
    assert site.world.statements[-3:] == ["BEGIN", MIGRATION, "COMMIT"]
    assert case.archive("baseline") == BASELINE
    assert case.log() == []
    number = int(case.identity[1:])
    assert case.front == f"http://target:{8100 + number}"
    assert (case.login, case.private_key) == ("deploy@target", "PRIVATE")
    assert case.known_hosts == "[target]:2222 ssh-ed25519 HOST"
    assert case.identity in site.world.admitted
    assert case.database_url.split(":")[1] != case.test_database_url.split(":")[1]


def test_users_of_slots_and_of_tenants_are_all_others(site: Site, case: Tenant) -> None:
    other = tenant(PROBE, TOKEN, "other", baseline=BASELINE, endpoint=site.address)
    users = [user for each in (case, other) for user in site.tenants.get(each.identity).users.values()]
    assert len({user.uid for user in users}) == 6
    assert len({user.gid for user in users}) == 2


def test_a_release_goes_through_all_verbs(site: Site, case: Tenant) -> None:
    assert site.say(case, "upload r2", NEXT).code == 0
    assert site.say(case, "migrated").out == "0001_start.sql\n"
    assert site.say(case, "migrate r2 0002_more.sql") == Done(0, "0002_more.sql ran\n")
    assert site.say(case, "migrated").out == "0001_start.sql\n0002_more.sql\n"
    assert site.say(case, "start green r2").code == 0
    assert site.say(case, "health green").out == "r2 in green is healthy\n"
    assert site.say(case, "switch green").out == "green is live with r2\n"
    assert site.say(case, "stop blue").code == 0
    told = json.loads(site.say(case, "status").out)
    assert (told["live"], told["slots"]["blue"], told["slots"]["green"]["version"]) == ("green", None, "f" * 40)
    assert list(told) == ["live", "slots", "releases", "lock"]
    log = case.log()
    assert [(each.verb, each.release, each.exit) for each in log] == [
        ("upload", "r2", 0),
        ("migrated", "", 0),
        ("migrate", "r2", 0),
        ("migrated", "", 0),
        ("start", "r2", 0),
        ("health", "r2", 0),
        ("switch", "r2", 0),
        ("stop", "baseline", 0),
        ("status", "", 0),
    ]
    assert {each.version for each in log if each.release == "r2"} == {"f" * 40}
    assert log[2].arguments == ("r2", "0002_more.sql")
    assert all(each.began <= each.ended for each in log)
    user, folder, database, ports = site.world.started[-1]
    assert user == site.tenants.get(case.identity).users["green"]
    assert (folder.name, database) == ("r2", case.database_url)
    assert len(set(ports)) == 2
    assert site.world.ran[-1][1:] == (case.database_url, "0002_more.sql", "ALTER")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("sh -c id", (b"", 2, "no verb")),
        ("upload", (b"x", 2, "write upload NAME")),
        ("upload r2", (b"", 1, "no archive came on standard input; write: ssh ... upload r2 < release.tar.gz")),
        ("upload r2", (b"x", 1, "gzip|cut off")),
        ("upload baseline", (NEXT, 1, "never changes; give it another name")),
        ("migrate r9 0001_start.sql", (b"", 1, "no release 'r9' here .there is: baseline.; upload it first")),
        ("migrate baseline 9.sql", (b"", 1, "no migrations/9.sql .it has: 0001_start.sql.")),
        ("start blue r9", (b"", 1, "upload it first")),
        ("stop green", (b"", 1, "green runs nothing")),
        ("health green", (b"", 1, "green runs nothing")),
        ("switch green", (b"", 1, "green runs nothing; start a release in it first")),
    ],
)
def test_what_cannot_be_done_is_told_and_written_down(
    site: Site, case: Tenant, text: str, asked: tuple[bytes, int, str]
) -> None:
    given, code, why = asked
    assert re.search(why, site.say(case, text, given).err)
    entry = case.log()[-1]
    assert (entry.verb, entry.exit) == (text.split(maxsplit=1)[0], code)
    assert case.state().live == "blue"


def test_the_same_release_again_is_fine(site: Site, case: Tenant) -> None:
    assert site.say(case, "upload baseline", BASELINE).code == 0
    assert list(case.state().releases) == ["baseline"]


def test_a_migration_that_fails_has_not_run(site: Site, case: Tenant) -> None:
    site.world.failing = True
    assert "rolled back" in site.say(case, "migrate baseline 0001_start.sql").err
    assert case.state().migrated == ("0001_start.sql",)
    site.world.failing = False
    site.say(case, "migrate baseline 0001_start.sql")
    assert case.state().migrated == ("0001_start.sql",) * 2, "it has no memory"


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (503, "blue answers /health with 503: no  database, said: Traceback | KeyError; wait, or stop it"),
        (ConnectionRefusedError(), "blue does not answer (nobody listens), said:"),
        (TimeoutError(), "blue does not answer (not within 3 s), said:"),
        (MalformedError("the head is too long"), "blue does not answer (the head is too long), said:"),
    ],
)
def test_a_release_that_is_not_healthy_is_told(site: Site, case: Tenant, health: Any, why: str) -> None:
    site.world.health = health
    done = site.say(case, "health blue")
    assert done.code == 1
    assert why in done.err
    assert case.log()[-1].release == "baseline"


def test_a_process_that_has_ended_is_told(site: Site, case: Tenant) -> None:
    site.tenants.get(case.identity).slots.of("blue").processes.end()
    site.world.health = OSError()
    assert "api ended with 3" in site.say(case, "health blue").err
    assert "has ended" in site.say(case, "switch blue").err
    assert not case.state().serving.running  # type: ignore[union-attr]


def test_a_start_replaces_what_the_slot_runs(site: Site, case: Tenant) -> None:
    old = site.tenants.get(case.identity).slots.of("blue")
    assert site.say(case, "start blue baseline").code == 0
    new = site.tenants.get(case.identity).slots.of("blue")
    assert not old.processes.alive()
    assert new is not old
    assert new.processes.alive()


def test_the_lock_is_had_by_one(site: Site, case: Tenant) -> None:
    assert site.say(case, "lock one").out == "one holds the lock for 120 s\n"
    assert case.state().holder == "one"
    waiting = Call(site.tenants.get(case.identity), io.BytesIO(), lambda: False)
    assert "one still holds the lock" in site.verbs.run(waiting, "lock two 5").err
    assert site.say(case, "unlock two").code == 1
    assert site.say(case, "unlock one").code == 0


def test_a_mistake_of_ours_is_one_line(site: Site, case: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    site.world.health = LookupError("x")
    done = site.say(case, "health blue")
    assert done == Done(1, err="the target made a mistake; try again, and tell whoever runs the lab")
    assert "LookupError" in capsys.readouterr().err
    assert case.log()[-1].exit == 1


def test_a_removed_tenant_is_gone_but_for_its_log(site: Site, case: Tenant) -> None:
    site.say(case, "migrated")
    own = site.tenants.get(case.identity)
    case.remove()
    assert len(case.log()) == 1
    assert case.identity not in site.world.admitted
    assert f"close {own.port}" in site.world.statements
    assert f"DROP DATABASE IF EXISTS {own.database.name} WITH (FORCE)" in site.world.statements
    assert not own.releases.path("baseline").exists()
    assert "removed" in site.say(case, "start blue baseline").err
    with pytest.raises(ValueError, match="404"):
        case.state()
    with pytest.raises(ValueError, match="404"):
        case.remove()


def test_a_baseline_that_does_not_run_leaves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "PATIENCE", 0.0)
    site.world.health = 503
    with pytest.raises(ValueError, match=r"422.*does not run: blue answers /health with 503"):
        tenant(PROBE, TOKEN, "case", baseline=BASELINE, endpoint=site.address)
    with pytest.raises(ValueError, match=r"422.*no gzip"):
        tenant(PROBE, TOKEN, "case", baseline=b"rubbish", endpoint=site.address)


def test_a_tenant_may_begin_empty_and_with_a_key_of_its_own(site: Site) -> None:
    asked = {"name": "own", "public_key": f"ssh-ed25519 {'B' * 44} me"}
    made = site.tenants.make(asked)
    assert (made.slots.live, made.test_database) == ("", None)
    with pytest.raises(Refused, match="another tenant has this"):
        site.tenants.make(asked)


def test_there_is_an_end_to_tenants(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 0)
    with pytest.raises(ValueError, match="start another"):
        tenant(PROBE, TOKEN, "case", endpoint=site.address)


def test_the_port_has_nothing_for_others(site: Site) -> None:
    assert PROBE.get(f"{site.address}/tenants").status == 404
    assert PROBE.get(f"{site.address}/admin/tenants/t00/log").status == 403


def test_roles_are_kept_apart(site: Site, case: Tenant) -> None:
    name = site.tenants.get(case.identity).database.name
    made = [statement for statement in site.world.statements if name in statement]
    assert [statement.split(" ", 2)[0] for statement in made] == ["CREATE", "ALTER", "CREATE", "REVOKE"]
    assert made[3] == f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC"


def test_a_server_that_does_not_work_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def broken(_: str) -> Iterator[World]:
        raise ConnectionRefusedError("nobody\nlistens")
        yield

    databases = Databases("postgresql://u:p@h:5432/x", broken)
    with pytest.raises(Refused, match=r"cannot work .nobody listens.; see its log"):
        databases.prepare(0)
    with pytest.raises(Refused) as caught:
        databases.make("x")
    assert caught.value.status == 503


@pytest.fixture
def entrance(site: Site, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "door"
    with door.Door(path, os.getuid(), os.getgid(), site.tenants, site.verbs) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield path
        server.shutdown()


def knock(path: Path, asked: bytes, given: bytes = b"") -> bytes:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(path))
        peer.sendall(asked + given)
        peer.shutdown(socket.SHUT_WR)
        said = b""
        while more := peer.recv(65_536):
            said += more
    return said


def line(whose: str, command: str, *, given: bool = False) -> bytes:
    return json.dumps({"tenant": whose, "command": command, "input": given}).encode() + b"\n"


def test_the_door_takes_a_verb_and_an_archive(entrance: Path, case: Tenant) -> None:
    said = json.loads(knock(entrance, line(case.identity, "upload r2", given=True), NEXT))
    assert (said["exit"], said["err"]) == (0, "")
    assert said["out"].startswith("r2 is here, sha256 ")
    assert json.loads(knock(entrance, line(case.identity, "migrated"), b"rubbish"))["out"] == "0001_start.sql\n"
    assert "no such tenant" in json.loads(knock(entrance, line("t99", "migrated")))["err"]


def test_too_large_an_archive_is_told(entrance: Path, case: Tenant) -> None:
    said = json.loads(knock(entrance, line(case.identity, "upload r2", given=True), bytes(5 << 20)))
    assert said["exit"] == 1
    assert "larger than 4194304 bytes" in said["err"]


@pytest.mark.parametrize("asked", [b"", b"rubbish\n", b"{}\n", b"[1]\n"])
def test_rubbish_at_the_door_gets_no_answer(entrance: Path, asked: bytes) -> None:
    assert knock(entrance, asked) == b""


def test_the_door_is_closed_to_others(entrance: Path, case: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.Door, "verify_request", lambda *_: False)
    with contextlib.suppress(OSError):
        assert knock(entrance, line(case.identity, "migrated")) == b""
    assert case.log() == []
    assert entrance.stat().st_mode & 0o777 == 0o660


def test_who_leaves_is_not_waited_for(entrance: Path, site: Site, case: Tenant) -> None:
    site.say(case, "lock one")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(entrance))
        peer.sendall(line(case.identity, "lock two"))
        lease = site.tenants.get(case.identity).lease
        while "two" not in lease.state()["waiting"]:  # type: ignore[operator]
            pass
    site.say(case, "unlock one")
    while lease.state()["waiting"]:
        pass
    assert lease.state()["holder"] in {"", "two"}


def test_a_tenant_has_so_many_verbs_under_way_and_no_more(
    entrance: Path, case: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "AT_ONCE", 0)
    assert "wait for them to end" in json.loads(knock(entrance, line(case.identity, "migrated")))["err"]
    monkeypatch.undo()
    assert json.loads(knock(entrance, line(case.identity, "migrated")))["exit"] == 0
