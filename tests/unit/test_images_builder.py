from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.images import builder, materials
from mde_grader.runtimes.images.builder import build, fetch_wheels, pack
from mde_grader.runtimes.images.catalog import Recipe
from mde_grader.runtimes.images.store import labels
from tests.unit.images_fakes import fake_client

MARKS = labels("0123", how="stand-in", digest="", stamp="0123")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "Dockerfile").write_text("FROM x")
    (tmp_path / "start.sh").write_text("true")
    return {"Dockerfile": tmp_path / "Dockerfile", "bin/start.sh": tmp_path / "start.sh"}


class Pip:
    """Stands in for the `pip download` process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int = 0, stderr: str = "") -> None:
        self.command: list[str] = []
        self.env: dict[str, str] = {}
        self.code, self.stderr = code, stderr
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: list[str], *, env: dict[str, str], **_: Any) -> SimpleNamespace:
        self.command, self.env = command, env
        if not self.code:
            (Path(command[command.index("--dest") + 1]) / "flask-1-py3-none-any.whl").write_text("wheel")
        return SimpleNamespace(returncode=self.code, stderr=self.stderr)


def packing(files: dict[str, Path]) -> bytes:
    target = io.BytesIO()
    pack(files, target)
    return target.getvalue()


def members(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {member.name: member for member in archive}


def test_a_context_is_the_same_bytes_whenever_and_by_whomever_it_is_packed(files: dict[str, Path]) -> None:
    before = packing(files)
    files["Dockerfile"].touch()
    files["Dockerfile"].chmod(0o600)
    assert packing(dict(reversed(files.items()))) == before


def test_scripts_can_be_run_even_where_the_disk_has_lost_their_mode(files: dict[str, Path]) -> None:
    files["bin/start.sh"].chmod(0o600)
    packed = members(packing(files))
    assert (packed["bin/start.sh"].mode, packed["Dockerfile"].mode) == (0o755, 0o644)
    assert {member.uid for member in packed.values()} == {0}


def test_programs_of_the_machine_can_be_run_in_their_image(files: dict[str, Path]) -> None:
    packed = members(packing({"material/program/tool": files["Dockerfile"]}))
    assert packed["material/program/tool"].mode == 0o755


def test_an_image_gets_its_hash_and_latest_as_tags(files: dict[str, Path]) -> None:
    client = fake_client()
    assert build(Recipe("web", files), files, {"BASE": "b"}, MARKS, client) == "mde-grade/web:0123"
    assert client.rows[0]["RepoTags"] == ["mde-grade/web:0123", "mde-grade/web:latest"]
    assert client.rows[0]["Labels"] == MARKS


def test_the_users_proxy_is_handed_to_the_build(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in builder.PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    client = fake_client()
    build(Recipe("web", files), files, {"BASE": "b"}, MARKS, client)
    assert client.arguments["mde-grade/web:0123"] == {"BASE": "b", "https_proxy": "http://proxy:3128"}


def test_wheels_are_part_of_the_context(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pip(monkeypatch)
    client = fake_client()
    (tmp_path / "lock").touch()
    build(Recipe("web", files, wheels=tmp_path / "lock"), files, {}, MARKS, client)
    assert client.contexts["mde-grade/web:0123"]["wheels/flask-1-py3-none-any.whl"] == b"wheel"


def test_no_wheels_are_fetched_for_what_is_put_on_a_pulled_base(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    recipe = Recipe("web", {}, wheels=tmp_path / "lock", pulled_files=files)
    build(recipe, recipe.pulled_files, {}, MARKS, fake_client())
    assert pip.command == []


def test_wheels_are_fetched_beside_materials(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    more = {**files, "material/tool": tmp_path / "tool"}
    (tmp_path / "tool").touch()
    build(Recipe("web", files, wheels=tmp_path / "lock"), more, {}, MARKS, fake_client())
    assert pip.command


def test_wheels_are_for_the_engines_machine_and_checked_by_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    fetch_wheels(tmp_path / "lock", "3.11", "aarch64", tmp_path)
    assert pip.command[:3] == [sys.executable, "-m", "pip"]
    assert "--require-hashes" in pip.command
    assert pip.command[pip.command.index("--python-version") + 1] == "3.11"
    assert "manylinux_2_28_aarch64" in pip.command
    assert not any("x86_64" in word for word in pip.command)


@pytest.mark.parametrize(("engine", "wheels"), [("x86_64", "x86_64"), ("amd64", "x86_64"), ("arm64", "aarch64")])
def test_a_machine_has_the_name_that_wheels_give_it(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, wheels: str
) -> None:
    pip = Pip(monkeypatch)
    build(Recipe("web", files, wheels=tmp_path / "l"), files, {}, MARKS, fake_client(architecture=engine))
    assert f"manylinux2014_{wheels}" in pip.command


@pytest.mark.parametrize("name", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_pip_is_told_of_the_companys_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for known in materials.AUTHORITY_VARIABLES:
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(name, "/company.pem")
    pip = Pip(monkeypatch)
    fetch_wheels(tmp_path / "lock", "3.11", "x86_64", tmp_path)
    assert pip.env["PIP_CERT"] == "/company.pem"


def test_pip_is_told_of_no_certificates_when_the_user_named_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in materials.AUTHORITY_VARIABLES:
        monkeypatch.delenv(known, raising=False)
    pip = Pip(monkeypatch)
    fetch_wheels(tmp_path / "lock", "3.11", "x86_64", tmp_path)
    assert "PIP_CERT" not in pip.env


def test_wheels_that_cannot_be_fetched_are_one_error_with_pips_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pip(monkeypatch, code=1, stderr="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n")
    with pytest.raises(EngineError, match="DO NOT MATCH") as caught:
        fetch_wheels(tmp_path / "packages.lock", "3.11", "x86_64", tmp_path)
    assert "packages.lock" in caught.value.message
    assert "images load" in caught.value.hint
