from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mde_grader.errors import EngineError
from mde_grader.runtimes.images import bases
from mde_grader.runtimes.images.store import inventory, labels
from tests.unit.images_fakes import fake_client

DIGEST = "sha256:" + "ab" * 32
TAG = "mde-grade/base:0123"
MARKS = labels("0123", how="stand-in", digest="", stamp="")


def test_a_pulled_image_is_known_by_its_digest() -> None:
    assert bases.pull("debian:12", fake_client(registry={"debian:12": DIGEST})) == f"debian@{DIGEST}"


def test_no_registry_is_no_image() -> None:
    assert bases.pull("debian:12", fake_client()) is None


def test_an_error_in_the_middle_of_a_pull_is_no_image() -> None:
    client = fake_client(registry={"debian:12": DIGEST})
    client.pull = lambda *_, **__: iter([{"status": "pulling"}, {"error": "unexpected EOF"}])
    assert bases.pull("debian:12", client) is None


def test_an_image_that_is_there_without_a_digest_does_not_count_as_pulled() -> None:
    client = fake_client(registry={"debian:12": DIGEST})
    client.images.get = lambda _: SimpleNamespace(attrs={"RepoDigests": None})
    assert bases.pull("debian:12", client) is None


def test_a_registry_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def silent(*_: Any, **__: Any) -> Any:
        yield {"status": "pulling"}
        stop.wait(10)

    monkeypatch.setattr(bases, "PULL_SILENCE", 0.05)
    client = fake_client()
    client.pull = silent
    assert bases.pull("debian:12", client) is None
    stop.set()


class Tool:
    """Stands in for mmdebstrap."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int = 0, stderr: str = "") -> None:
        self.command: list[str] = []
        self.code, self.stderr = code, stderr
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(bases, "bootstrap_tool", lambda: "/usr/bin/mmdebstrap")
        monkeypatch.delenv(bases.MIRROR_VARIABLE, raising=False)

    def run(self, command: list[str], **_: Any) -> SimpleNamespace:
        self.command = command
        if not self.code:
            next(Path(word) for word in command if word.endswith(".tar")).write_bytes(b"a file system")
        return SimpleNamespace(returncode=self.code, stderr=self.stderr)


def test_a_bootstrapped_base_is_stamped_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    Tool(monkeypatch)
    client = fake_client()
    bases.bootstrap(TAG, MARKS, client)
    image = inventory(client)["base"][0]
    assert (image.tag, image.how, image.digest) == (TAG, "stand-in", "")
    assert image.stamp == hashlib.sha256(b"a file system").hexdigest()
    assert client.rows[0]["RepoTags"] == [TAG, "mde-grade/base:latest"]


def test_a_bootstrapped_base_has_the_security_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool(monkeypatch)
    bases.bootstrap(TAG, MARKS, fake_client())
    sources = [word for word in tool.command if word.startswith("deb ")]
    assert [source.split()[3] for source in sources] == ["bookworm", "bookworm-updates", "bookworm-security"]
    assert all("signed-by=" in source for source in sources)


def test_another_mirror_is_used_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool(monkeypatch)
    monkeypatch.setenv(bases.MIRROR_VARIABLE, "http://mirror.example/debian/")
    bases.bootstrap(TAG, MARKS, fake_client())
    addresses = {word.split()[2] for word in tool.command if word.startswith("deb ")}
    assert addresses == {"http://mirror.example/debian", "http://mirror.example/debian-security"}


def test_a_mirror_that_fails_is_one_line_with_the_tools_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    Tool(monkeypatch, code=1, stderr="I: starting\nE: Failed to fetch http://x\nE: apt-get failed\nI: cleaning\n")
    client = fake_client()
    with pytest.raises(EngineError, match="E: Failed to fetch") as caught:
        bases.bootstrap(TAG, MARKS, client)
    assert bases.MIRROR in caught.value.hint
    assert client.rows == []


@pytest.mark.parametrize(("stderr", "reason"), [("", "no reason given"), ("a\nlast words\n\n", "last words")])
def test_a_tool_that_gives_no_error_line_is_quoted_as_well_as_can_be(
    monkeypatch: pytest.MonkeyPatch, stderr: str, reason: str
) -> None:
    Tool(monkeypatch, code=1, stderr=stderr)
    with pytest.raises(EngineError, match=reason):
        bases.bootstrap(TAG, MARKS, fake_client())


def test_a_missing_tool_is_one_line_that_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EngineError, match="mmdebstrap") as caught:
        bases.bootstrap_tool()
    assert "apt-get install mmdebstrap" in caught.value.hint


def test_the_tool_without_debians_keys_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/mmdebstrap")
    monkeypatch.setattr(bases, "KEYRING", str(tmp_path / "none"))
    with pytest.raises(EngineError, match="mmdebstrap"):
        bases.bootstrap_tool()
    (tmp_path / "none").touch()
    assert bases.bootstrap_tool() == "/usr/bin/mmdebstrap"
