"""The doctor's judgements, from faked containers: each must be able to say that something does not hold."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from mde_grader.doctor import builds, examination, limits, networks
from mde_grader.doctor.bench import Bench, Ran, measuring_image
from mde_grader.doctor.findings import Finding
from mde_grader.doctor.stock import judged, tooled
from mde_grader.errors import EngineError, EngineUnavailableError
from mde_grader.runtimes.docker.client import Engine, RefusalError
from mde_grader.runtimes.docker.isolation import filters_of, isolation_of
from mde_grader.runtimes.images import Image
from mde_grader.runtimes.images.materials import Material


class FakeBench:
    """Answers every script with the same end."""

    def __init__(self, output: str = "", *, exit_code: int = 0, oom: bool = False) -> None:
        self.ran = Ran(exit_code, oom, output, 0.3)
        self.hosts: list[Mapping[str, Any]] = []

    def run(self, script: str, *, host: Mapping[str, Any] | None = None, network: str = "none") -> Ran:
        compile(script, "<script>", "exec")
        self.hosts.append(host or {})
        return self.ran


def bench(output: str = "", **more: Any) -> Bench:
    return cast("Bench", FakeBench(output, **more))


STATUS = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2", "Uid": "65534"}


@pytest.mark.parametrize(
    ("finding", "held"),
    [
        (limits.memory(bench(exit_code=137, oom=True)), True),
        (limits.memory(bench("not stopped")), False),
        (limits.memory(bench(exit_code=137)), False),
        (limits.pids(bench("31\n")), True),
        (limits.pids(bench("200\n")), False),
        (limits.pids(bench("")), False),
        (limits.log(bench("x" * (2 << 20))), True),
        (limits.log(bench("x" * (8 << 20))), False),
        (limits.log(bench("")), False),
        (limits.file(bench(f"{1 << 20}\n")), True),
        (limits.file(bench(f"{8 << 20}\n")), False),
        (limits.file(bench("0\n")), False),
        (limits.privileges(bench(json.dumps(STATUS))), True),
        (limits.privileges(bench(json.dumps(STATUS | {"CapBnd": "00000000a80425fb"}))), False),
        (limits.privileges(bench(json.dumps(STATUS | {"Seccomp": "0"}))), False),
        (limits.privileges(bench(json.dumps(STATUS | {"NoNewPrivs": "0"}))), False),
        (limits.disk(bench("[50000000000, 100000000000]")), True),
        (limits.disk(bench("[1000000000, 100000000000]")), False),
    ],
)
def test_a_limit_is_judged_by_what_was_measured(finding: Finding, held: bool) -> None:
    assert finding.held is held
    assert finding.seen
    assert finding.hint


def test_memory_and_swap_are_capped_together() -> None:
    faked = FakeBench(exit_code=137, oom=True)
    limits.memory(cast("Bench", faked))
    assert faked.hosts[0]["Memory"] == faked.hosts[0]["MemorySwap"] == 32 << 20


SHUT = {"self": "reached", "gateway": "timed out", "host 10.0.0.5": "unreachable", "public 1.1.1.1": "no", "name": "no"}


@pytest.mark.parametrize(
    ("changes", "egress", "host"),
    [
        ({}, True, True),
        ({"public 1.1.1.1": "reached"}, False, True),
        ({"name": "reached"}, False, True),
        ({"gateway": "reached"}, True, False),
        ({"host 10.0.0.5": "reached"}, True, False),
        ({"self": "refused"}, False, False),
    ],
)
def test_each_way_out_is_told(changes: dict[str, str], egress: bool, host: bool) -> None:
    seen = SHUT | changes
    assert networks.egress(seen).held is egress
    assert networks.host(seen, local=True).held is host
    for name, what in changes.items():
        told = networks.egress(seen).seen + networks.host(seen, local=True).seen
        assert name in told or what in told


def test_a_remote_engine_is_told_apart() -> None:
    assert "remote" in networks.host(SHUT, local=False).seen


def image(name: str, how: str) -> Image:
    return Image(name, f"mde-grade/{name}:0", "sha256:0", 1, how, "", "0", "0", 0)


def test_stand_ins_and_missing_images_are_named() -> None:
    names = ("side", "from-python", "from-debian")
    present = {"side": image("side", "stand-in"), "from-python": image("from-python", "stand-in")}
    found = judged(names, present, {"from-python", "from-debian"})
    assert not found.held
    assert found.seen == "2 of 3 present; stand-ins: from-python; missing or out of date: from-debian"
    whole = judged(("side",), {"side": image("side", "registry")}, set())
    assert whole.held
    assert whole.hint == ""


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({}, "docker"),
        ({"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}, "docker+userns"),
        ({"SecurityOptions": None}, "docker"),
        ({"SecurityOptions": ["name=seccomp,profile=/userns.json"]}, "docker"),
        ({"SecurityOptions": ["name=rootless"], "DefaultRuntime": "runsc"}, "docker+rootless+gvisor"),
    ],
)
def test_the_level_of_isolation(info: dict[str, Any], level: str) -> None:
    assert isolation_of(info) == level


def test_the_kernels_filters_stand_beside_the_level() -> None:
    options = ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"]
    assert filters_of({"SecurityOptions": options}) == ("seccomp", "apparmor")
    assert filters_of({}) == ()


class FakeEngine:
    """Knows some images."""

    def __init__(self, *tags: str) -> None:
        self.tags = tags

    def ask(self, *_: object, **__: object) -> list[dict[str, Any]]:
        return [{"RepoTags": [tag]} for tag in self.tags] + [{"RepoTags": None}]


def test_the_measuring_image_is_one_of_ours() -> None:
    engine = FakeEngine("python:3", "mde-grade/side:1", "mde-grade/tools:2", "mde-grade/tools-of-mine:1")
    assert measuring_image(cast("Engine", engine)) == "mde-grade/tools:2"
    assert measuring_image(cast("Engine", FakeEngine("mde-grade/side:1"))) == "mde-grade/side:1"
    with pytest.raises(EngineError, match="nothing can be measured"):
        measuring_image(cast("Engine", FakeEngine("python:3")))


@pytest.mark.parametrize(
    "error",
    [EngineError("gone"), RefusalError(500, "no"), ValueError("x"), KeyError("State"), OSError("y"), IndexError()],
)
def test_what_cannot_be_measured_does_not_hold(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: Bench) -> Finding:
        raise error

    told: list[str] = []
    (found,) = examination._timed("memory", fail, bench(), told.append)
    assert not found.held
    assert found.seen
    assert told == ["memory"]


def test_without_an_engine_that_is_the_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> Engine:
        raise EngineUnavailableError("no container engine answers")

    monkeypatch.setattr("mde_grader.doctor.examination.connect_engine", none)
    found = examination.examine()
    assert not found.held
    assert found.findings[0].seen == "no container engine answers"


def test_without_images_the_limits_are_said_to_be_unmeasured() -> None:
    (found,) = examination._measured(cast("Engine", FakeEngine()), lambda _: None)
    assert not found.held
    assert "images build" in found.hint


def test_what_a_build_says_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [b'{"stream":"Run', b'ning in 0123456789ab"}\n{"error":"non-zero', b' code"}\n\n']
    monkeypatch.setattr("mde_grader.doctor.builds.pieces", lambda *_, **__: iter(parts))
    assert list(builds._texts(cast("Any", None))) == ["Running in 0123456789ab", "non-zero code"]


def test_a_tool_that_is_missing_is_told_with_what_to_do() -> None:
    tool, plugin = (
        Material("program", "the tool", "install the tool", ()),
        Material("p", "its plug-in", "mirror it", ()),
    )
    image = Image("t", "mde-grade/t:1", "sha256:1", 1, "stand-in", "", "1", "1", 1)
    assert tooled("t", [(tool, "/bin/tool"), (plugin, "")], image).held
    found = tooled("t", [(tool, "/bin/tool"), (plugin, "")], None)
    assert not found.held
    assert found.seen == "no image (the tool: /bin/tool; its plug-in: not on this machine)"
    assert found.hint == "mirror it"
    assert tooled("t", [(tool, "/bin/tool")], None).hint == "run `mde-grade images build`"
