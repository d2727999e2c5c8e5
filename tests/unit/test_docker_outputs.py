"""A command's two outputs out of the engine's one stream."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import Mount, ServiceSpec
from mde_grader.runtimes.docker import outputs
from mde_grader.runtimes.docker.commands import command_spec
from mde_grader.runtimes.docker.logs import LateError
from mde_grader.runtimes.docker.outputs import FloodError, Outputs
from mde_grader.runtimes.docker.profile import command_config
from mde_grader.runtimes.docker.transcripts import HeadTail


def frame(kind: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(data)) + data


def taken(limit: int = 1000) -> Outputs:
    return Outputs(HeadTail(limit), HeadTail(limit))


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12), st.integers(1, 20))
def test_frames_may_come_in_any_pieces(frames: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(frame(*each) for each in frames)
    found = taken(10_000)
    for at in range(0, len(stream), size):
        found.feed(stream[at : at + size])
    for kind, kept in ((1, found.out), (2, found.err)):
        assert kept.total == sum(len(data) for number, data in frames if number == kind)
        assert kept.text() == b"".join(data for number, data in frames if number == kind).decode(errors="replace")
    assert not found.cut


def test_what_is_too_much_is_cut() -> None:
    found = taken(10)
    found.feed(frame(2, b"0123456789abcdef"))
    assert found.cut
    assert found.err.text().startswith("01234\n[...")


def test_reading_ends_with_the_stream_at_its_deadline_and_in_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(LateError):
            taken().record(ours, until=time.monotonic() + 0.01)
        with pytest.raises(LateError):
            taken().record(ours, until=time.monotonic() - 1)
        monkeypatch.setattr(outputs, "FLOOD", 100)
        theirs.sendall(frame(1, b"x" * 200))
        with pytest.raises(FloodError):
            taken().record(ours, until=time.monotonic() + 5)
        theirs.sendall(frame(1, b"last"))
        theirs.close()
        found = taken()
        found.record(ours, until=time.monotonic() + 5)
        assert found.out.text() == "last"
        ours.close()
        with pytest.raises(EngineError, match="broke"):
            taken().record(ours, until=time.monotonic() + 5)


SPEC = ServiceSpec(
    "ws", "img", environment={"A": "1", "HOME": "/h"}, mounts=(Mount("work", "/work"),), working_dir="/work"
)


def test_a_command_is_the_entrypoint_and_has_a_place_to_write() -> None:
    spec = command_spec(SPEC, ["a", "b"], {"A": "2"}, "/work/x")
    assert (spec.entrypoint, spec.command, spec.working_dir, spec.tmpfs) == (("a", "b"), (), "/work/x", ("/tmp",))
    assert spec.environment == {"A": "2", "HOME": "/h"}
    bare = command_spec(ServiceSpec("ws", "img", tmpfs=("/tmp:exec", "/run")), ["a"], {}, None)
    assert bare.environment == {"HOME": "/tmp"}
    assert bare.tmpfs == ("/tmp:exec", "/run")


@pytest.mark.parametrize("network", ["net", None])
def test_a_commands_container_is_as_closed_as_a_candidates(network: str | None) -> None:
    spec = command_spec(ServiceSpec("ws", "img", tmpfs=("/tmp:exec", "/run"), read_only=False, capabilities=("CHOWN",),
                                    mounts=(Mount("work", "/work"),)), ["a"], {}, None)  # fmt: skip
    body = command_config(spec, user="5:6", labels={"l": "1"}, network=network, volumes={"/work": "mde-work"})
    host = body["HostConfig"]
    assert body["User"] == "5:6"
    assert (body["Entrypoint"], body["Cmd"]) == (["a"], [])
    assert (host["ReadonlyRootfs"], host["CapAdd"], host["CapDrop"]) == (True, [], ["ALL"])
    assert (host["Init"], host["LogConfig"]) == (True, {"Type": "none"})
    assert "PidMode" not in host
    assert host["NetworkMode"] == (network or "none")
    assert body["NetworkingConfig"]["EndpointsConfig"] == ({"net": {}} if network else {})
    assert host["Mounts"][0]["VolumeOptions"] == {"NoCopy": True}
    assert host["Tmpfs"]["/tmp"].endswith("uid=5,exec")
    assert "exec" not in host["Tmpfs"]["/run"]
