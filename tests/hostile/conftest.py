"""An engine for the attacks, and the canaries that none of them may touch."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from mde_grader.errors import ImageMissingError
from mde_grader.labs import load_lab
from mde_grader.runtimes.images import load_catalog, require, required_for
from mde_grader.runtimes.images.catalog import ordered
from tests.hostile.canaries import CANARY_IMAGE, DOOR, Canaries
from tests.hostile.cell import EngineUnderTest, can_make_cells, cell, copy_images, default_engine

LABS = Path(__file__).parent / "labs"

collect_ignore = ["cases", "labs"]  # a case holds a conftest.py that would pass everything


@pytest.fixture(scope="session")
def engine() -> Iterator[EngineUnderTest]:
    """An engine of our own with the images of the hostile labs; the default one where a cell cannot be made."""
    client = docker.from_env()
    catalog = load_catalog()
    environments = [load_lab(path.name, LABS).environment() for path in sorted(LABS.iterdir())]
    names = tuple(dict.fromkeys(name for each in environments for name in required_for(each, catalog)))
    try:
        # What these are made from goes along, for whether an image is up to date is told from all of them.
        every = tuple(recipe.name for recipe in ordered(names, catalog))
        tags = [image.tag for image in require(every, client, catalog).values()]
    except ImageMissingError as error:
        pytest.fail(f"{error.message}: {error.hint}")
    if not can_make_cells():
        yield default_engine()
        return
    with cell(Path(tempfile.mkdtemp(prefix="mdec", dir="/tmp"))) as private:
        copy_images(tags, client, private.client())
        yield private


@pytest.fixture(scope="session")
def canaries(engine: EngineUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    """Things beside the attacks: image, volume, network, file, variable, and a door that nobody may knock at."""
    client = engine.client()
    name = f"mde-hostile-{secrets.token_hex(4)}"
    base = client.images.list(name="mde-grade/side")[0]
    base.tag(CANARY_IMAGE)
    volume = client.volumes.create(name)
    network = client.networks.create(name, internal=True)
    file = tmp_path_factory.mktemp("canary") / "canary.txt"
    file.write_text(secrets.token_hex(16))
    heard = tmp_path_factory.mktemp("door") / "heard"
    door = subprocess.Popen(
        engine.inside([sys.executable, str(Path(__file__).with_name("canaries.py")), str(DOOR), str(heard)]),
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_for(heard, door)
        yield Canaries(
            file=file, text=file.read_text(), heard=heard, variable=secrets.token_hex(16), image=str(base.id)
        )
    finally:
        door.kill()
        door.wait()
        network.remove()
        volume.remove()
        client.images.remove(CANARY_IMAGE)
        client.close()


def _wait_for(heard: Path, door: subprocess.Popen[bytes]) -> None:
    while not heard.exists():
        assert door.poll() is None, "the canary's door does not open"
        time.sleep(0.02)
