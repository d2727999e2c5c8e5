"""Testinfra's host over a made-up service: same names, same meaning, none of the service's programs."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import testinfra.host
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.hosts import Hosts, InspectionRefusedError, ServiceHost
from mde_grader.checking.native.accounts import parse_group, parse_passwd
from mde_grader.checking.native.base import NotNativeError
from mde_grader.checking.native.packages import parse_apk, parse_dpkg
from mde_grader.checking.native.view import READ_LIMIT, FactMissingError, ServiceView
from mde_grader.runtimes.base import Stack
from mde_grader.runtimes.inspector.session import Session, SessionError
from tests.unit.fake_proc import WEB, DirectSession, FakeProc, proc
from tests.unit.local_agent import local_session

__all__ = ["proc"]

PASSWD = "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000:App,,:/srv/app:/sbin/nologin\nbad line\nx:y:z:0:::\n"
GROUP = "root:x:0:\napp:x:1000:\nlogs:x:50:app,other\nbad\n"


class OneServiceStack(dict[str, SimpleNamespace]):
    """Enough of a stack: one service that can be looked into, one that cannot."""

    def __init__(self, session: Session) -> None:
        super().__init__(web=SimpleNamespace(container_id=WEB), root=SimpleNamespace(container_id="f" * 64))
        self.session = session


def hosts_over(session: Session) -> Hosts:
    return Hosts(cast("Stack", OneServiceStack(session)))


@pytest.fixture
def host(proc: FakeProc) -> ServiceHost:
    proc.write("/etc/passwd", PASSWD)
    proc.write("/etc/group", GROUP)
    proc.write("/srv/app/config.ini", "[main]\nsite = caf\u00e9\n", mode=0o640)
    (proc.root / "srv/link").symlink_to("/srv/app/config.ini")
    return hosts_over(DirectSession())["web"]


def test_it_is_a_testinfra_host(host: ServiceHost) -> None:
    assert isinstance(host, testinfra.host.Host)
    assert host.backend.get_pytest_id() == "mde://web"


def test_file(host: ServiceHost, proc: FakeProc) -> None:
    file = host.file("/srv/app/config.ini")
    place = proc.root / "srv/app/config.ini"
    assert file.exists
    assert file.is_file
    assert not file.is_directory
    assert not file.is_symlink
    assert not file.is_executable
    assert not file.is_pipe
    assert not file.is_socket
    assert file.mode == 0o640
    assert file.size == place.stat().st_size
    assert file.uid == place.stat().st_uid
    assert file.gid == place.stat().st_gid
    assert file.content == place.read_bytes()
    assert file.content_string == place.read_text()
    assert file.mtime.timestamp() == pytest.approx(place.stat().st_mtime)
    assert len(file.sha256sum) == 64
    assert len(file.md5sum) == 32
    assert file.contains("^site = caf")
    assert not file.contains("^caf")
    assert host.file("/srv/app").listdir() == ["config.ini"]
    assert host.file("/srv/app").is_directory


def test_names_of_owners_come_from_the_service(host: ServiceHost, monkeypatch: pytest.MonkeyPatch) -> None:
    file = host.file("/srv/app/config.ini")
    monkeypatch.setattr(type(file), "uid", 1000)
    monkeypatch.setattr(type(file), "gid", 50)
    assert (file.user, file.group) == ("app", "logs")
    monkeypatch.setattr(type(file), "uid", 4242)
    assert file.user == "UNKNOWN"


def test_link(host: ServiceHost) -> None:
    link = host.file("/srv/link")
    assert link.is_symlink
    assert link.is_file
    assert link.linked_to == "/srv/app/config.ini"


def test_a_missing_file(host: ServiceHost) -> None:
    file = host.file("/nope")
    assert not file.exists
    assert not file.is_file
    assert not file.contains("x")
    for fact in ("mode", "content", "size", "sha256sum", "user"):
        with pytest.raises(FactMissingError, match="/nope"):
            getattr(file, fact)


def test_a_large_file_is_a_failure_and_not_a_part(host: ServiceHost, proc: FakeProc) -> None:
    proc.write("/big", b"x" * (READ_LIMIT + 1))
    with pytest.raises(FactMissingError, match=f"a file of {READ_LIMIT + 1} bytes"):
        _ = host.file("/big").content


def test_a_fifo_is_a_failure(host: ServiceHost, proc: FakeProc) -> None:
    os.mkfifo(proc.root / "fifo")
    assert host.file("/fifo").is_pipe
    with pytest.raises(FactMissingError, match="fifo"):
        _ = host.file("/fifo").content


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("tcp://127.0.0.1:8080", True),
        ("tcp://0.0.0.0:8080", False),
        ("tcp://8080", False),
        ("tcp://80", True),
        ("tcp://:::80", True),
        ("tcp://81", False),
        ("udp://8080", False),
        ("unix:///run/app.sock", True),
        ("unix:///run/other.sock", False),
    ],
)
def test_socket(host: ServiceHost, spec: str, wanted: object) -> None:
    assert host.socket(spec).is_listening is wanted


def test_listening_sockets_and_clients(host: ServiceHost) -> None:
    assert host.socket.get_listening_sockets() == ["tcp://127.0.0.1:8080", "tcp://:::80", "unix:///run/app.sock"]
    assert host.socket("tcp://8080").clients == [("192.168.0.9", 54321)]


def test_process(host: ServiceHost) -> None:
    (web,) = host.process.filter(comm="web")
    assert (web.pid, web.user, web.group, web.args, web.rss, web.main) == (20, "app", "app", "web --secret", 2048, True)
    assert [process.pid for process in host.process.filter(user="app")] == [20, 7]
    assert host.process.get(main=True).pid == 20
    assert host.process.filter(comm="nope") == []
    with pytest.raises(AttributeError, match="pcpu"):
        _ = web.pcpu


@pytest.mark.parametrize("filters", [{"comm": "nope"}, {"user": "app"}])
def test_not_one_process_is_the_candidates(host: ServiceHost, filters: dict[str, str]) -> None:
    with pytest.raises(CheckFailedError, match="processes"):
        host.process.get(**filters)


def test_user(host: ServiceHost) -> None:
    app = host.user("app")
    assert app.exists
    assert (app.uid, app.gid, app.home, app.shell, app.gecos) == (1000, 1000, "/srv/app", "/sbin/nologin", "App,,")
    assert (app.group, app.groups, app.gids) == ("app", ["app", "logs"], [1000, 50])
    assert host.user().name == "app"
    assert host.user("app").get_all_users == ["root", "app"]
    assert not host.user("nobody").exists
    with pytest.raises(FactMissingError, match="does not list it"):
        _ = host.user("nobody").uid


def test_group(host: ServiceHost) -> None:
    assert host.group("logs").exists
    assert (host.group("logs").gid, host.group("logs").members) == (50, ["app", "other"])
    assert host.group("logs").get_all_groups == ["root", "app", "logs"]
    assert not host.group("nope").exists
    with pytest.raises(FactMissingError, match="does not list it"):
        _ = host.group("nope").gid


def test_an_image_without_passwd(proc: FakeProc) -> None:
    host = hosts_over(DirectSession())["web"]
    assert not host.user("root").exists
    assert host.user().name == "1000"
    assert host.process.get(main=True).user == "1000"
    assert not host.package("curl").is_installed


def test_packages(host: ServiceHost, proc: FakeProc) -> None:
    proc.write(
        "/var/lib/dpkg/status",
        "Package: curl\nStatus: install ok installed\nVersion: 7.88-1\n\nPackage: gone\n"
        "Status: deinstall ok config-files\nVersion: 1\n",
    )
    proc.write("/var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a\n")
    proc.write("/var/lib/dpkg/status.d/tzdata.md5sums", "Package: no\n")
    assert host.package("curl").is_installed
    assert host.package("curl").version == "7.88-1"
    assert host.package("tzdata").version == "2024a"
    assert not host.package("gone").is_installed
    assert not host.package("no").is_installed
    with pytest.raises(FactMissingError, match="not installed"):
        _ = host.package("gone").version


def test_apk_packages(host: ServiceHost, proc: FakeProc) -> None:
    proc.write("/lib/apk/db/installed", "P:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36.1-r5\n")
    assert (host.package("musl").version, host.package("musl").release) == ("1.2.4", "r2")
    assert host.package("busybox").is_installed


@given(st.text(max_size=300))
def test_tables_of_any_kind_are_read(text: str) -> None:
    for parse in (parse_passwd, parse_group, parse_dpkg, parse_apk):
        assert len(parse(text)) <= text.count("\n") + text.count("\r") + 300


def test_mounts_and_environment(host: ServiceHost) -> None:
    root = host.mount_point("/")
    assert root.exists
    assert (root.filesystem, root.options) == ("overlay", ["ro", "relatime", "size=1k"])
    assert not host.mount_point("/nope").exists
    assert len(host.mount_point.get_mountpoints()) == 2
    assert host.environment() == {"PATH": "/app/bin:/usr/bin", "TOKEN": "x=y"}


def test_commands_are_looked_for_in_the_services_own_path(host: ServiceHost, proc: FakeProc) -> None:
    proc.write("/app/bin/tool", mode=0o755)
    proc.write("/usr/bin/plain", mode=0o644)
    proc.write("/sbin/extra", mode=0o755)
    assert host.exists("tool")
    assert not host.exists("plain")
    assert not host.exists("sh")
    assert host.find_command("extra") == "/sbin/extra"
    with pytest.raises(ValueError, match="cannot find"):
        host.find_command("extra", extrapaths=())


@pytest.mark.parametrize("name", ["pip", "service", "sudo", "docker", "salt", "interface", "addr", "nope"])
def test_modules_that_would_believe_the_image_are_refused(host: ServiceHost, name: str) -> None:
    with pytest.raises(NotNativeError, match=name):
        getattr(host, name)


def test_facts_that_need_a_program_are_refused(host: ServiceHost) -> None:
    with pytest.raises(NotNativeError, match="not believed"):
        _ = host.user("app").expiration_date


def test_the_grading_machine_is_out_of_reach(host: ServiceHost) -> None:
    for spec in ("local://", "ssh://x", "docker://x"):
        with pytest.raises(NotNativeError, match="no connection"):
            host.get_host(spec)
    with pytest.raises(NotNativeError, match="no connection"):
        host.get_hosts("local://")
    with pytest.raises(NotNativeError, match="machine that grades"):
        host.backend.run_local("id")


def test_a_service_that_stands_apart_is_the_candidates(proc: FakeProc) -> None:
    host = hosts_over(DirectSession())["root"]
    with pytest.raises(InspectionRefusedError, match="runs as root") as caught:
        _ = host.file("/").exists
    assert isinstance(caught.value, AssertionError)


def test_an_unknown_service_is_the_checks(proc: FakeProc) -> None:
    with pytest.raises(KeyError):
        hosts_over(DirectSession())["nope"]


@pytest.mark.parametrize(
    ("kind", "wanted"), [("gone", SessionError), ("bad-request", ValueError), ("timeout", FactMissingError)]
)
def test_whose_fault_it_is(kind: str, wanted: type[Exception]) -> None:
    class Failing(DirectSession):
        def call(self, op: str, *, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:
            raise SessionError(kind, "because")

    view = ServiceView(cast("Stack", OneServiceStack(Failing())), "web")
    with pytest.raises(wanted, match="because"):
        view.ask("stat", path="/")


@pytest.mark.skipif(os.getuid() != 0 or not Path("/bin/busybox").exists(), reason="needs root and /bin/busybox")
class TestRun:
    @pytest.fixture
    def host(self, tmp_path: Path) -> Any:
        fake = FakeProc(tmp_path)
        fake.add(20, "web", cgroup=f"/docker/{WEB}")
        fake.write("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
        fake.write("/bin/cat", "#!/bin/sh\necho lies\n", mode=0o755)
        with local_session({"MDE_PROC": str(fake.base)}) as session:
            yield hosts_over(session)["web"]

    def test_output_and_code(self, host: ServiceHost) -> None:
        result = host.run("read line < %s; echo $line; echo caf\u00e9 >&2; exit 3", "/etc/os-release")
        assert (result.rc, result.stdout.splitlines()[0], result.stderr) == (3, "ID=debian", "caf\u00e9\n")
        assert host.check_output("echo %s", "a b; c") == "a b; c"

    def test_bytes_that_are_not_text(self, host: ServiceHost) -> None:
        assert host.run("printf '\\377'").stdout == "\ufffd"

    def test_a_flood_is_a_failed_check(self, host: ServiceHost) -> None:
        with pytest.raises(CheckFailedError, match="wrote more"):
            host.run("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")

    def test_a_hang_is_a_failed_check(self, host: ServiceHost) -> None:
        host.backend._seconds = 0.3
        with pytest.raises(CheckFailedError, match="still running"):
            host.run("while :; do :; done")

    def test_a_failed_expectation_is_a_failed_check(self, host: ServiceHost) -> None:
        with pytest.raises(AssertionError):
            host.check_output("false")
