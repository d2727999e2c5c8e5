"""What only a real engine can show: who shares which namespace, and that disks have an end."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mde_grader.errors import StartFailedError
from mde_grader.runtimes.base import BuiltImage, Limits, Mount, Stack
from tests.conformance.kits import SERVE, Bench, DockerKit

pytestmark = pytest.mark.engine


@pytest.fixture
def bench(docker_kit: DockerKit, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(docker_kit, tmp_path)
    yield made
    made.close()
    assert made.left() == 0


def inspect(kit: DockerKit, container: str) -> dict[str, object]:
    about: dict[str, object] = kit.docker.engine.ask("GET", f"/containers/{container}/json")["HostConfig"]
    return about


@pytest.mark.parametrize(("user", "shares"), [("1000", True), ("0", False), ("nobody", True), ("root", False)])
def test_root_never_shares_our_processes(bench: Bench, docker_kit: DockerKit, user: str, shares: bool) -> None:
    service = bench.up(bench.service("web", user=user))["web"]
    host = inspect(docker_kit, service.container_id)
    assert str(host["PidMode"]).startswith("container:") is shares
    assert bool(host.get("Init")) is not shares


@pytest.mark.parametrize("inspected", [True, False])
def test_a_service_of_ours_is_looked_into_only_when_it_says_so(
    bench: Bench, docker_kit: DockerKit, inspected: bool
) -> None:
    service = bench.up(bench.service("web", user="10001", candidate=False, inspected=inspected))["web"]
    assert str(inspect(docker_kit, service.container_id)["PidMode"]).startswith("container:") is inspected


def test_a_name_that_hides_root_is_root(bench: Bench, docker_kit: DockerKit) -> None:
    image = bench.build("FROM BASE\nRUN echo 'sneaky:x:0:0::/:/bin/sh' >> /etc/passwd\nUSER sneaky\n")
    service = bench.up(bench.service("web", image=image.id, user=None))["web"]
    assert inspect(docker_kit, service.container_id)["PidMode"] == ""


@pytest.mark.parametrize("read_only", [True, False])
def test_an_image_with_a_command_alone_keeps_it_when_it_gets_files(bench: Bench, read_only: bool) -> None:
    program = SERVE.replace("BODY", "open('/run/secrets/word', 'rb').read()")
    image = bench.build(f"FROM BASE\nENTRYPOINT []\nCMD {json.dumps(['python3', '-I', '-S', '-c', program])}\n")
    files = {"/run/secrets/word": b"told when it starts"}
    spec = bench.service("web", image=image.id, entrypoint=None, files=files, read_only=read_only)
    stack = bench.up(spec)
    body = base64.b64decode(stack.session.call("http", url="http://web:8080/")["body"])
    assert body == b"told when it starts"


def test_a_volume_has_an_end(bench: Bench) -> None:
    spec = bench.service("filler", user="0", mounts=(Mount("data", "/data"),), limits=Limits(layer_mb=8))
    stack = bench.up(spec)
    body = base64.b64decode(stack.session.call("http", url="http://web:8080/")["body"])
    assert b"No space left" in body


def test_a_volume_that_an_image_declares_late_has_an_end_too(bench: Bench, docker_kit: DockerKit) -> None:
    image = bench.build("FROM BASE\nVOLUME /late\n")
    images: Future[dict[str, BuiltImage]] = Future()
    images.set_result({"web": image})
    stack = bench.up(bench.service("web", image=""), images=images)
    about: Any = docker_kit.docker.engine.ask("GET", f"/containers/{stack['web'].container_id}/json")
    (mount,) = about["Mounts"]
    assert mount["Destination"] == "/late"
    made = docker_kit.docker.engine.ask("GET", f"/volumes/{mount['Name']}")
    assert made["Options"]["type"] == "tmpfs"


def test_a_service_that_fills_its_root_is_stopped(bench: Bench) -> None:
    spec = bench.service("writer", user="0", read_only=False, limits=Limits(layer_mb=1))
    with pytest.raises(StartFailedError) as caught:
        fill(bench.up(spec))  # on a slow machine it is stopped before it is ready
    assert caught.value.rule == "start.layer"


def fill(stack: Stack) -> None:
    until = time.monotonic() + 30
    while stack["web"].state().running and time.monotonic() < until:
        time.sleep(0.2)
    stack.wait_ready()


def test_what_an_engine_is(docker_kit: DockerKit) -> None:
    info = docker_kit.runtime.info()
    assert info.name in {"docker", "podman"}
    assert info.version
    assert info.storage
    assert info.isolation.startswith("docker")
