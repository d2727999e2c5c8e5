"""Packages of an npm lock file: which there are, where they are asked for, and that only the right ones are kept."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mde_grader.errors import EngineError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images import downloads, tarballs
from mde_grader.runtimes.images.catalog import Recipe
from mde_grader.runtimes.images.gathering import gather
from mde_grader.runtimes.images.materials import Material, MaterialMissingError, Source
from mde_grader.runtimes.images.tarballs import fetch_tarballs, locked, registry

CONTENT = b"a tarball"
SUM = "sha512-" + base64.b64encode(hashlib.sha512(CONTENT).digest()).decode()


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MDE_GRADE_MATERIAL", raising=False)


def lock_of(tmp_path: Path, **packages: Any) -> Path:
    path = tmp_path / "package-lock.json"
    path.write_text(json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "ours"}, **packages}}))
    return path


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[str]]:
    asked: list[str] = []

    def answer(content: bytes) -> list[str]:
        def fetch(address: str, target: Path) -> None:
            asked.append(address)
            target.write_bytes(content)

        monkeypatch.setattr(tarballs, "fetch", fetch)
        return asked

    return answer


def test_packages_have_their_names_and_addresses(tmp_path: Path) -> None:
    row = {"version": "1.2.3", "integrity": f"sha1-x {SUM}"}
    found = locked(
        lock_of(
            tmp_path,
            **{
                "node_modules/one": row,
                "node_modules/one/node_modules/@some/two": row,
                "node_modules/linter": {**row, "dev": True},
            },
        )
    )
    assert [(package.name, package.address) for package in found] == [
        ("one", "one/-/one-1.2.3.tgz"),
        ("@some/two", "@some/two/-/two-1.2.3.tgz"),
    ]


@pytest.mark.parametrize("integrity", ["", "sha1-abcd"])
def test_a_package_without_a_strong_sum_is_refused(tmp_path: Path, integrity: str) -> None:
    lock = lock_of(tmp_path, **{"node_modules/one": {"version": "1", "integrity": integrity}})
    with pytest.raises(EngineError, match="has no SHA-512 for node_modules/one"):
        locked(lock)


def test_the_users_registry_is_asked(tmp_path: Path) -> None:
    assert registry({}) == "https://registry.npmjs.org/"
    (tmp_path / ".npmrc").write_text("color=false\nregistry = http://mirror.example/npm\n")
    assert registry({"HOME": str(tmp_path)}) == "http://mirror.example/npm/"
    assert registry({"NPM_CONFIG_USERCONFIG": str(tmp_path / ".npmrc")}) == "http://mirror.example/npm/"
    named = {"HOME": str(tmp_path), "npm_config_registry": "http://other.example/"}
    assert registry(named) == "http://other.example/"


def test_a_tarball_is_fetched_once(tmp_path: Path, answered: Callable[[bytes], list[str]]) -> None:
    asked = answered(CONTENT)
    lock = lock_of(tmp_path, **{"node_modules/one": {"version": "1", "integrity": SUM}})
    for _ in range(2):
        found = fetch_tarballs(lock, {"NPM_CONFIG_REGISTRY": "http://r.example"})
        assert {place: path.read_bytes() for place, path in found.items()} == {"node_modules/one.tgz": CONTENT}
    assert asked == ["http://r.example/one/-/one-1.tgz"]


def test_what_is_not_as_locked_is_not_kept(tmp_path: Path, answered: Callable[[bytes], list[str]]) -> None:
    answered(b"another")
    lock = lock_of(tmp_path, **{"node_modules/one": {"version": "1", "integrity": SUM}})
    with pytest.raises(EngineError, match=r"one-1\.tgz is not what the lock file says; nothing of it was kept"):
        fetch_tarballs(lock, {})
    assert not list((cache_folder() / "materials").iterdir())


def test_they_are_a_material_of_an_image(tmp_path: Path, answered: Callable[[bytes], list[str]]) -> None:
    answered(CONTENT)
    lock = lock_of(tmp_path, **{"node_modules/one": {"version": "1", "integrity": SUM}})
    recipe = Recipe("web", materials=(Material("runner", "the runner", "go on line", (Source("npm", str(lock)),)),))
    files, label = gather(recipe, "x86_64", tmp_path)
    assert list(files) == ["material/runner/node_modules/one.tgz"]
    assert json.loads(label)["runner"].startswith("npm:")


def test_a_registry_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    lock = lock_of(tmp_path, **{"node_modules/one": {"version": "1", "integrity": SUM}})
    recipe = Recipe("web", materials=(Material("runner", "the runner", "go on line", (Source("npm", str(lock)),)),))
    with pytest.raises(MaterialMissingError, match=r"the runner is not on this machine: .*one-1\.tgz cannot be"):
        gather(recipe, "x86_64", tmp_path)


def test_authorities_that_cannot_be_read_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "absent.pem"))
    with pytest.raises(EngineError, match="cannot be fetched"):
        downloads.fetch("http://127.0.0.1:9/x", tmp_path / "x")
    monkeypatch.setenv("PIP_CERT", str(tmp_path))
    with pytest.raises(EngineError, match="cannot be fetched"):
        downloads.fetch("http://127.0.0.1:9/x", tmp_path / "x")
