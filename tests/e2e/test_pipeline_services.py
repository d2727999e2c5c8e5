"""The services of the pipeline labs as they run: a release goes out over SSH, and nothing else gets out of its slot."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from graders.pipelines.repositories import Author, Change, repository
from graders.pipelines.stores import shelf
from graders.pipelines.targets import Tenant, tenant
from mde_grader.checking.probe import Load, Probe
from mde_grader.codec.environments import environment_from
from mde_grader.codec.nodes import document_from
from mde_grader.environments import Environment
from mde_grader.runtimes.base import Owner, ServiceSpec, Stack, StackSpec
from mde_grader.runtimes.commands import Ran
from mde_grader.runtimes.docker import DockerRuntime, connect
from mde_grader.runtimes.docker.client import sdk_client
from mde_grader.runtimes.images import ensure
from mde_grader.runtimes.janitor import this_process
from mde_grader.variables import filled, make_values
from tests.unit.pipeline_archives import VERSION, files, packed, release, special

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pipeline-services.md"
ATTACK = (Path(__file__).parent / "pipeline_attack.py").read_text()
IMAGES = ("side", "postgres", "repository", "package-store", "release-target")
NEW = "f" * 40
SSH = (
    "ssh -T -p $PORT -i /work/$HOME_OF/key -o BatchMode=yes -o StrictHostKeyChecking=yes -o LogLevel=ERROR"
    " -o IdentitiesOnly=yes -o UserKnownHostsFile=/work/$HOME_OF/known_hosts $LOGIN"
)
_NUMBERS = itertools.count()
MORE = {
    "migrations/0002_more.sql": "ALTER TABLE bookings ADD COLUMN seats integer;\nINSERT INTO bookings VALUES (1, 'a');"
}


@dataclass
class World:
    """The stack of the documentation's example, and a pipeline's container."""

    stack: Stack
    token: str

    @property
    def probe(self) -> Probe:
        return Probe(self.stack.session)

    def tenant(self, baseline: bytes = b"") -> Tenant:
        """A case whose pipeline can log in."""
        made = tenant(self.probe, self.token, f"case-{next(_NUMBERS)}", baseline=baseline)
        keys = {"key": made.private_key.encode(), "known_hosts": f"{made.known_hosts}\n".encode()}
        self.stack.files("pipeline").write(keys, folder=made.identity, mode=0o600)
        return made

    def run(self, whose: Tenant, script: str, given: Mapping[str, bytes] | None = None, seconds: float = 120) -> Ran:
        """Run lines of shell in which `say VERB ...` asks the target."""
        self.stack.files("pipeline").write(dict(given or {}), folder=whose.identity)
        lines = f'cd /work/$HOME_OF\nsay() {{ {SSH} "$@"; }}\n{script}'
        environment = {"HOME_OF": whose.identity, "PORT": str(whose.ssh_port), "LOGIN": whose.login}
        return self.stack.run("pipeline", ["sh", "-c", lines], seconds=seconds, environment=environment)


def declared() -> Environment:
    """The environment that the documentation shows, with a pipeline that has ssh."""
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert found is not None
    text = found[1].replace("mde-grade/pipeline", "mde-grade/release-target").replace("10100:10100", "900:900")
    return environment_from(document_from(text, file="example"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    runtime: DockerRuntime = connect()
    tags = {f"mde-grade/{each.name}": each.tag for each in ensure(list(IMAGES), sdk_client(runtime.engine))}
    environment = declared()
    values = make_values(environment.variables)

    def own(service: ServiceSpec) -> ServiceSpec:
        given = {name: filled(text, values) for name, text in service.environment.items()}
        return replace(service, image=tags[service.image], environment=given)

    spec = StackSpec(
        services=tuple(map(own, environment.services)),
        owner=Owner("e2e-pipeline", this_process(), "sha256:0", time.time() + 900),
        side_image=tags["mde-grade/side"],
        workspaces=tuple(map(own, environment.workspaces)),
    )
    stack = runtime.up(spec)
    try:
        yield World(stack, values["ADMIN_TOKEN"])
    finally:
        stack.close()
        runtime.close()


@pytest.fixture(scope="module")
def case(world: World) -> Tenant:
    return world.tenant(release())


DEPLOY = """
set -e
say upload r2 < r2.tar.gz
say lock run-1 60
say migrated | grep -qx 0002_more.sql || say migrate r2 0002_more.sql
say start green r2
for i in $(seq 100); do say health green && break; sleep 0.1; done
say switch green
say stop blue
say unlock run-1
say status
"""


def under_load(world: World, case: Tenant, work: Callable[[], Ran]) -> tuple[Ran, list[Load]]:
    """Do something while the front is asked without a pause."""
    seen: list[Load] = []
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(work)
        while not doing.done() or not seen:
            options: dict[str, Any] = {"concurrency": 8, "duration": 1.5, "count_headers": ["x-version"]}
            seen.append(world.probe.load(f"{case.front}/", **options))
        return doing.result(), seen


def test_a_release_goes_live_under_load_without_a_failed_request(world: World, case: Tenant) -> None:
    given = {"r2.tar.gz": release(NEW, **MORE)}
    ran, seen = under_load(world, case, lambda: world.run(case, DEPLOY, given))
    assert ran.ok, ran.err
    for load in seen:
        assert (load.errors, set(load.statuses)) == ({}, {200}), load
    assert {version for load in seen for version in load.headers["x-version"]} == {VERSION, NEW}
    assert sum(load.total for load in seen) > 300
    state = case.state()
    assert (state.live, state.slots["blue"], state.migrated) == ("green", None, ("0001_start.sql", "0002_more.sql"))
    assert (state.unanswered, state.holder) == (0, "")
    assert world.probe.get(f"{case.front}/").text == NEW
    assert json.loads(world.probe.get(f"{case.front}/health").text) == {"bookings": 1}
    verbs = [(each.verb, each.exit) for each in case.log() if each.verb not in {"health", "migrated"}]
    assert verbs == [(name, 0) for name in ("upload", "lock", "migrate", "start", "switch", "stop", "unlock", "status")]
    assert {each.version for each in case.log() if each.release == "r2"} == {NEW}


CRASHES = "raise SystemExit('ferry: no timetable')"
DEAF = "import time\ntime.sleep(600)\n"
BAD = {
    "crashes": ({"ferry/web.py": CRASHES}, "ferry: no timetable"),
    "never listens": ({"ferry/web.py": DEAF}, "nobody listens"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_release_never_reaches_the_front(world: World, name: str) -> None:
    more, why = BAD[name]
    case = world.tenant(release())
    script = "say upload bad < bad.tar.gz && say start green bad && sleep 1 && say health green"
    given = {"bad.tar.gz": release(NEW, **more)}
    ran, seen = under_load(world, case, lambda: world.run(case, script, given))
    assert ran.exit_code == 1
    assert why in ran.err
    for load in seen:
        assert (load.errors, set(load.statuses), set(load.headers["x-version"])) == ({}, {200}, {VERSION})
    assert set(case.state().answered) == {"baseline"}
    ran = world.run(case, "say stop green; say status")
    assert json.loads(ran.out[ran.out.index("{") :])["slots"]["green"] is None
    case.remove()


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, Any]:
    """What a hostile release could do, while another tenant runs."""
    other, case = world.tenant(release()), world.tenant(release())
    script = "say upload bad < bad.tar.gz && say start green bad && sleep 2 && say health green && say switch green"
    ran = world.run(case, script, {"bad.tar.gz": release(NEW, **{"ferry/web.py": ATTACK})})
    assert ran.ok, ran.err
    answer: dict[str, Any] = world.probe.get(f"{case.front}/attack", seconds=20).json()
    assert world.probe.get(f"{other.front}/").text == VERSION
    case.remove()
    other.remove()
    return answer


def test_a_release_cannot_read_what_is_not_its_own(told: dict[str, Any]) -> None:
    assert told["others"] > 5, "it looked at others"
    assert len(told["control"]) > 5, "and can read, signal and list what is its own"
    assert told["control"][-2:] == [True, True]
    assert told["read"] == []
    assert told["files"] == []
    assert told["listed"] is None
    assert told["admin"] == 403
    assert told["own"] == [[1]]
    assert told["databases"] == []


def test_a_release_has_no_rights_and_no_place_to_write(told: dict[str, Any]) -> None:
    assert told["uid"] > 1_000_000
    assert told["groups"] == []
    rights = {line.split()[0]: line.split()[1] for line in told["status"]}
    assert rights.pop("NoNewPrivs:") == "1"
    assert set(rights.values()) == {"0" * 16}
    assert told["written"] == []
    assert told["became"] == []
    assert (told["threads"], told["goes"]) == (48, "900")


def test_a_release_cannot_touch_other_processes_or_the_door(told: dict[str, Any]) -> None:
    assert told["signalled"] == []
    assert told["door"] is None


BOMB = """
import os, threading, time
try:
    while True:
        if not os.fork():
            os.setsid()
except OSError:
    pass
hoard = []
while True:
    hoard.append(bytearray(8 << 20))
"""


def test_a_release_that_floods_the_machine_leaves_the_others_alone(world: World, case: Tenant) -> None:
    bad = world.tenant(release())
    ran = world.run(
        bad, "say upload bad < b.tar.gz && say start green bad", {"b.tar.gz": release(NEW, **{"ferry/web.py": BOMB})}
    )
    assert ran.ok, ran.err
    seen = world.probe.load(f"{case.front}/", concurrency=2, duration=3, request_seconds=10)
    assert (seen.errors, set(seen.statuses)) == ({}, {200})
    assert case.state().live == "green"
    assert world.run(bad, "say stop green").ok
    assert world.probe.get(f"{bad.front}/").text == VERSION
    bad.remove()


BROKEN = {
    "outside": packed({**files(), "../../../run/target/planted": "x"}),
    "link": packed(files(), special("ferry/passwd", b"2", "/etc/passwd")),
    "bomb": packed({**files(), "ferry/zeros": bytes(17 << 20)}),
    "large": b"",
    "cut": release()[:-40],
}
WHY = ("leads elsewhere", "symbolic link", "unpacks to more", "larger than", "cut off")


def test_archives_that_lead_elsewhere_or_are_too_large_are_refused(world: World) -> None:
    case = world.tenant()
    script = "head -c 6000000 /dev/zero > large.tar.gz\n"
    script += "\n".join(f"say upload {name} < {name}.tar.gz; echo {name} $?" for name in BROKEN)
    ran = world.run(case, script, {f"{name}.tar.gz": data for name, data in BROKEN.items()})
    assert ran.out.split() == [word for name in BROKEN for word in (name, "1")]
    lines = ran.err.splitlines()
    assert len(lines) == len(BROKEN), ran.err
    for line, why in zip(
        lines, ("leads elsewhere", "symbolic link", "unpacks to more", "larger than", "cut off"), strict=True
    ):
        assert line.startswith("target: ")
        assert why in line
        assert "; " in line
    assert case.state().releases == {}
    case.remove()


def test_over_ssh_there_are_verbs_and_nothing_else(world: World, case: Tenant) -> None:
    script = """
say; echo $?
say id; echo $?
say 'status; touch /tmp/x'; echo $?
say sh -c id; echo $?
scp -q -P $PORT -i key -o BatchMode=yes -o UserKnownHostsFile=known_hosts key $LOGIN:/tmp/x 2>/dev/null; echo $?
ssh -N -p $PORT -i key -o BatchMode=yes -o UserKnownHostsFile=known_hosts -o ExitOnForwardFailure=yes \
  -R 9999:localhost:22 $LOGIN 2>/dev/null; echo $?
say -o SetEnv=LD_PRELOAD=/x status > /dev/null; echo $?
"""
    ran = world.run(case, script)
    codes = ran.out.split()
    assert codes[:4] == ["2", "2", "2", "2"], ran.err
    assert "0" not in codes[4:6], ran.err
    assert codes[6] == "0"
    assert ran.err.count("is no verb; use one of: upload, migrate") == 4


def test_another_tenants_key_opens_its_own_tenant_alone(world: World, case: Tenant) -> None:
    other = world.tenant()
    ran = world.run(other, "say upload x < x.tar.gz; say status", {"x.tar.gz": release()})
    assert json.loads(ran.out[ran.out.index("{") :])["live"] == ""
    assert "x" not in case.state().releases
    assert [each.verb for each in other.log()] == ["upload", "status"]
    other.remove()
    gone = world.run(other, "say status")
    assert gone.exit_code == 255, "its key is not let in any more"


LEAVES = f"""
say lock one 600
{SSH} lock two 600 & waiting=$!
seen() {{ say status | grep -q '"two"'; }}
for i in $(seq 60); do seen && break; done
kill $waiting; wait $waiting
for i in $(seq 20); do seen || break; done
seen && exit 1
say unlock one && say lock three 5 && say unlock three
"""


def test_a_pipeline_that_is_killed_does_not_keep_its_place(world: World, case: Tenant) -> None:
    ran = world.run(case, LEAVES)
    assert ran.ok, ran.err
    assert [each.exit for each in case.log() if each.verb == "lock"][-3:] == [0, 1, 0], "one had it, two gave up"


def test_a_migration_that_fails_leaves_nothing_and_is_told_with_its_line(world: World, case: Tenant) -> None:
    more = {
        "migrations/0003_bad.sql": "CREATE TABLE half (id int);\n\nALTER TABEL x;\n",
        "migrations/0004_big.sql": "SELECT repeat('x', 10000000) FROM generate_series(1, 1000);",
    }
    script = "say upload r3 < r3.tar.gz; say migrate r3 0003_bad.sql; say migrate r3 0004_big.sql; say migrated"
    ran = world.run(case, script, {"r3.tar.gz": release("3" * 40, **more)})
    assert ran.out.splitlines()[1:] == ["0001_start.sql", "0002_more.sql"], ran.err
    assert "0003_bad.sql failed and was rolled back: line 3: syntax error" in ran.err
    assert "0004_big.sql failed" in ran.err


def test_stored_files_go_through_the_store(world: World, case: Tenant) -> None:
    place = shelf(world.probe, world.token, "case")
    place.fail(1, "reset")
    script = f"""
python3 -c '
import urllib.request
for method, data in (("PUT", b"x"), ("PUT", b"x"), ("GET", None)):
    asked = urllib.request.Request("http://store:4000/builds/a", data, {{"Authorization": "Bearer {place.token}"}})
    asked.method = method
    try:
        print(urllib.request.urlopen(asked).status)
    except OSError as error:
        print(type(error).__name__)
'"""
    assert world.run(case, script).out.split() == ["ConnectionResetError", "201", "200"]
    assert [(each.status, each.fault) for each in place.log()] == [(0, "reset"), (201, ""), (200, "")]


def test_commits_are_made_and_seen(world: World) -> None:
    made = repository(world.probe, world.token)
    ada = Author("Ada", "ada@example.org")
    sha = made.commit(Change({"a": b"x"}), message="m", author=ada, date="2026-11-25T10:00:00+00:00")
    assert made.branches() == {"main": sha}
    seen = world.probe.get(f"{made.url}/info/refs?service=git-upload-pack", headers={"Git-Protocol": "version=1"})
    assert sha in seen.text
    made.remove()


def test_cases_are_made_side_by_side(world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: world.tenant(release()), range(4)))
    assert len({each.database_url for each in made}) == 4
    for each in made:
        assert world.probe.get(f"{each.front}/").text == VERSION
        each.remove()
        assert world.probe.get(f"{each.front}/").status == 502
