"""What an image takes from the machine that makes it."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mde_grader.errors import EngineError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images import downloads, ensure, gathering, load_catalog
from mde_grader.runtimes.images.catalog import Recipe
from mde_grader.runtimes.images.downloads import download
from mde_grader.runtimes.images.gathering import gather, outdated, told
from mde_grader.runtimes.images.materials import Material, MaterialMissingError, Source, look, runs_on
from mde_grader.runtimes.images.tarballs import locked
from tests.unit.images_fakes import fake_client

ELF = b"\x7fELF" + bytes(14) + (62).to_bytes(2, "little") + b"rest"
CONTENT = b"a program"
PIN = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MDE_GRADE_MATERIAL", raising=False)
    (tmp_path / "bin").mkdir()


def program(folder: Path, name: str = "tool", content: bytes = ELF) -> Path:
    path = folder / "bin" / name
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def tool(*sources: Source) -> Material:
    return Material(
        "program", "the tool", "install it", sources or (Source("program", "tool"), Source("program", "alt"))
    )


def test_a_program_on_the_path_is_taken(tmp_path: Path) -> None:
    path = program(tmp_path)
    found = look(tool(), "x86_64")
    assert found is not None
    assert found.files == {"material/program/tool": path}
    assert found.where == str(path)
    assert str(path.stat().st_size) in found.identity


def test_the_next_program_is_taken_where_the_first_is_only_a_script(tmp_path: Path) -> None:
    program(tmp_path, "tool", b"#!/bin/sh\nexec something")
    program(tmp_path, "alt")
    found = look(tool(), "x86_64")
    assert found is not None
    assert list(found.files) == ["material/program/alt"]


def test_a_program_of_another_machine_is_passed_over(tmp_path: Path) -> None:
    path = program(tmp_path)
    assert look(tool(), "aarch64") is None
    assert not runs_on(path, "riscv64")
    assert not runs_on(path.with_name("absent"), "x86_64")


@pytest.mark.parametrize("by", ["variable", "home", "pattern"])
def test_the_newest_matching_folder_is_taken(tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "home" / ".plugins"
    for version in ("5.9.0", "5.100.0", "6.0.0"):
        (root / f"example/aws/{version}/linux_amd64").mkdir(parents=True)
        (root / f"example/aws/{version}/linux_amd64/provider").write_text(version)
    below = {"variable": (), "home": ("~/.plugins",), "pattern": (f"{tmp_path}/*/.plugins",)}[by]
    monkeypatch.setenv("PLACE", str(root) if by == "variable" else "")
    source = Source("tree", "example/aws/5.*/linux_{architecture}", below, ("PLACE",))
    found = look(tool(source), "x86_64")
    assert found is not None
    assert list(found.files) == ["material/program/example/aws/5.100.0/linux_amd64/provider"]
    assert look(tool(source), "aarch64") is None


def test_only_the_named_kinds_of_sources_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path)
    monkeypatch.setenv("MDE_GRADE_MATERIAL", "wheels, url")
    assert look(tool(), "x86_64") is None


def test_another_file_has_another_identity(tmp_path: Path) -> None:
    path = program(tmp_path)
    before = look(tool(), "x86_64")
    os.utime(path, (1, 1))
    after = look(tool(), "x86_64")
    assert before is not None
    assert after is not None
    assert before.identity != after.identity


# fetching


class Files(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.answers.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("tool", CONTENT)
        content.writestr("../../outside", b"no")
    Files.answers = {"/tool.zip": archive.getvalue(), "/broken.zip": b"PK nothing"}
    Files.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_pinned_archive_is_fetched_once(server: str) -> None:
    source = Source("url", f"{server}/tool.zip", members={"tool": PIN}, to="a/b")
    for _ in range(2):
        folder = download(source, source.value)
        assert (folder / "a/b/tool").read_bytes() == CONTENT
    assert (folder / "a/b/tool").stat().st_mode & 0o111
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["tool"]
    assert Files.asked == ["/tool.zip"]


@pytest.mark.parametrize(
    ("path", "archive", "pin", "words"),
    [
        ("/tool.zip", "0" * 64, PIN, "nothing of it was kept"),
        ("/tool.zip", "", "0" * 64, "nothing of it was kept"),
        ("/broken.zip", "", PIN, "not the archive"),
        ("/absent.zip", "", PIN, "cannot be fetched: Not Found"),
    ],
)
def test_what_is_not_as_pinned_is_not_kept(server: str, path: str, archive: str, pin: str, words: str) -> None:
    source = Source("url", server + path, archive=archive, members={"tool": pin})
    with pytest.raises(EngineError, match=words):
        download(source, source.value)
    assert not list((cache_folder() / "materials").iterdir())


def test_an_address_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(EngineError, match="cannot be fetched"):
        downloads.download(Source("url", "http://127.0.0.1:9/x", members={"x": PIN}), "http://127.0.0.1:9/x")


# gathering


def recipe(tmp_path: Path, *sources: Source) -> Recipe:
    (tmp_path / "Dockerfile").write_text("FROM x")
    return Recipe("tooled", {"Dockerfile": tmp_path / "Dockerfile"}, materials=(tool(*sources),))


def test_what_is_not_here_comes_from_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("x==1")

    def fetch(lock: Path, python: str, architecture: str, folder: Path) -> dict[str, Path]:
        (folder / "x.whl").write_text(f"{lock.name} {python} {architecture}")
        return {"wheels/x.whl": folder / "x.whl"}

    monkeypatch.setattr(gathering, "fetch_wheels", fetch)
    files, label = gather(recipe(tmp_path, Source("program", "tool"), Source("wheels", str(lock))), "x86_64", tmp_path)
    assert files["material/program/x.whl"].read_text() == "x.lock 3.11 x86_64"
    assert "wheels:" in label


def test_what_the_index_has_not_comes_from_its_address(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: Any) -> dict[str, Path]:
        raise EngineError("the wheels could not be fetched")

    monkeypatch.setattr(gathering, "fetch_wheels", fetch)
    sources = (Source("wheels", "x.lock"), Source("url", f"{server}/tool.zip", members={"tool": PIN}))
    files, label = gather(recipe(tmp_path, *sources), "x86_64", tmp_path)
    assert files["material/program/tool"].read_bytes() == CONTENT
    assert PIN in label
    with pytest.raises(MaterialMissingError, match="the tool is not on this machine: the wheels could not be fetched"):
        gather(recipe(tmp_path, *sources), "aarch64", tmp_path / "other")


def test_images_are_made_without_one_whose_material_is_missing(tmp_path: Path) -> None:
    missing = recipe(tmp_path)
    above = Recipe("above", missing.files, {"BASE": "tooled"})
    other = Recipe("other", missing.files)
    catalog = {"tooled": missing, "above": above, "other": other}
    said: list[str] = []
    made = ensure(catalog, fake_client(), said.append, lenient=True, catalog=catalog)
    assert [image.name for image in made] == ["other"]
    assert any(line == "left out mde-grade/tooled: the tool is not on this machine; install it" for line in said)
    with pytest.raises(MaterialMissingError, match="not on this machine"):
        ensure(["tooled"], fake_client(), catalog=catalog)


def test_an_image_is_made_again_when_its_material_is_another_one(tmp_path: Path) -> None:
    path = program(tmp_path)
    client, catalog = fake_client(), {"tooled": recipe(tmp_path)}
    first = ensure(["tooled"], client, catalog=catalog)[0]
    assert client.contexts[first.tag]["material/program/tool"] == ELF
    assert ensure(["tooled"], client, catalog=catalog)[0].id == first.id
    program(tmp_path, content=ELF + b"newer")
    second = ensure(["tooled"], client, catalog=catalog)[-1]
    assert client.contexts[second.tag]["material/program/tool"] == ELF + b"newer"
    path.unlink()
    said: list[str] = []
    ensure(["tooled"], client, said.append, catalog=catalog)
    assert said == [], "an image that came from another machine stays"


def test_a_machine_is_told_what_it_has(tmp_path: Path) -> None:
    path = program(tmp_path)
    whole = Recipe("tooled", materials=(tool(), tool(Source("program", "absent"))))
    assert [where for _, where in told(whole, "x86_64")] == [str(path), ""]
    packages = Recipe("packed", materials=(tool(Source("npm", "lock.json"), Source("wheels", "x.lock")),))
    assert [where for _, where in told(packages, "x86_64")] == ["fetched when the image is made"]


def test_an_image_without_materials_is_never_outdated(tmp_path: Path) -> None:
    image = ensure(["other"], fake_client(), catalog={"other": Recipe("other", recipe(tmp_path).files)})[0]
    assert not outdated(Recipe("other"), image, "x86_64")


def test_the_shipped_catalogue_pins_what_it_fetches() -> None:
    for one in load_catalog().values():
        for source in (source for material in one.materials for source in material.sources):
            assert source.kind != "url" or source.archive or all(source.members.values())
            assert source.kind != "wheels" or "--hash=sha256:" in Path(source.value).read_text()
            assert source.kind != "npm" or locked(Path(source.value))
