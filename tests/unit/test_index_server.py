from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType

import pytest

from mde_grader.places import data_root


@pytest.fixture(scope="module")
def server() -> ModuleType:
    path = data_root() / "graders" / "images" / "index" / "server.py"
    spec = importlib.util.spec_from_file_location("index_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    for name in ("Flask-3.0-py3-none-any.whl", "typing_extensions-4.1-py3-none-any.whl", "flask-2.0-py3-none-any.whl"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def connection(server: ModuleType, wheels: Path) -> Iterator[HTTPConnection]:
    server.Handler.answers = server.contents(wheels)
    with server.Server(("127.0.0.1", 0), server.Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        client = HTTPConnection("127.0.0.1", running.server_address[1], timeout=5)
        yield client
        client.close()
        running.shutdown()


def get(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("path", ["/simple/flask/", "/simple/flask", "/simple/Flask/", "/simple/FLASK/?x=1"])
def test_a_project_lists_its_wheels_under_every_way_to_write_its_name(connection: HTTPConnection, path: str) -> None:
    status, body = get(connection, path)
    assert status == 200
    assert body.count(b"<a href=") == 2
    digest = hashlib.sha256(b"Flask-3.0-py3-none-any.whl").hexdigest()
    assert f"/wheels/Flask-3.0-py3-none-any.whl#sha256={digest}".encode() in body


@pytest.mark.parametrize("name", ["typing-extensions", "typing_extensions", "Typing.Extensions", "typing--extensions"])
def test_names_are_compared_as_the_standard_says(connection: HTTPConnection, name: str) -> None:
    assert get(connection, f"/simple/{name}/")[0] == 200


def test_the_root_lists_each_project_once(connection: HTTPConnection) -> None:
    status, body = get(connection, "/simple/")
    assert (status, body.count(b"<a href=")) == (200, 2)


def test_a_wheel_is_sent_whole(connection: HTTPConnection) -> None:
    assert get(connection, "/wheels/flask-2.0-py3-none-any.whl") == (200, b"flask-2.0-py3-none-any.whl")


@pytest.mark.parametrize(
    "path", ["/simple/django/", "/wheels/../server.py", "/wheels/nothing.whl", "/", "/wheels/", "/etc/passwd", "//x"]
)
def test_what_is_not_in_the_index_is_not_found(connection: HTTPConnection, path: str) -> None:
    assert get(connection, path)[0] == 404


def test_every_request_is_told_on_standard_output(
    connection: HTTPConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    get(connection, "/simple/flask/")
    get(connection, "/simple/django/")
    assert capsys.readouterr().out.splitlines() == ["GET /simple/flask/", "GET /simple/django/"]


def test_a_project_with_a_strange_name_cannot_write_into_the_page(server: ModuleType) -> None:
    assert b"<script>" not in server.page([('/simple/"><script>/', "<script>")])
