"""The lab's cloud in its image: what is mended, and what its guard keeps closed over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from mde_grader.cli.engine import image_client
from mde_grader.runtimes.images import ensure

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HARDENED: dict[str, Any] = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
FAULTS = (Path(__file__).parent / "cloud_faults.py").read_text()

RAW = """
import socket, sys
cloud = socket.create_connection(("127.0.0.1", 5000), 5)
cloud.sendall(sys.argv[1].encode().decode("unicode_escape").encode("latin-1"))
cloud.settimeout(5)
said = b""
try:
    while more := cloud.recv(65536):
        said += more
        cloud.settimeout(1)
except TimeoutError:
    assert said, "no answer"
sys.stdout.write(said.decode("latin-1"))
"""
AUTH = (
    "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261125/{region}/{service}/aws4_request, "
    "SignedHeaders=host, Signature=0\r\n"
)
WAIT = "import socket,time\nwhile socket.socket().connect_ex(('127.0.0.1', 5000)): time.sleep(0.05)"


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = image_client()
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(client: docker.DockerClient) -> str:
    return next(image.tag for image in ensure(["cloud"], client) if image.name == "cloud")


@pytest.fixture(scope="module")
def cloud(client: docker.DockerClient, image: str) -> Iterator[Any]:
    running = client.containers.run(
        image,
        detach=True,
        network_mode="none",
        mem_limit="512m",
        tmpfs={"/tmp": "size=32m"},
        environment={"GUARD_TOKEN": "right"},
        **HARDENED,
    )
    try:
        code, _ = running.exec_run(["timeout", "30", "python3", "-P", "-c", WAIT])
        assert code == 0, running.logs().decode()
        yield running
    finally:
        running.remove(force=True)


def say(cloud: Any, request: str) -> str:
    """All that is answered until the connection ends, or is silent for a second."""
    code, answer = cloud.exec_run(["python3", "-P", "-c", RAW, request])
    assert code == 0, answer
    text: str = answer.decode("latin-1")
    return text


def said(client: docker.DockerClient, image: str, command: list[str]) -> str:
    """What Python says in the image; read after its end, as a log that is followed can lose its last line."""
    ended = client.containers.run(image, command, entrypoint="python3", network_mode="none", detach=True, **HARDENED)
    try:
        code = ended.wait()["StatusCode"]
        assert code == 0, ended.logs().decode()
        text: str = ended.logs(stderr=False).decode()
    finally:
        ended.remove(force=True)
    return text


def test_every_fault_shows_without_its_mend_and_none_with_it(client: docker.DockerClient, image: str) -> None:
    shown = {}
    for mode in ("bare", "mend"):
        shown[mode] = json.loads(said(client, image, ["-P", "-c", FAULTS, mode]))
    assert all(shown["bare"].values()), f"upstream has mended something: its mend can go: {shown['bare']}"
    assert not any(shown["mend"].values()), shown["mend"]


@pytest.mark.parametrize(
    "line",
    [
        "POST /moto-api/reset HTTP/1.1",
        "POST //moto-api/reset HTTP/1.1",
        "POST /./moto-api/reset HTTP/1.1",
        "POST /%6doto-api/reset HTTP/1.1",
        "POST /x/../moto-api/reset HTTP/1.1",
        "POST /moto-api%2Freset HTTP/1.1",
        "POST http://motoapi.amazonaws.com/moto-api/reset HTTP/1.1",
        "POST /moto-api/reset?x HTTP/1.0",
        "POST ///moto-api/reset#y HTTP/1.1",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1:5000", "motoapi.amazonaws.com", "moto-api.s3.amazonaws.com", "moto_api"])
@pytest.mark.parametrize("signed", [("", ""), ("s3", "us-east-1"), ("ec2", "us-east-1"), ("motoapi", "amazonaws.com")])
def test_nobody_resets_the_cloud(cloud: Any, line: str, host: str, signed: tuple[str, str]) -> None:
    service, region = signed
    auth = AUTH.format(service=service, region=region) if service else ""
    answer = say(cloud, f"{line}\r\nHost: {host}\r\n{auth}Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in {"400", "403", "404", "405", "411"}, answer
    assert '{"status": "ok"}' not in answer


@pytest.mark.parametrize("header", ["X-Guard-Token: wrong", "X_Guard_Token: right", "X-Guard-Token: right, right", ""])
def test_the_record_opens_to_the_token_alone(cloud: Any, header: str) -> None:
    answer = say(cloud, f"GET /guard/calls HTTP/1.1\r\nHost: x\r\n{header}{chr(13) + chr(10) if header else ''}\r\n")
    assert answer.split()[1] == "403", answer


def test_a_second_request_behind_a_first_gains_nothing(cloud: Any) -> None:
    inner = "GET /guard/calls HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: {len(inner)}\r\n\r\n0\r\n\r\n"
    assert '"calls"' not in say(cloud, head + inner)


def test_the_token_is_not_to_be_found_from_outside(cloud: Any) -> None:
    assert "HTTP/1.1 200" in say(cloud, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = say(cloud, "GET /guard/calls HTTP/1.1\r\nHost: x\r\nX-Guard-Token: right\r\nConnection: close\r\n\r\n")
    assert '"calls"' in answer
    assert "right" not in answer


def test_the_cloud_is_still_there_after_all_of_this(cloud: Any) -> None:
    cloud.reload()
    assert cloud.status == "running"
