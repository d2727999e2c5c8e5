from __future__ import annotations

import fcntl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mde_grader.errors import EngineError, ImageMissingError, UsageError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images import bases, ensure, inventory, require
from mde_grader.runtimes.images.catalog import Recipe
from mde_grader.runtimes.images.store import LABEL
from tests.unit.images_fakes import fake_client

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def catalog(tmp_path: Path) -> dict[str, Recipe]:
    for name in ("tools", "side", "python", "derived"):
        (tmp_path / name).write_text(f"FROM {name}")

    def files(name: str) -> dict[str, Path]:
        return {"Dockerfile": tmp_path / name}

    recipes = [
        Recipe("base", pull="debian:12", pulled_files=files("derived")),
        Recipe("tools", files("tools"), {"BASE": "base"}),
        Recipe("side", files("side"), {"BASE": "tools"}),
        Recipe("python", files("python"), {"BASE": "base"}, pull="python:3.11", pulled_files=files("derived")),
    ]
    return {recipe.name: recipe for recipe in recipes}


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bootstrap without Debian, and a lock of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def bootstrap(tag: str, marks: Mapping[str, str], client: Any) -> None:
        client.add(tag, {**marks, f"{LABEL}.stamp": "bootstrapped"})
        client.tag(tag, "mde-grade/base", "latest")

    monkeypatch.setattr(bases, "bootstrap", bootstrap)


def test_what_is_needed_is_made_first(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    made = ensure(["side"], client, catalog=catalog)
    assert [image.name for image in made] == ["base", "tools", "side"]
    assert all(image.tag == f"mde-grade/{image.name}:{image.recipe}" for image in made)
    assert client.arguments[made[2].tag]["BASE"] == made[1].tag


def test_a_second_run_makes_nothing_and_says_nothing(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    first = ensure(["side", "python"], client, catalog=catalog)
    said: list[str] = []
    rows = len(client.rows)
    assert ensure(["side", "python"], client, said.append, catalog=catalog) == first
    assert said == []
    assert len(client.rows) == rows


def test_a_changed_file_makes_that_image_and_those_above_it_again(catalog: dict[str, Recipe], tmp_path: Path) -> None:
    client = fake_client()
    before = {image.name: image for image in ensure(catalog, client, catalog=catalog)}
    (tmp_path / "tools").write_text("FROM tools, changed")
    after = {image.name: image for image in ensure(catalog, client, catalog=catalog)}
    assert {name for name in catalog if after[name] != before[name]} == {"tools", "side"}


def test_latest_is_the_one_made_last(catalog: dict[str, Recipe], tmp_path: Path) -> None:
    client = fake_client()
    ensure(["tools"], client, catalog=catalog)
    (tmp_path / "tools").write_text("changed")
    made = ensure(["tools"], client, catalog=catalog)[-1]
    latest = [row for row in client.rows if "mde-grade/tools:latest" in row["RepoTags"]]
    assert made.id == latest[-1]["Id"]


def test_refresh_makes_everything_again(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    ensure(["tools"], client, catalog=catalog)
    said: list[str] = []
    ensure(["tools"], client, said.append, refresh=True, catalog=catalog)
    assert [line for line in said if line.startswith("making")] == ["making mde-grade/base", "making mde-grade/tools"]


def test_without_a_registry_everything_is_a_stand_in(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    said: list[str] = []
    made = ensure(catalog, client, said.append, catalog=catalog)
    assert {(image.how, image.digest) for image in made} == {("stand-in", "")}
    assert any("no registry answers" in line for line in said)


def test_a_registry_that_did_not_answer_is_not_asked_again(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    ensure(catalog, client, catalog=catalog)
    assert client.pulls == ["debian:12"]


def test_with_a_registry_bases_are_pulled_and_pinned_by_digest(catalog: dict[str, Recipe]) -> None:
    client = fake_client(registry={"debian:12": DIGEST, "python:3.11": DIGEST})
    made = {image.name: image for image in ensure(catalog, client, catalog=catalog)}
    assert (made["base"].how, made["base"].digest) == ("registry", DIGEST)
    assert client.arguments[made["python"].tag]["BASE"] == f"python@{DIGEST}"
    assert client.contexts[made["python"].tag] == {"Dockerfile": b"FROM derived"}


def test_what_rests_on_a_pulled_base_says_so(catalog: dict[str, Recipe]) -> None:
    client = fake_client(registry={"debian:12": DIGEST, "python:3.11": DIGEST})
    made = {image.name: image for image in ensure(catalog, client, catalog=catalog)}
    assert (made["side"].how, made["side"].digest) == ("registry", DIGEST)


def test_a_public_name_that_the_registry_lacks_is_a_stand_in_on_a_pulled_base(catalog: dict[str, Recipe]) -> None:
    client = fake_client(registry={"debian:12": DIGEST})
    made = {image.name: image for image in ensure(catalog, client, catalog=catalog)}
    assert (made["base"].how, made["python"].how, made["python"].digest) == ("registry", "stand-in", "")


def test_a_newer_public_base_makes_what_rests_on_it_again(catalog: dict[str, Recipe]) -> None:
    client = fake_client(registry={"debian:12": DIGEST})
    before = ensure(["tools"], client, catalog=catalog)[-1]
    client.registry = {"debian:12": "sha256:" + "cd" * 32}
    after = ensure(["tools"], client, refresh=True, catalog=catalog)[-1]
    assert after.tag != before.tag


def test_a_failed_build_is_one_error_with_the_end_of_its_log(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    client.broken = "mde-grade/tools"
    client.log = [{"stream": f"line {n}\n"} for n in range(40)] + [{"stream": "\x1b[31mE: Unable to locate\n"}]
    with pytest.raises(EngineError, match="building tools failed") as caught:
        ensure(["side"], client, catalog=catalog)
    assert "E: Unable to locate" in caught.value.message
    assert "\x1b" not in caught.value.message
    assert "line 1\n" not in caught.value.message
    assert "side" not in inventory(client)


def test_after_a_failure_the_next_run_goes_on_where_it_stopped(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    client.broken = "mde-grade/side"
    with pytest.raises(EngineError):
        ensure(["side"], client, catalog=catalog)
    client.broken = ""
    said: list[str] = []
    ensure(["side"], client, said.append, catalog=catalog)
    assert [line for line in said if line.startswith("making")] == ["making mde-grade/side"]


def test_an_unknown_name_is_a_usage_error_that_lists_the_known_ones(catalog: dict[str, Recipe]) -> None:
    with pytest.raises(UsageError, match="'sidecar'") as caught:
        ensure(["sidecar"], fake_client(), catalog=catalog)
    assert "side" in caught.value.hint


def test_an_engine_that_fails_is_one_line(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    client.broken = "list"
    with pytest.raises(EngineError, match=r"looking for images: engine fell over$"):
        ensure(["side"], client, catalog=catalog)


def test_require_finds_what_ensure_made_and_makes_nothing(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    with pytest.raises(ImageMissingError, match="mde-grade/side") as caught:
        require(["side"], client, catalog)
    assert "images build" in caught.value.hint
    assert client.rows == []
    made = ensure(["side"], client, catalog=catalog)
    assert require(["side"], client, catalog) == {"side": made[-1]}


def test_require_does_not_take_an_image_of_older_files(catalog: dict[str, Recipe], tmp_path: Path) -> None:
    client = fake_client()
    ensure(["side"], client, catalog=catalog)
    (tmp_path / "side").write_text("changed")
    with pytest.raises(ImageMissingError, match="out of date"):
        require(["side"], client, catalog)


def test_a_second_process_waits_for_the_first_and_then_has_nothing_to_do(catalog: dict[str, Recipe]) -> None:
    client = fake_client()
    cache_folder().mkdir(parents=True)
    said: list[str] = []
    with (cache_folder() / "images.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        told = threading.Event()

        def report(line: str) -> None:
            said.append(line)
            told.set()

        second = threading.Thread(target=ensure, args=(["base"], client, report), kwargs={"catalog": catalog})
        second.start()
        assert told.wait(10)
        version = catalog["base"].digest({})
        marks = {f"{LABEL}.{name}": "x" for name in ("how", "digest", "stamp")}
        client.add(f"mde-grade/base:{version}", {**marks, f"{LABEL}.recipe": version})
    second.join(10)
    assert said == ["another process is making images; waiting for it"]


def test_a_machine_without_a_place_for_the_lock_does_without(
    catalog: dict[str, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert ensure(["base"], fake_client(), catalog=catalog)[0].name == "base"
