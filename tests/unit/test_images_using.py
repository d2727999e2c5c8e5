from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.environments import Environment
from mde_grader.errors import ImageMissingError, LabInvalidError
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.images import BaseImage, all_names, required_for, resolve_base
from mde_grader.runtimes.images.catalog import Recipe, load_catalog
from mde_grader.runtimes.images.store import labels
from tests.unit.images_fakes import fake_client

PYTHON = "python:3.11-slim-bookworm"


@pytest.fixture
def catalog(tmp_path: Path) -> dict[str, Recipe]:
    (tmp_path / "Dockerfile").write_text("FROM x")
    files = {"Dockerfile": tmp_path / "Dockerfile"}
    recipes = [
        Recipe("side", files),
        Recipe("from-python", files, names=(PYTHON, "python:3.11")),
        Recipe("postgres", files),
        Recipe("proxy", files),
        Recipe("index-lab-02", files),
    ]
    return {recipe.name: recipe for recipe in recipes}


def test_an_attempt_always_needs_the_side_container(catalog: dict[str, Recipe]) -> None:
    assert required_for(Environment("dockerfile", "web"), catalog) == ("side",)


def test_a_lab_needs_its_bases_images_services_and_index_each_once(catalog: dict[str, Recipe]) -> None:
    environment = Environment(
        "compose",
        "web",
        bases=(PYTHON, "python:3.11", "scratch"),
        images={"postgres:15": "mde-grade/postgres", "postgres:15-bookworm": "mde-grade/postgres:latest"},
        services=(ServiceSpec("front", "mde-grade/proxy"),),
        index="mde-grade/index-lab-02",
    )
    assert required_for(environment, catalog) == ("side", "from-python", "postgres", "proxy", "index-lab-02")


def test_a_base_that_nothing_serves_is_the_labs_fault(catalog: dict[str, Recipe]) -> None:
    with pytest.raises(LabInvalidError, match="'ruby:3'") as caught:
        required_for(Environment("compose", "web", bases=("ruby:3",)), catalog)
    assert PYTHON in caught.value.hint


def test_an_image_that_is_not_in_the_catalogue_is_the_labs_fault(catalog: dict[str, Recipe]) -> None:
    environment = Environment("compose", "web", services=(ServiceSpec("db", "mde-grade/oracle"),))
    with pytest.raises(LabInvalidError, match="'oracle'"):
        required_for(environment, catalog)


def test_a_from_gets_our_image_under_our_tag(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    version = catalog["from-python"].digest({})
    client.add(f"mde-grade/from-python:{version}", labels(version, how="registry", digest="sha256:d", stamp="d"))
    tag = f"mde-grade/from-python:{version}"
    identity = "sha256:" + "0" * 64
    assert resolve_base("python:3.11", client, catalog) == BaseImage(
        "python:3.11", tag, identity, "registry", "sha256:d"
    )


def test_a_from_whose_image_is_not_there_yet_says_what_to_type(catalog: dict[str, Recipe]) -> None:
    with pytest.raises(ImageMissingError) as caught:
        resolve_base(PYTHON, fake_client(), catalog)
    assert "images build" in caught.value.hint


def test_all_names_leaves_out_what_no_shipped_lab_uses() -> None:
    names = all_names()
    assert {"side", "postgres", "proxy", "index-lab-02"} <= set(names)
    assert "from-node-18-bookworm-slim" not in names
    assert set(names) < set(load_catalog())
