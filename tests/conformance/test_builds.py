"""What every runtime's builds do."""

from __future__ import annotations

import time

import pytest

from mde_grader.errors import BuildFailedError, ImageMissingError
from mde_grader.runtimes.base import BuildLimits
from tests.conformance.kits import Bench


def test_an_image_is_built_and_described(bench: Bench) -> None:
    (bench.folder / "app.py").write_text("print('hello')\n")
    image = bench.build("FROM BASE\nCOPY app.py /app.py\nUSER 1000\n")
    assert image.id.startswith("sha256:")
    assert image.user == "1000"
    assert 0 < image.added < 10_000
    assert image.size > image.added
    assert any("COPY" in layer.created_by for layer in image.history)
    assert all("debootstrap" not in layer.created_by for layer in image.history), "the base's history is not ours"
    assert image.config["Labels"]["mde-grade.cache"] == "conformance"
    assert "COPY" in image.log


def test_the_same_files_give_the_same_image(bench: Bench) -> None:
    (bench.folder / "app.py").write_text("print('hello')\n")
    text = "FROM BASE\nCOPY app.py /again.py\n"
    first, second = bench.build(text), bench.build(text)
    assert first.id == second.id
    assert first.diff_ids == second.diff_ids


def test_a_step_that_fails_is_the_candidates(bench: Bench) -> None:
    with pytest.raises(BuildFailedError) as caught:
        bench.build("FROM BASE\nRUN exit 3\n")
    assert caught.value.rule == "build.failed"
    assert "exit code 3" in caught.value.message
    assert "exit 3" in caught.value.said


def test_a_build_that_takes_too_long_is_ended(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(BuildFailedError) as caught:
        bench.build("FROM BASE\nRUN sleep 999\n", limits=BuildLimits(seconds=2))
    assert caught.value.rule == "build.deadline"
    assert time.monotonic() - began < 10


def test_a_build_that_never_stops_talking_is_ended(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(BuildFailedError) as caught:
        bench.build("FROM BASE\nRUN yes\n")
    assert caught.value.rule == "build.log"
    assert "y\n" in caught.value.said
    assert len(caught.value.said) <= 65_536
    assert time.monotonic() - began < 10


def test_a_base_that_is_not_here_is_ours(bench: Bench) -> None:
    with pytest.raises(ImageMissingError, match="missing"):
        bench.build("FROM missing\nRUN exit 3\n")


def test_a_secret_in_the_configuration_is_found(bench: Bench) -> None:
    image = bench.build("FROM BASE\nENV TOKEN=hush-hush-7\n")
    hits = bench.runtime.search(image, {"token": b"hush-hush-7", "other": b"not-in-there-7", "empty": b""})
    assert {hit.needle for hit in hits} == {"token"}
