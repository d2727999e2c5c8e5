from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mde_grader.errors import EngineError
from tests.conformance.kits import Bench, DockerKit, FakeKit, Kit

ENGINES = ["fake", pytest.param("docker", marks=pytest.mark.engine)]


@pytest.fixture(scope="session")
def docker_kit() -> Iterator[DockerKit]:
    try:
        kit = DockerKit()
    except EngineError as error:
        pytest.skip(str(error))
    yield kit
    kit.runtime.close()


@pytest.fixture(params=ENGINES)
def kit(request: pytest.FixtureRequest) -> Kit:
    if request.param == "docker":
        found: DockerKit = request.getfixturevalue("docker_kit")
        return found
    return FakeKit()


@pytest.fixture
def bench(kit: Kit, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "context").mkdir()
    made = Bench(kit, tmp_path / "context")
    yield made
    made.close()
    assert made.left() == 0, "something was left on the engine"
