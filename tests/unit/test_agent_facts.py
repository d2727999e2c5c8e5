"""Processes, sockets, mounts and the environment of a service."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from mde_grader.runtimes.inspector.agent import sockets
from tests.unit.fake_proc import WEB, DirectSession, FakeProc, proc

__all__ = ["proc"]


def ask(op: str, **arguments: Any) -> dict[str, Any]:
    return DirectSession().call(op, service=WEB, **arguments)


def test_the_oldest_process_is_the_main_one(proc: FakeProc) -> None:
    rows = ask("processes")["processes"]
    assert [(row["pid"], row["name"], row["main"]) for row in rows] == [(20, "web", True), (7, "worker", False)]


def test_the_facts_of_a_process(proc: FakeProc) -> None:
    row = ask("processes")["processes"][0]
    assert row == {
        "pid": 20,
        "ppid": 0,
        "uid": 1000,
        "gid": 1000,
        "name": "web",
        "cmdline": ["web", "--secret"],
        "state": "S",
        "started": 100,
        "rss": 2048 * 1024,
        "threads": 3,
        "cap_eff": "0" * 16,
        "no_new_privs": True,
        "env_names": ["PATH", "TOKEN"],
        "main": True,
    }


def test_the_effective_user_counts(proc: FakeProc) -> None:
    proc.add(30, "setuid", cgroup=f"/docker/{WEB}", started=200, Uid="1000\t0\t0\t0")
    assert ask("processes")["processes"][-1]["uid"] == 0


def test_a_process_that_makes_no_sense_does_not_hide_the_others(proc: FakeProc) -> None:
    (proc.base / "7" / "stat").write_text("broken")
    assert [row["pid"] for row in ask("processes")["processes"]] == [20]


def test_the_environment_is_of_the_service_only(proc: FakeProc) -> None:
    assert ask("environ", pid=None)["environ"] == {"PATH": "/app/bin:/usr/bin", "TOKEN": "x=y"}
    with pytest.raises(Exception, match="not of this service"):
        ask("environ", pid=5)
    with pytest.raises(Exception, match="process 999"):
        ask("environ", pid=999)


def test_mounts_without_the_hosts_paths(proc: FakeProc) -> None:
    (proc.root / "with space").mkdir()
    first, second = ask("mounts")["mounts"]
    assert (first["target"], first["fstype"], first["options"]) == ("/", "overlay", ["ro", "relatime", "size=1k"])
    assert (second["target"], second["options"]) == ("/with space", ["rw"])
    assert first["size"] >= first["used"] > 0


def test_listening_sockets_without_dockers_dns(proc: FakeProc) -> None:
    rows = ask("sockets")["sockets"]
    assert [(row["proto"], row["address"], row["port"], row["uid"]) for row in rows] == [
        ("tcp", "127.0.0.1", 8080, 1000),
        ("tcp6", "::", 80, 0),
    ]


def test_connections_and_unix_sockets(proc: FakeProc) -> None:
    rows = ask("sockets", listening=False, unix=True)["sockets"]
    (connection,) = [row for row in rows if row["state"] == "ESTABLISHED"]
    assert (connection["address"], connection["peer"], connection["peer_port"]) == ("192.168.0.2", "192.168.0.9", 54321)
    assert [row["address"] for row in rows if row["proto"] == "unix"] == ["/run/app.sock"]


def test_netlink_and_the_tables_say_the_same() -> None:
    """In our own namespace, against a socket of ours: where there is no sock_diag, nothing is compared."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        wanted = {("tcp", tcp.getsockname()[1]), ("udp", udp.getsockname()[1])}
        rows = DirectSession().call("sockets", service="")["sockets"]
        found = {
            (row["proto"], row["port"]) for row in rows if row["address"] == "127.0.0.1" and row["uid"] == os.getuid()
        }
        assert wanted <= found


def test_without_netlink_the_tables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no netlink")

    with socket.create_server(("127.0.0.1", 0)) as tcp:
        monkeypatch.setattr(sockets, "_dump", refuse)
        rows = DirectSession().call("sockets", service="")["sockets"]
        assert tcp.getsockname()[1] in {row["port"] for row in rows if row["proto"] == "tcp"}
