"""Secrets in layers: found wherever they hide, in bounded memory and time."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import LayerHit
from mde_grader.runtimes.docker import layers
from mde_grader.runtimes.docker.layers import search_layers

SECRET = b"hunter2-hunter2"


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Client:
    def __init__(self, image: bytes, piece: int = 7_000) -> None:
        self.image, self.piece = image, piece

    def get_image(self, image: str, chunk_size: int = 0) -> Iterator[bytes]:
        for start in range(0, len(self.image), self.piece):
            yield self.image[start : start + self.piece]


def find(image: dict[str, bytes], **needles: bytes) -> tuple[LayerHit, ...]:
    return search_layers(Client(tar(image)), "sha256:1", needles or {"pw": SECRET}, seconds=30)


@pytest.mark.parametrize("name", ["abc/layer.tar", "blobs/sha256/abc"])
def test_a_secret_in_a_layer_is_found_in_both_layouts(name: str) -> None:
    hits = find({name: tar({"etc/app.ini": b"password = " + SECRET, "etc/other": b"nothing"})})
    assert [(hit.needle, hit.path) for hit in hits] == [("pw", "/etc/app.ini")]


def test_a_secret_that_a_later_layer_removes_is_found() -> None:
    first, second = tar({"app/.env": SECRET}), tar({"app/.wh..env": b""})
    assert [hit.layer for hit in find({"one/layer.tar": first, "two/layer.tar": second})] == ["one"]


def test_a_secret_in_the_history_is_found() -> None:
    config = json.dumps({"history": [{"created_by": f"RUN login {SECRET.decode()}"}]}).encode()
    assert find({"abc.json": config}) == (LayerHit("pw", "", "image configuration"),)


def test_a_secret_across_two_chunks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_CHUNK", 512)
    content = b"x" * (512 - 5) + SECRET + b"x" * 700
    assert len(find({"a/layer.tar": tar({"f": content})})) == 1


def test_one_file_with_two_secrets_names_both() -> None:
    hits = find({"a/layer.tar": tar({"f": b"one two"})}, first=b"one", second=b"two", absent=b"three")
    assert sorted(hit.needle for hit in hits) == ["first", "second"]


def test_an_empty_secret_is_nowhere() -> None:
    assert find({"a/layer.tar": tar({"f": b"x"})}, nothing=b"") == ()


def test_a_blob_that_is_no_layer_is_passed_over() -> None:
    assert find({"blobs/sha256/abc": b"{}" * 400}) == ()


def test_what_cannot_be_read_is_our_error() -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        search_layers(Client(b"not a tar" * 500), "sha256:1", {"pw": SECRET}, seconds=30)


def test_too_much_and_too_long_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Client(tar({"a/layer.tar": tar({"f": b"x" * 100_000})}))
    with pytest.raises(EngineError, match="too long"):
        search_layers(image, "sha256:1", {"pw": SECRET}, seconds=-1)
    monkeypatch.setattr(layers, "MAX_BYTES", 1_000)
    with pytest.raises(EngineError, match="larger"):
        search_layers(image, "sha256:1", {"pw": SECRET}, seconds=30)
