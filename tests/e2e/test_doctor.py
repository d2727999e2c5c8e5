"""The doctor's measurements on a real engine: that they can fail, and that they leave nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mde_grader.doctor import builds, limits, networks
from mde_grader.doctor.bench import Bench, measuring_image
from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import connect_engine
from tests.e2e.conftest import Grader

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(images: None) -> Bench:
    engine = connect_engine(os.environ, Path.home())
    return Bench(engine, measuring_image(engine))


def left(bench: Bench) -> list[str]:
    rows = bench.engine.ask("GET", "/containers/json", params={"all": 1})
    return [row["Id"] for row in rows if row["Labels"].get("mde-grade.attempt") == bench.name]


@contextmanager
def ordinary(_: Bench) -> Iterator[tuple[str, str]]:
    """The engine's usual network, from which this machine can be reached."""
    yield "bridge", "172.17.0.1"


def test_an_ordinary_network_is_seen_to_be_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_network", ordinary)
    _, host = networks.ways_out(bench)
    assert not host.held
    assert "reached" in host.seen


def test_our_kind_of_network_is_shut(bench: Bench) -> None:
    assert [found.held for found in networks.ways_out(bench)] == [True, True]
    names = [row["Name"] for row in bench.engine.ask("GET", "/networks")]
    assert f"mde-{bench.name}" not in names


def test_a_process_cap_that_is_not_set_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PIDS", 48)
    assert limits.pids(bench).held
    monkeypatch.setattr(limits, "PIDS", 8)
    assert "7 forks" in limits.pids(bench).seen


def test_a_script_that_does_not_end_is_removed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mde_grader.doctor.bench.SECONDS", 1.0)
    with pytest.raises(EngineError):
        bench.run("import time; time.sleep(60)")
    assert left(bench) == []


def test_a_file_cap_that_is_not_set_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert builds.file_size(bench).held
    monkeypatch.setattr(builds, "FILE_MB", 100)
    assert not builds.file_size(bench).held
    tags = [tag for row in bench.engine.ask("GET", "/images/json") for tag in row["RepoTags"] or ()]
    assert not [tag for tag in tags if bench.name in tag]


def test_a_cancelled_build_is_gone(bench: Bench) -> None:
    assert builds.cancelled(bench).held
    assert left(bench) == []


def test_the_table_names_engine_and_isolation(grader: Grader) -> None:
    _, out, err = grader.run("doctor")
    assert out.startswith("unix://")
    assert "isolation: docker" in out
    assert err.startswith("measuring")
