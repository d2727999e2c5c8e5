from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Self

import pytest
from requests.exceptions import ConnectionError as NoConnection

from mde_grader.errors import EngineError, UsageError
from mde_grader.runtimes.images.store import Image, engine_errors, inventory, labels, load, save
from tests.unit.images_fakes import fake_client

SIDE = Image("side", "mde-grade/side:0123", "sha256:1", 5, "stand-in", "", "0123", "s", 1)


def archive(path: Path, *tags: str, manifest: str = "manifest.json") -> Path:
    content = json.dumps([{"Config": "x", "RepoTags": list(tags)}, {"Config": "y", "RepoTags": None}]).encode()
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as target:
        member = tarfile.TarInfo(manifest)
        member.size = len(content)
        target.addfile(member, io.BytesIO(content))
    return path


def test_labels_are_read_back() -> None:
    client = fake_client()
    client.add("mde-grade/side:0123", labels("0123", how="registry", digest="sha256:d", stamp="s"), created=7)
    assert inventory(client) == {
        "side": [
            Image("side", "mde-grade/side:0123", "sha256:" + "0" * 64, 1000, "registry", "sha256:d", "0123", "s", 7)
        ]
    }


@pytest.mark.parametrize(
    "tag", ["mde-grade/side:latest", "mde-grade/attempt-1:web", "registry/mde-grade/side:0123", "other:0123"]
)
def test_what_is_built_on_an_image_of_ours_and_inherits_its_labels_is_not_ours(tag: str) -> None:
    client = fake_client()
    client.add(tag, labels("0123", how="stand-in", digest="", stamp="s"))
    assert inventory(client) == {}


def test_an_image_without_labels_is_not_ours() -> None:
    client = fake_client()
    client.rows.append({"RepoTags": ["mde-grade/side:1"], "Labels": None, "Id": "x", "Size": 1, "Created": 1})
    client.rows.append({"RepoTags": None, "Labels": None, "Id": "y", "Size": 1, "Created": 1})
    assert inventory(client) == {}


def test_the_newest_comes_first() -> None:
    client = fake_client()
    for version, created in (("a1", 5), ("b2", 9), ("c3", 7)):
        client.add(f"mde-grade/x:{version}", labels(version, how="h", digest="", stamp=""), created=created)
    assert [image.recipe for image in inventory(client)["x"]] == ["b2", "c3", "a1"]


def test_errors_of_the_client_become_one_line() -> None:
    with pytest.raises(EngineError, match=r"failed while counting: gone$"), engine_errors("counting"):
        raise NoConnection("gone\nand more")


def test_an_error_without_words_is_named_by_its_class() -> None:
    with pytest.raises(EngineError, match="ConnectionError"), engine_errors("counting"):
        raise NoConnection


class Answer:
    """A streamed answer of the engine."""

    def __init__(self, chunks: list[bytes], failure: Exception | None = None) -> None:
        self.chunks, self.failure = chunks, failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def raise_for_status(self) -> None:
        pass

    def iter_content(self, _: int) -> Any:
        yield from self.chunks
        if self.failure:
            raise self.failure


def test_save_asks_for_both_tags_of_each_image_and_writes_what_comes(tmp_path: Path) -> None:
    client = fake_client()
    asked: dict[str, Any] = {}

    def get(url: str, params: Any, stream: bool) -> Answer:
        asked.update(url=url, params=params, stream=stream)
        return Answer([b"one", b"two"])

    client.get = get
    assert save(tmp_path / "images.tar", [SIDE], client) == 6
    assert (tmp_path / "images.tar").read_bytes() == b"onetwo"
    assert asked["params"] == {"names": ["mde-grade/side:0123", "mde-grade/side:latest"]}
    assert asked["url"].endswith("/v1.41/images/get")
    assert asked["stream"]


def test_save_compresses_when_the_name_says_so(tmp_path: Path) -> None:
    client = fake_client()
    client.get = lambda *_, **__: Answer([b"a" * 1000])
    assert save(tmp_path / "images.tar.gz", [SIDE], client) < 1000
    assert gzip.decompress((tmp_path / "images.tar.gz").read_bytes()) == b"a" * 1000


def test_save_leaves_the_old_file_and_nothing_else_when_the_engine_goes_away(tmp_path: Path) -> None:
    client = fake_client()
    client.get = lambda *_, **__: Answer([b"half"], NoConnection("gone"))
    (tmp_path / "images.tar").write_bytes(b"old")
    with pytest.raises(EngineError, match="saving images"):
        save(tmp_path / "images.tar", [SIDE], client)
    assert [path.name for path in tmp_path.iterdir()] == ["images.tar"]
    assert (tmp_path / "images.tar").read_bytes() == b"old"


def test_save_to_where_nothing_can_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        save(tmp_path / "no-folder" / "images.tar", [SIDE], fake_client())


@pytest.mark.parametrize("name", ["images.tar", "images.tar.gz"])
def test_load_gives_the_whole_file_to_the_engine_and_tells_its_tags(tmp_path: Path, name: str) -> None:
    client = fake_client()
    path = archive(tmp_path / name, "mde-grade/side:1", "mde-grade/base:2")
    assert load(path, client) == ["mde-grade/base:2", "mde-grade/side:1"]
    assert client.loaded == path.read_bytes()


def test_load_refuses_an_archive_that_would_replace_somebody_elses_image(tmp_path: Path) -> None:
    client = fake_client()
    with pytest.raises(UsageError, match="'debian:12'"):
        load(archive(tmp_path / "x.tar", "mde-grade/side:1", "debian:12"), client)
    assert client.loaded == b""


def test_load_refuses_an_archive_without_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no named image"):
        load(archive(tmp_path / "x.tar"), fake_client())


def test_load_refuses_what_is_no_archive_of_images(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "missing", archive(tmp_path / "x.tar", "a:1", manifest="other")):
        with pytest.raises(UsageError, match="is not an archive of images") as caught:
            load(path, fake_client())
        assert "images save" in caught.value.hint
