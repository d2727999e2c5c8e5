"""The sockets of a service: by netlink where its network namespace is ours, else from its /proc/PID/net."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from .limits import OpError
from .rooted import Target, enter, small_file

_MAX_TABLE = 4 * 1024 * 1024
_MAX_SOCKETS = 4096
_DOCKER_DNS = "127.0.0.11"
_STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
}
_PROTOCOLS = {
    "tcp": (socket.AF_INET, socket.IPPROTO_TCP),
    "tcp6": (socket.AF_INET6, socket.IPPROTO_TCP),
    "udp": (socket.AF_INET, socket.IPPROTO_UDP),
    "udp6": (socket.AF_INET6, socket.IPPROTO_UDP),
}
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_ALL_STATES = 0xFFFFFFFF
_LISTEN_STATES = 1 << 10 | 1 << 7  # LISTEN, and CLOSE for UDP; spares the kernel its table of connections
_HEADER = struct.Struct("=IHHII")
_LISTENING = 0x10000  # SO_ACCEPTCON in /proc/net/unix

Row = dict[str, Any]


def list_all(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `sockets`; unix sockets only when `unix` is true."""
    listening = bool(request.get("listening", True))
    with enter(request.get("service", "")) as target:
        rows = _internet(target, listening=listening)
        if request.get("unix"):
            rows += _unix(small_file(target.proc, "net/unix", _MAX_TABLE))
    wanted = [row for row in rows if _wanted(row, listening=listening)]
    return {"sockets": wanted[:_MAX_SOCKETS]}


def _wanted(row: Row, *, listening: bool) -> bool:
    if row["address"] == _DOCKER_DNS:
        return False
    return not listening or row["state"] == "LISTEN" or (row["state"] == "CLOSE" and row["proto"].startswith("udp"))


def _internet(target: Target, *, listening: bool) -> list[Row]:
    if os.readlink("ns/net", dir_fd=target.proc) == os.readlink("/proc/self/ns/net", dir_fd=target.proc):
        try:
            states = _LISTEN_STATES if listening else _ALL_STATES
            return [row for proto in _PROTOCOLS for row in _dump(proto, states)]
        except OSError:
            pass  # no such netlink family here: the tables say the same, only slower
    return [row for proto in _PROTOCOLS for row in _table(target, proto)]


def _dump(proto: str, states: int) -> Iterator[Row]:
    family, protocol = _PROTOCOLS[proto]
    request = struct.pack("=BBBBI48x", family, protocol, 0, 0, states)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(2)
        size = _HEADER.size + len(request)
        netlink.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0) + request)
        while True:
            data = netlink.recv(65536)
            offset = 0
            while offset + _HEADER.size <= len(data):
                length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR or length < _HEADER.size:
                    raise OSError(errno.ENOENT, "no sock_diag")
                yield _diagnosed(proto, family, data[offset + _HEADER.size : offset + length])
                offset += (length + 3) & ~3


def _diagnosed(proto: str, family: int, message: bytes) -> Row:
    """`struct inet_diag_msg`: family, state, timer, retransmissions, then ports and addresses in network order."""
    state = message[1]
    port, peer_port = struct.unpack_from("!HH", message, 4)
    width = 4 if family == socket.AF_INET else 16
    uid = struct.unpack_from("=I", message, 64)[0]
    address = socket.inet_ntop(family, message[8 : 8 + width])
    peer = socket.inet_ntop(family, message[24 : 24 + width])
    return _row(proto, (address, port), (peer, peer_port), state, uid)


def _row(proto: str, here: tuple[str, int], there: tuple[str, int], state: int, uid: int) -> Row:
    return {
        "proto": proto,
        "address": here[0],
        "port": here[1],
        "peer": there[0],
        "peer_port": there[1],
        "state": _STATES.get(state, str(state)),
        "uid": uid,
    }


def _table(target: Target, proto: str) -> Iterator[Row]:
    try:
        text = small_file(target.proc, f"net/{proto}", _MAX_TABLE).decode("ascii", "replace")
    except FileNotFoundError:
        return  # a kernel without IPv6
    except OSError as error:
        raise OpError("denied", f"its sockets cannot be read ({error.strerror})") from error
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7:  # noqa: PLR2004 - sl, local, remote, state, queues, timer, retransmissions, uid
            yield _row(proto, _endpoint(fields[1]), _endpoint(fields[2]), int(fields[3], 16), int(fields[7]))


def _endpoint(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    raw = bytes.fromhex(address)
    words = struct.unpack(f">{len(raw) // 4}I", raw)  # the kernel prints each 32-bit word in the machine's order
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words)), int(port, 16)


def _unix(table: bytes) -> list[Row]:
    rows = []
    for line in table.decode(errors="replace").splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[4], 16) == 1:  # noqa: PLR2004 - those with a path; 1 is SOCK_STREAM
            state = 10 if int(fields[3], 16) & _LISTENING else 1
            rows.append(_row("unix", (fields[7], 0), ("", 0), state, -1))
    return rows
