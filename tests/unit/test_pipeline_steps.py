"""What the stand-ins of GitHub's actions do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from graders.images.pipeline.steps import __main__ as program
from graders.images.pipeline.steps import artifacts, caches, checkout, inputs, versions
from graders.images.pipeline.steps.inputs import StepError
from graders.images.pipeline.steps.versions import fits

Given = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job's folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(artifacts, "STORE", tmp_path / "artifacts")
    monkeypatch.setattr(caches, "STORE", tmp_path / "cache")
    monkeypatch.setattr(checkout, "PIPELINE", tmp_path)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def given(place: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    before: set[str] = set()

    def give(**values: str) -> None:
        for name in before:
            monkeypatch.delenv(name)
        before.clear()
        for name, value in values.items():
            before.add(f"INPUT_{name.replace('_', '-').upper()}")
            monkeypatch.setenv(f"INPUT_{name.replace('_', '-').upper()}", value)

    assert place.is_dir()
    return give


def outputs(place: Path) -> dict[str, str]:
    lines = (place.parent / "output").read_text().splitlines()
    (place.parent / "output").unlink()
    return {line.partition("<<")[0]: after for line, after in pairwise(lines) if "<<" in line}


def files(place: Path, *names: str) -> None:
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)


def there(place: Path) -> list[str]:
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def test_inputs_are_read_as_the_platform_gives_them(given: Given) -> None:
    given(some_flag=" True ", depth="0", path="a\n\n b \n", wrong="maybe")
    assert inputs.flag("some-flag", default=False)
    assert not inputs.flag("absent", default=False)
    assert (inputs.number("depth", 1), inputs.number("absent", 1)) == (0, 1)
    assert inputs.lines("path") == ["a", "b"]
    with pytest.raises(StepError, match="the input wrong must be true or false"):
        inputs.flag("wrong", default=True)
    with pytest.raises(StepError, match="the input wrong must be a number"):
        inputs.number("wrong", 1)


# artifacts


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("dist", ["a.txt", "sub/b.txt"]),
        ("dist/", ["a.txt", "sub/b.txt"]),
        ("dist/a.txt", ["a.txt"]),
        ("dist/*.txt", ["a.txt"]),
        ("dist/**/*.txt", ["a.txt", "sub/b.txt"]),
        ("dist\nother/c.txt", ["dist/a.txt", "dist/sub/b.txt", "other/c.txt"]),
        ("dist\n!dist/sub", ["a.txt"]),
        ("dist\n!dist/**/b.txt", ["a.txt"]),
        ("./dist/a.txt", ["a.txt"]),
    ],
)
def test_files_keep_their_place_below_the_common_folder(
    place: Path, given: Given, path: str, expected: list[str]
) -> None:
    files(place, "dist/a.txt", "dist/sub/b.txt", "dist/.hidden", "other/c.txt")
    given(name="out", path=path)
    artifacts.upload()
    assert there(place.parent / "artifacts" / "out") == expected
    assert outputs(place)["artifact-id"] == "1"


def test_hidden_files_are_kept_when_asked_for_and_modes_are_lost(place: Path, given: Given) -> None:
    files(place, "dist/.hidden/x", "dist/run")
    (place / "dist" / "run").chmod(0o755)
    given(path="dist", include_hidden_files="true")
    artifacts.upload()
    kept = place.parent / "artifacts" / "artifact"
    assert there(kept) == [".hidden/x", "run"]
    assert not (kept / "run").stat().st_mode & 0o111


def test_a_name_can_be_used_once(place: Path, given: Given) -> None:
    files(place, "a")
    given(name="out", path="a")
    artifacts.upload()
    with pytest.raises(StepError, match="'out' is there already"):
        artifacts.upload()
    files(place, "b")
    given(name="out", path="b", overwrite="true")
    artifacts.upload()
    assert there(place.parent / "artifacts") == ["out/b"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"path": "absent", "if_no_files_found": "error"}, "no files were found with the path: absent"),
        ({"path": "absent", "if_no_files_found": "explode"}, "must be warn, error or ignore"),
        ({"path": ""}, "the input path is missing"),
        ({"name": "../x", "path": "a"}, "is no usable name"),
        ({"name": "a/b", "path": "a"}, "is no usable name"),
    ],
)
def test_what_cannot_be_uploaded_is_told(given: Given, changes: dict[str, str], words: str) -> None:
    given(**changes)
    with pytest.raises(StepError, match=words):
        artifacts.upload()


def test_nothing_to_upload_is_a_warning(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    given(path="absent")
    artifacts.upload()
    assert capsys.readouterr().out == "::warning::no files were found with the path: absent\n"


def test_artifacts_come_down_by_name_or_all_together(place: Path, given: Given) -> None:
    for name in ("linux", "mac", "notes"):
        files(place.parent / "artifacts", f"{name}/{name}.txt")
    given(name="linux", path="out")
    artifacts.download()
    assert there(place / "out") == ["linux.txt"]
    assert outputs(place)["download-path"] == str(place / "out")
    given(path="all")
    artifacts.download()
    assert there(place / "all") == ["linux/linux.txt", "mac/mac.txt", "notes/notes.txt"]
    given(path="merged", pattern="*[nm]*a*", merge_multiple="true")
    artifacts.download()
    assert there(place / "merged") == ["mac.txt"]
    given(name="absent")
    with pytest.raises(StepError, match="no artifact 'absent' in this run"):
        artifacts.download()


# caches


def test_a_cache_is_found_by_its_key_or_by_its_beginning(
    place: Path, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(place, "deps/x")
    given(key="py-1", path="deps")
    caches.restore()
    assert outputs(place)["cache-hit"] == ""
    caches.save()
    (place / "deps" / "x").unlink()
    given(key="py-2", path="deps", restore_keys="go-\npy-")
    caches.restore()
    told = outputs(place)
    assert (told["cache-hit"], told["cache-matched-key"]) == ("false", "py-1")
    assert there(place) == ["deps/x"]
    given(key="py-1", path="deps")
    caches.restore()
    assert outputs(place)["cache-hit"] == "true"
    given(key="py-1", path="other")
    caches.restore()
    assert outputs(place)["cache-hit"] == ""
    monkeypatch.setenv("STATE_hit", "true")
    given(key="py-3", path="deps")
    caches.save()
    assert len(list((place.parent / "cache").rglob("*.key"))) == 1


def test_a_cache_that_is_too_large_is_left(
    place: Path, given: Given, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files(place, "deps/x")
    monkeypatch.setattr(caches, "LARGEST", 1)
    given(key="k", path="deps")
    caches.save()
    assert "it is not kept" in capsys.readouterr().out
    assert not (place.parent / "cache").exists()


def test_what_a_cache_needs_is_told(given: Given) -> None:
    given(key="k")
    with pytest.raises(StepError, match="the inputs key and path are needed"):
        caches.restore()
    given(key="k", path="x", fail_on_cache_miss="true")
    with pytest.raises(StepError, match="nothing is kept as k"):
        caches.restore()


# versions


@pytest.mark.parametrize(
    ("asked", "fine"),
    [
        *[
            (text, True)
            for text in ("", "3.11", "3", "3.x", "3.11.x", "3.11.2", "*", ">=3.9", ">=3.10,<3.13", ">= 3.10 <4")
        ],
        *[(text, True) for text in ("~=3.10", "~3.11", "^3.8", "==3.11", "=3.11.2", "<=3.11.2", ">3.10")],
        *[(text, False) for text in ("3.12", "2", "3.1", "pypy3.10", "<3.11", ">3.11.2", "~3.10", "^4", "3.11-dev")],
    ],
)
def test_a_version_is_met_as_people_write_it(asked: str, *, fine: bool) -> None:
    assert fits(asked, "3.11.2") is fine


def test_another_version_is_refused(
    place: Path, given: Given, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "_said", lambda program, *_: "v24.1.0" if "node" in program else "3.11.2")
    given(python_version="3.11")
    versions.python()
    assert outputs(place)["python-version"] == "3.11.2"
    given(python_version="3.12")
    with pytest.raises(StepError, match=r"setup-python: Python 3\.12 is not here; there is 3\.11\.2"):
        versions.python()
    (place / ".python-version").write_text("3.11\n")
    (place / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.12"\n')
    given(python_version_file=".python-version")
    versions.python()
    given(python_version_file="pyproject.toml")
    with pytest.raises(StepError, match=r"Python >=3\.12 is not here"):
        versions.python()
    given(python_version_file="absent")
    with pytest.raises(StepError, match="there is no file absent"):
        versions.python()
    for version in ("lts/*", "24", "v24.x"):
        given(node_version=version)
        versions.node()
    given(node_version="18")
    with pytest.raises(StepError, match=r"setup-node: Node\.js 18 is not here"):
        versions.node()
    assert "Python 3.11.2" in capsys.readouterr().out


# checkout


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=Kim", "-c", "user.email=kim@x", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def cloned(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The driver's clone, of a repository with two branches and a tag."""
    origin, folder = place.parent / "origin", place.parent / "repository"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    for name in ("one", "two", "three"):
        files(origin, name)
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", name)
    git(origin, "tag", "v1", "HEAD~1")
    git(origin, "branch", "old", "HEAD~2")
    git(place.parent, "clone", "-q", str(origin), str(folder))
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/ferry")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    monkeypatch.setenv("GITHUB_SHA", git(origin, "rev-parse", "HEAD"))
    return folder


def test_the_pushed_commit_is_checked_out_alone(place: Path, given: Given, cloned: Path) -> None:
    given()
    checkout.main()
    assert there(place / ".git") != []
    assert [name for name in there(place) if not name.startswith(".git/")] == ["one", "three", "two"]
    assert git(place, "rev-list", "--count", "HEAD") == "1"
    assert git(place, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert git(place, "remote", "get-url", "origin") == str(cloned.parent / "origin")
    assert outputs(place)["commit"] == git(cloned, "rev-parse", "HEAD")
    files(place, "left-over")
    given(fetch_depth="0")
    checkout.main()
    assert not (place / "left-over").exists()
    assert git(place, "rev-list", "--count", "HEAD") == "3"
    assert git(place, "tag") == "v1"
    assert "origin/old" in git(place, "branch", "--remotes")


@pytest.mark.parametrize(("ref", "count"), [("old", "1"), ("v1", "2"), ("refs/heads/old", "1"), ("main", "3")])
def test_another_ref_can_be_asked_for(place: Path, given: Given, cloned: Path, ref: str, count: str) -> None:
    given(ref=ref, path="there", fetch_depth="0")
    checkout.main()
    assert git(place / "there", "rev-list", "--count", "HEAD") == count
    assert cloned.is_dir()


def test_a_tag_and_a_sha_are_checked_out_detached(
    place: Path, given: Given, cloned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = git(cloned, "rev-parse", "HEAD~2")
    given(ref=sha, path="a")
    checkout.main()
    assert git(place / "a", "rev-parse", "HEAD") == sha
    monkeypatch.setenv("GITHUB_REF", "refs/tags/v1")
    monkeypatch.setenv("GITHUB_SHA", git(cloned, "rev-parse", "v1"))
    given(path="b")
    checkout.main()
    assert git(place / "b", "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(place / "b", "describe", "--tags") == "v1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repository": "o/other"}, "only this repository is here"),
        ({"sparse_checkout": "a"}, "the input sparse-checkout is not supported here"),
        ({"submodules": "recursive"}, "lfs and submodules are not supported here"),
        ({"path": "../x"}, "the path leads out of the workspace"),
        ({"ref": "nobody"}, "there is no branch, tag or full SHA 'nobody'"),
        ({"ref": "f" * 40}, "git fetch failed"),
    ],
)
def test_what_cannot_be_checked_out_is_told(given: Given, cloned: Path, changes: dict[str, str], words: str) -> None:
    given(**changes)
    with pytest.raises(StepError, match=words):
        checkout.main()
    assert cloned.is_dir()


def test_a_mistake_is_a_line_and_a_red_step(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    given(path="absent", if_no_files_found="error")
    assert program.main(["upload-artifact"]) == 1
    assert capsys.readouterr().out.startswith("::error::upload-artifact: no files")
    given(path="absent")
    assert program.main(["upload-artifact"]) == 0
