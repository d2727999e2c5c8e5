"""The small service that candidates configure, and what checks read of it."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from graders.ansible.boards import Shown, shown, texts_in
from mde_grader.checking.probe import Headers, Probe, Response
from mde_grader.places import data_root
from tests.unit.fake_proc import DirectSession

PROBE = Probe(DirectSession())


@pytest.fixture(scope="module")
def board() -> ModuleType:
    path = data_root() / "graders" / "images" / "ssh-target" / "board.py"
    spec = importlib.util.spec_from_file_location("ssh_target_board", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "board.conf").write_text("# ours\n\nport=0\n berth = 4 \npeers = b, a\n")
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "fog.txt").write_text("Fog\n")
    (tmp_path / "notices" / "draft.md").write_text("no notice\n")
    return tmp_path


@pytest.fixture
def address(board: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(board, "WARM_SECONDS", 0.05)
    monkeypatch.setattr(board, "READY", folder / "ready")
    with board.Server(folder) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        here = f"http://127.0.0.1:{server.server_address[1]}"
        assert PROBE.get(f"{here}/ready").status == 503
        threading.Thread(target=server.warm_up, daemon=True).start()
        yield here
        server.shutdown()


def test_what_it_shows(address: str, folder: Path) -> None:
    seen = shown(PROBE, {"a": address}, ("secret", "other", "\u00e9"))["a"]
    assert seen == Shown(
        ready=True,
        settings={"port": "0", "berth": "4", "peers": "b, a"},
        notices={"fog": "Fog"},
        doors={"secret": 200, "other": 403, "\u00e9": 403},
    )
    assert seen.words(["peers", "none"]) == {"peers": {"a", "b"}, "none": frozenset()}
    assert (folder / "ready").exists()


def test_the_door_is_shut_without_a_token_and_elsewhere_is_nothing(address: str) -> None:
    assert PROBE.get(f"{address}/tides").status == 403
    assert PROBE.get(f"{address}/token").status == 404


def test_notices_are_read_each_time(address: str, folder: Path) -> None:
    (folder / "notices" / "late.txt").write_text("Late")
    assert PROBE.get(f"{address}/notices").json() == {"fog": "Fog\n", "late": "Late"}


def test_an_empty_token_opens_nothing(board: ModuleType, folder: Path) -> None:
    (folder / "token").write_text("\n")
    with board.Server(folder) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/tides"
        assert PROBE.get(url, headers={"Authorization": "Bearer "}).status == 403
        server.shutdown()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port\n", "ValueError: not a setting: 'port'"),
        ("berth = 4\n", "KeyError: 'port'"),
        ("port = high\n", "ValueError"),
    ],
)
def test_settings_that_cannot_be_read(
    board: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (folder / "board.conf").write_text(text)
    monkeypatch.setattr("sys.argv", ["board", str(folder)])
    with pytest.raises(SystemExit, match=told):
        board.main()


def test_a_board_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.ansible.boards.READY_SECONDS", 0.01)
    assert shown(PROBE, {"a": "http://127.0.0.1:1"}, ("t",)) == {"a": Shown(doors={"t": 0})}
    assert shown(PROBE, {}, ()) == {}


@pytest.mark.parametrize("body", [b"[1]", b"no JSON", b"\xff"])
def test_what_is_no_object_has_no_texts(body: bytes) -> None:
    assert texts_in(Response("http://a/", 200, Headers([]), body, False, 0.0)) == {}
