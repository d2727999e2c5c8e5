"""The side container on a real engine, beside services that lie, hide and attack."""

from __future__ import annotations

import base64
import io
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import docker.errors
import pytest

from mde_grader.checking.hosts import Hosts, InspectionRefusedError, ServiceHost
from mde_grader.checking.native.view import FactMissingError
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack
from mde_grader.runtimes.inspector import agent as agent_package
from mde_grader.runtimes.inspector.client import AttachedSession
from mde_grader.runtimes.inspector.session import SessionError

pytestmark = pytest.mark.engine

SIDE = "mde-grade/side:latest"
END_SECONDS = 3.0
"""The processes are gone within a second; the rest is the engine noticing it on a busy machine."""
CAPABILITIES = ["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_CHROOT"]
LIE = b"#!/opt/mde/busybox sh\necho 'LISTEN 0 0 0.0.0.0:1 uid=0(root) lies /nope'\nexit 0\n"
APP = b"""
import http.server, os, sys
with open("/tmp/attack", "w") as out:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        for name, act in (
            ("kill", lambda: os.kill(int(pid), 9)),
            ("mem", lambda: open(f"/proc/{pid}/mem", "r+b")),
            ("environ", lambda: open(f"/proc/{pid}/environ").read()),
            ("root", lambda: os.listdir(f"/proc/{pid}/root/opt/mde/agent")),
        ):
            try:
                act()
                print(name, pid, "done", file=out)
            except OSError as error:
                print(name, pid, "refused", file=out)
os.mkfifo("/tmp/fifo")
with open("/tmp/big", "wb") as big:
    big.truncate(400 * 1024 * 1024)
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def context_of(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str] | None = None) -> io.BytesIO:
    """A build context; content and mode by path."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    out.seek(0)
    return out


class Bench:
    """Things on the engine that end with the tests."""

    def __init__(self) -> None:
        self.api = docker.from_env(timeout=60).api
        self.mark = uuid.uuid4().hex[:12]
        self._containers: list[str] = []
        self._images: list[str] = []

    def image(self, name: str, context: io.BytesIO) -> str:
        tag = f"mde-test/{name}:{self.mark}"
        for line in self.api.build(fileobj=context, custom_context=True, tag=tag, decode=True, rm=True, forcerm=True):
            assert "error" not in line, line
        self._images.append(tag)
        return tag

    def create(self, image: str, command: list[str] | None = None, **options: Any) -> str:
        host = {
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "network_mode": "none",
            "log_config": {"Type": "none"},
            "mem_limit": "256m",
            "pids_limit": 128,
        }
        settings = {key: options.pop(key) for key in ("user", "stdin_open", "environment") if key in options}
        created = self.api.create_container(
            image, command, host_config=self.api.create_host_config(**{**host, **options}), **settings
        )
        self._containers.append(created["Id"])
        return str(created["Id"])

    def side(self, image: str, **environment: str) -> tuple[str, AttachedSession]:
        container = self.create(
            image, cap_add=CAPABILITIES, init=True, read_only=True, stdin_open=True, environment=environment
        )
        parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        session = AttachedSession(self.api.attach_socket(container, params=parameters))
        self.api.start(container)
        return container, session

    def run(self, image: str, command: list[str] | None = None, **options: Any) -> str:
        container = self.create(image, command, **options)
        self.api.start(container)
        return container

    def seconds_until_ended(self, container: str, started: float) -> float:
        self.api.wait(container, timeout=20)
        return time.monotonic() - started

    def close(self) -> None:
        for container in reversed(self._containers):
            with suppress(docker.errors.APIError):
                self.api.remove_container(container, force=True, v=True)
        for image in self._images:
            with suppress(docker.errors.APIError):
                self.api.remove_image(image, force=True)
        self.api.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture(scope="module")
def side_image(bench: Bench) -> str:
    """The side image with the agent as it is in this checkout."""
    folder = Path(agent_package.__file__).parent
    files = {f"agent/{path.name}": (path.read_bytes(), 0o644) for path in folder.glob("*.py")}
    files["Dockerfile"] = (f"FROM {SIDE}\nCOPY agent /opt/mde/agent\n".encode(), 0o644)
    return bench.image("side", context_of(files))


@pytest.fixture(scope="module")
def lying_image(bench: Bench) -> str:
    """Every program that a check could ask is a liar, and so is the PATH."""
    liars = ("sh", "cat", "ss", "netstat", "stat", "ps", "id", "test", "getent", "grep", "ls", "dpkg-query", "uname")
    dockerfile = f"""FROM {SIDE}
COPY fake /fake
COPY fake/sh /bin/sh
COPY fake/cat fake/ls fake/stat fake/ps /usr/bin/
COPY app.py /app/app.py
COPY passwd /etc/passwd
COPY secret /root/secret
COPY links /app/links
ENV PATH=/fake:/usr/bin LD_PRELOAD=/fake/none
USER 1000:1000
ENTRYPOINT ["python3", "-I", "/app/app.py"]
"""
    files = {f"fake/{name}": (LIE, 0o755) for name in liars}
    files |= {
        "Dockerfile": (dockerfile.encode(), 0o644),
        "app.py": (APP, 0o644),
        "passwd": (b"root:x:0:0::/inside:/none\napp:x:1000:1000::/app:/none\n", 0o644),
        "secret": (b"only root reads this", 0o700),
    }
    return bench.image(
        "lying", context_of(files, {"links/absolute": "/etc/passwd", "links/out": "/proc/1/root/etc/passwd"})
    )


@pytest.fixture(scope="module")
def scratch_image(bench: Bench) -> str:
    dockerfile = f"""FROM {SIDE} AS tools
FROM scratch
COPY --from=tools /opt/mde/busybox /busybox
USER 1234
ENTRYPOINT ["/busybox", "httpd", "-f", "-p", "127.0.0.1:9090"]
"""
    return bench.image("scratch", context_of({"Dockerfile": (dockerfile.encode(), 0o644)}))


class Stage(dict[str, SimpleNamespace]):
    """Enough of a stack for hosts and probe."""

    session: AttachedSession


@pytest.fixture(scope="module")
def stage(bench: Bench, side_image: str, lying_image: str, scratch_image: str) -> Iterator[Stage]:
    side, session = bench.side(side_image, MDE_DEADLINE_SECONDS="120", MDE_HOSTS="web=127.0.0.1")
    shared: dict[str, Any] = {"pid_mode": f"container:{side}"}
    services = {
        "web": bench.run(lying_image, ["0.0.0.0", "8080"], network_mode=f"container:{side}", **shared),
        "alone": bench.run(lying_image, ["127.0.0.1", "7070"], user="1001", **shared),
        "scratch": bench.run(scratch_image, **shared),
        "apart": bench.run(lying_image, ["127.0.0.1", "6060"]),
    }
    stage = Stage({name: SimpleNamespace(container_id=container) for name, container in services.items()})
    stage.session = session
    session.call("wait", url="http://web:8080/", seconds=10)
    for name, port in (("alone", 7070), ("scratch", 9090)):
        await_port(session, stage[name].container_id, port)
    yield stage
    session.close()


def await_port(session: AttachedSession, service: str, port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(SessionError):
            if any(row["port"] == port for row in session.call("sockets", service=service)["sockets"]):
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture(scope="module")
def hosts(stage: Stage) -> Hosts:
    return Hosts(cast("Stack", stage))


@pytest.fixture
def web(hosts: Hosts) -> ServiceHost:
    return hosts["web"]


def test_lies_are_not_believed(web: ServiceHost) -> None:
    assert not web.socket("tcp://0.0.0.0:1").is_listening
    assert not web.file("/nope").exists
    assert not web.process.filter(comm="lies")
    assert web.user("root").home == "/inside"
    assert web.user().name == "app"
    assert not web.package("lies").is_installed
    result = web.run("id -u; cat /etc/passwd; test -e /nope || echo absent; ls /app")
    assert result.stdout.split() == [
        "0",
        "root:x:0:0::/inside:/none",
        "app:x:1000:1000::/app:/none",
        "absent",
        "app.py",
        "links",
    ]


def test_facts_of_the_service(web: ServiceHost) -> None:
    assert web.socket("tcp://0.0.0.0:8080").is_listening
    main = web.process.get(main=True)
    assert (main.user, main.comm, main.cap_eff, main.no_new_privs) == ("app", "python3", "0" * 16, True)
    assert web.environment()["PATH"] == "/fake:/usr/bin"
    assert web.mount_point("/").filesystem in {"overlay", "btrfs", "zfs", "fuse-overlayfs"}


def test_what_only_root_may_read(web: ServiceHost) -> None:
    assert web.file("/root/secret").content == b"only root reads this"
    assert web.run("cat /root/secret").stdout == "only root reads this"


def test_links_stay_inside(web: ServiceHost) -> None:
    assert "/inside" in web.file("/app/links/absolute").content_string
    assert web.file("/app/links/absolute").linked_to == "/etc/passwd"
    assert not web.file("/app/links/out").exists


def test_traps_are_not_stepped_into(web: ServiceHost) -> None:
    started = time.monotonic()
    assert web.file("/tmp/fifo").is_pipe
    for path in ("/tmp/fifo", "/tmp/big", "/dev/zero"):
        with pytest.raises(FactMissingError):
            _ = web.file(path).content
    assert time.monotonic() - started < 2


def test_a_large_file_is_cut_at_the_limit(stage: Stage) -> None:
    answer = stage.session.call("read", service=stage["web"].container_id, path="/tmp/big", limit=100_000)
    assert (len(base64.b64decode(answer["data"])), answer["truncated"]) == (100_000, True)
    assert answer["size"] == 400 * 1024 * 1024


def test_the_service_could_not_attack(web: ServiceHost) -> None:
    lines = web.file("/tmp/attack").content_string.splitlines()
    assert len(lines) >= 8
    foreign = [line for line in lines if line.endswith("done")]
    assert foreign == []


def test_an_image_without_a_shell(hosts: Hosts, stage: Stage) -> None:
    host = hosts["scratch"]
    assert host.socket("tcp://127.0.0.1:9090").is_listening
    assert host.file("/busybox").is_executable
    assert host.process.get(main=True).uid == 1234
    assert host.user().name == "1234"
    assert not host.exists("sh")
    assert host.run("ls / | sort | head -3; exit 4").rc == 4
    assert (
        stage.session.call("search", service=stage["scratch"].container_id, path="/", needles=["eHh4eHh4eHg="])["hits"]
        == []
    )


def test_own_network_namespaces_are_told_apart(hosts: Hosts) -> None:
    assert hosts["alone"].socket("tcp://127.0.0.1:7070").is_listening
    assert not hosts["alone"].socket("tcp://127.0.0.1:8080").is_listening
    assert not hosts["web"].socket("tcp://127.0.0.1:7070").is_listening


def test_a_service_that_stands_apart(hosts: Hosts) -> None:
    with pytest.raises(InspectionRefusedError, match="kept apart"):
        _ = hosts["apart"].file("/").exists
    with pytest.raises(InspectionRefusedError, match="kept apart"):
        hosts["apart"].run("true")


def test_the_probe(stage: Stage) -> None:
    answer = Probe(stage.session).get("http://web:8080/etc/passwd")
    assert answer.status == 200
    assert "/inside" in answer.text
    report = Probe(stage.session).load("http://web:8080/nope", total=100, concurrency=4)
    assert report.statuses == {404: 100}


def best_ms(act: Callable[[], object], times: int = 40) -> float:
    """The quickest of several, so that a busy machine does not decide."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        spent.append(time.perf_counter() - started)
    return min(spent) * 1000


def test_a_fact_costs_milliseconds(web: ServiceHost, stage: Stage) -> None:
    probe = Probe(stage.session)
    for name, most, act in (
        ("file", 5, lambda: web.file("/etc/passwd").exists),
        ("socket", 8, lambda: web.socket("tcp://0.0.0.0:8080").is_listening),
        ("process", 15, lambda: web.process.get(main=True).pid),
        ("http", 15, lambda: probe.get("http://web:8080/etc/passwd")),
        ("run", 40, lambda: web.run("true")),
    ):
        assert best_ms(act) < most, name


@pytest.mark.parametrize("end", ["detach-by-close", "side-killed", "deadline"])
def test_everything_ends_with_the_session(bench: Bench, side_image: str, lying_image: str, end: str) -> None:
    side, session = bench.side(side_image, MDE_DEADLINE_SECONDS="6" if end == "deadline" else "60")
    started = time.monotonic()
    services = [
        bench.run(lying_image, ["127.0.0.1", str(port)], pid_mode=f"container:{side}", user=str(port))
        for port in (5001, 5002)
    ]
    session.call("hello")
    if end == "side-killed":
        started = time.monotonic()
        bench.api.kill(side)
    elif end == "detach-by-close":
        started = time.monotonic()
        session.close()
    else:
        started += 6
    for container in (side, *services):
        assert bench.seconds_until_ended(container, started) < END_SECONDS
    with pytest.raises(SessionError, match="gone"):
        session.call("hello", seconds=2)
    session.close()


def test_kept_open_it_outlives_the_session(bench: Bench, side_image: str) -> None:
    side, session = bench.side(side_image, MDE_DEADLINE_SECONDS="3")
    session.call("detach")
    session.close()
    time.sleep(1)
    assert bench.api.inspect_container(side)["State"]["Running"]
    assert bench.seconds_until_ended(side, time.monotonic()) < 8


def test_what_is_left_of_its_privileges(stage: Stage) -> None:
    answer = stage.session.call("processes", service="")["processes"]
    agent = next(row for row in answer if "__main__.py" in " ".join(row["cmdline"]) and row["name"] == "python3")
    assert agent["cap_eff"] == f"{1 << 2 | 1 << 18 | 1 << 19:016x}"
    assert agent["no_new_privs"]
