from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.places import PACKAGE
from mde_grader.runtimes.images.catalog import Recipe, load_catalog, ordered

CATALOG = """
[base]
pull = "debian:bookworm-slim"

[tools]
needs = { BASE = "base" }

["from-python-3.11"]
folder = "python"
needs = { BASE = "base", TOOLS = "tools" }
wheels = "python/wheels.lock"
python = "3.12"
names = ["python:3.11", "python:3.11-slim"]
pull = "python:3.11-slim"

[side]
needs = { BASE = "tools" }
package = { agent = "runtimes/inspector/agent" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    images = tmp_path / "graders" / "images"
    files = {
        "catalog.toml": CATALOG,
        "derived/Dockerfile": "FROM x",
        "derived/pip.conf": "[global]",
        "tools/Dockerfile": "FROM base",
        "python/Dockerfile": "FROM base",
        "python/wheels.lock": "pip==1",
        "python/deep/patch.sh": "true",
        "python/__pycache__/x.pyc": "no",
        "side/Dockerfile": "FROM tools",
        "index/Dockerfile": "FROM tools",
    }
    for name, text in files.items():
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_text(text)
    (tmp_path / "labs" / "lab-77").mkdir(parents=True)
    (tmp_path / "labs" / "lab-77" / "packages.lock").write_text("flask==1")
    (tmp_path / "labs" / "lab-78").mkdir()
    return tmp_path


def test_every_table_and_every_lab_with_a_lock_is_an_image(root: Path) -> None:
    assert set(load_catalog(root)) == {"base", "tools", "from-python-3.11", "side", "index-lab-77"}


def test_an_image_has_the_files_of_its_folder_without_what_python_leaves_there(root: Path) -> None:
    files = load_catalog(root)["from-python-3.11"].files
    assert set(files) == {"Dockerfile", "deep/patch.sh", "wheels.lock"}
    assert files["deep/patch.sh"].read_text() == "true"


def test_only_an_image_with_a_public_name_to_pull_has_files_for_what_was_pulled(root: Path) -> None:
    catalog = load_catalog(root)
    assert set(catalog["from-python-3.11"].pulled_files) == {"Dockerfile", "pip.conf"}
    assert catalog["tools"].pulled_files == {}


def test_the_base_has_no_files_and_so_is_bootstrapped(root: Path) -> None:
    assert load_catalog(root)["base"].files == {}


def test_settings_of_a_table_arrive(root: Path) -> None:
    recipe = load_catalog(root)["from-python-3.11"]
    assert recipe.names == ("python:3.11", "python:3.11-slim")
    assert recipe.needs == {"BASE": "base", "TOOLS": "tools"}
    assert (recipe.python, recipe.pull) == ("3.12", "python:3.11-slim")
    assert recipe.wheels is not None
    assert recipe.wheels.read_text() == "pip==1"


def test_a_labs_index_takes_its_wheels_from_the_labs_lock(root: Path) -> None:
    recipe = load_catalog(root)["index-lab-77"]
    assert recipe.wheels == root / "labs" / "lab-77" / "packages.lock"
    assert recipe.needs == {"BASE": "tools"}


def test_files_of_the_package_are_put_where_the_table_says(root: Path) -> None:
    files = load_catalog(root)["side"].files
    assert files["agent/__main__.py"] == PACKAGE / "runtimes/inspector/agent/__main__.py"
    assert "Dockerfile" in files


def test_the_shipped_catalogue_is_whole() -> None:
    catalog = load_catalog()
    for recipe in catalog.values():
        assert all(needed in catalog for needed in recipe.needs.values()), recipe.name
        assert "Dockerfile" in recipe.files or recipe.name == "base"
        assert recipe.wheels is None or recipe.wheels.is_file()


def test_no_public_name_is_served_twice() -> None:
    names = [name for recipe in load_catalog().values() for name in recipe.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["python:3.11-slim-bookworm", "debian:bookworm-slim", "node:18-bookworm-slim"])
def test_the_bases_that_people_write_are_served(name: str) -> None:
    assert any(name in recipe.names for recipe in load_catalog().values())


def test_images_come_after_what_they_need(root: Path) -> None:
    names = [recipe.name for recipe in ordered(("side", "from-python-3.11"), load_catalog(root))]
    assert names == ["base", "tools", "side", "from-python-3.11"]


def test_an_unknown_image_is_a_key_error(root: Path) -> None:
    with pytest.raises(KeyError):
        ordered(("nothing",), load_catalog(root))


class TestDigest:
    @pytest.fixture
    def recipe(self, tmp_path: Path) -> Recipe:
        (tmp_path / "Dockerfile").write_text("FROM x")
        (tmp_path / "lock").write_text("flask==1")
        return Recipe(
            "web",
            files={"Dockerfile": tmp_path / "Dockerfile"},
            needs={"BASE": "base"},
            wheels=tmp_path / "lock",
        )

    def test_it_is_twelve_hexadecimal_digits(self, recipe: Recipe) -> None:
        digest = recipe.digest({"base": "1"})
        assert len(digest) == 12
        int(digest, 16)

    def test_it_is_the_same_for_the_same_content(self, recipe: Recipe) -> None:
        assert recipe.digest({"base": "1"}) == recipe.digest({"base": "1", "other": "2"})

    def test_a_new_base_changes_it(self, recipe: Recipe) -> None:
        assert recipe.digest({"base": "1"}) != recipe.digest({"base": "2"})

    @pytest.mark.parametrize("name", ["Dockerfile", "lock"])
    def test_a_changed_file_changes_it(self, recipe: Recipe, tmp_path: Path, name: str) -> None:
        before = recipe.digest({"base": "1"})
        (tmp_path / name).write_text("changed")
        assert recipe.digest({"base": "1"}) != before

    def test_moving_text_from_a_name_to_a_file_changes_it(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        one.write_text("bc")
        two.write_text("c")
        assert Recipe("x", files={"a": one}).digest({}) != Recipe("x", files={"ab": two}).digest({})
