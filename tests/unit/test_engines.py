"""An engine with the images that one lab needs; the engine itself is made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import docker
import pytest

from mde_grader import engines
from mde_grader.engines import Engine, connect, serving
from mde_grader.environments import Environment
from mde_grader.errors import EngineUnavailableError
from mde_grader.runtimes.docker.client import sdk_client
from mde_grader.runtimes.images import load_catalog
from mde_grader.testing import FakeRuntime
from tests.unit.attempting import image

PYTHON = "python:3.11-slim-bookworm"
DEBIAN = "debian:bookworm-slim"
ENVIRONMENT = Environment("dockerfile", "web", bases=(PYTHON, "python:3.11-slim", "scratch"))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    runtime = FakeRuntime()
    monkeypatch.setattr(engines, "connect_docker", lambda: runtime)
    monkeypatch.setattr(engines, "sdk_client", lambda _: None)
    monkeypatch.setattr(engines, "require", lambda names, *_: {name: image(name) for name in names})
    return runtime


def test_it_has_what_the_lab_needs(engine: FakeRuntime) -> None:
    found = connect(ENVIRONMENT)
    assert found.runtime is engine
    assert "side" in found.images
    base = "mde-grade/from-python-3.11-slim-bookworm:0123456789ab"
    assert found.bases == {PYTHON: base, "python:3.11-slim": base, "scratch": "scratch"}
    assert found.how == {PYTHON: "stand-in", "python:3.11-slim": "stand-in", "scratch": "empty"}


def test_an_empty_base_is_there_only_when_the_lab_has_it(engine: FakeRuntime) -> None:
    assert set(connect(Environment("dockerfile", "web", bases=(DEBIAN,))).bases) == {DEBIAN}


def test_tags_are_found_by_both_names(engine: FakeRuntime) -> None:
    tags = connect(ENVIRONMENT).tags
    assert tags["side"] == tags["mde-grade/side"] == "mde-grade/side:0123456789ab"


def test_the_facts_are_plain_data(engine: FakeRuntime) -> None:
    facts = Engine(engine, engine.info(), {"side": image("side")}, {}, {"scratch": "empty"}).facts()
    assert facts == {
        "engine": {
            "name": "fake",
            "version": "1",
            "api": "1.41",
            "storage": "memory",
            "cgroup": "none",
            "kernel": "none",
            "host": "memory",
            "isolation": "none",
        },
        "grader_images": {"side": {"id": image("side").id, "how": "stand-in"}},
        "bases": {"scratch": "empty"},
    }


def test_no_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> None:
        raise EngineUnavailableError("no engine answers")

    monkeypatch.setattr(engines, "connect_docker", nothing)
    with pytest.raises(EngineUnavailableError):
        connect(ENVIRONMENT)


def test_a_base_is_served_only_by_an_image_that_is_there() -> None:
    catalog = load_catalog()
    assert serving(ENVIRONMENT, {}, catalog) == {}
    name = "from-python-3.11-slim-bookworm"
    assert serving(ENVIRONMENT, {name: image(name)}, catalog) == {PYTHON: name, "python:3.11-slim": name}


def test_the_sdk_speaks_over_the_runtimes_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def client(**words: Any) -> SimpleNamespace:
        made.append(words)
        return SimpleNamespace()

    monkeypatch.setattr(docker, "DockerClient", client)
    engine: Any = SimpleNamespace(endpoint=SimpleNamespace(url="unix:///x.sock"), api_version="1.41")
    runtime: Any = SimpleNamespace(engine=engine)
    assert sdk_client(runtime.engine).api is engine
    assert made == [{"base_url": "unix:///x.sock", "version": "1.41"}]
