"""The probe's voice: names, connections, one HTTP exchange, raw TCP, and waiting until something answers."""

from __future__ import annotations

import binascii
import errno
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from .http1 import Answer, Reader, build_request, parse_url, read_answer, split_host
from .limits import Deadline, OpError, byte_cap

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EACCES}
_PAUSE_SHARE, _LONGEST_PAUSE = 0.02, 0.1
"""The pause between two looks as a share of the time that was waited already, and the most that it may be, seconds."""
_OWN_NAMES = dict(pair.split("=", 1) for pair in os.environ.get("MDE_HOSTS", "").split(",") if "=" in pair)


def decode(text: str | None) -> bytes | None:
    """Bytes of an argument that travelled as base64."""
    return None if text is None else binascii.a2b_base64(text)


def encode(data: bytes) -> str:
    """Base64 without line ends."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def addresses(name: str) -> list[str]:
    """IPv4 addresses of a name, in the resolver's order.

    Raises:
        OpError: `resolve`.
    """
    if name in _OWN_NAMES:
        return [_OWN_NAMES[name]]
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OpError("resolve", f"no address for {name!r} ({error})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts.

    Raises:
        OpError: `resolve`, `refused` or `timeout`.
    """
    failure = OpError("resolve", f"no address for {host!r}")
    for address in addresses(host):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left())
            sock.connect((address, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, OpError) as error:
            sock.close()
            failure = _connect_failure(error, deadline)
        else:
            return sock
    raise failure


def _connect_failure(error: Exception, deadline: Deadline) -> OpError:
    if isinstance(error, OpError):
        return error
    if isinstance(error, TimeoutError):
        return OpError("timeout", f"no connection within {deadline.seconds:g} s")
    if isinstance(error, ConnectionRefusedError):
        return OpError("refused", "connection refused")
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return OpError("refused", "no route to it")
    return OpError("protocol", str(error))


def _broken(error: OSError) -> OpError:
    reset = isinstance(error, ConnectionError)
    return OpError("protocol", "the connection was cut" if reset else str(error))


def _receiver(sock: socket.socket, deadline: Deadline) -> Reader:
    def recv(count: int) -> bytes:
        sock.settimeout(deadline.left())
        try:
            return sock.recv(count)
        except TimeoutError:
            had = f"{reader.received} bytes came" if reader.received else "nothing came"
            raise OpError("timeout", f"no complete answer within {deadline.seconds:g} s ({had})") from None
        except OSError as error:
            raise _broken(error) from error

    reader = Reader(recv)
    return reader


def exchange(request: Mapping[str, Any], deadline: Deadline) -> tuple[Answer, str]:
    """Send one HTTP request and read its answer; also the peer as `ip:port`.

    Raises:
        OpError: No connection, no HTTP, or not within the deadline.
    """
    url = parse_url(request["url"])
    method = request.get("method", "GET")
    data = build_request(method, url, request.get("headers") or {}, decode(request.get("body")))
    with connect(url.host, url.port, deadline) as sock:
        peer = ""
        try:
            peer = "{}:{}".format(*sock.getpeername())
            sock.settimeout(deadline.left())
            sock.sendall(data)
        except TimeoutError:
            raise OpError("timeout", f"the request was not read within {deadline.seconds:g} s") from None
        except OSError:
            pass  # a server may answer and close before it has read everything
        return read_answer(_receiver(sock, deadline), method, byte_cap(request.get("limit", 1 << 20))), peer


def http(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `http`."""
    deadline = Deadline(request["seconds"])
    answer, peer = exchange(request, deadline)
    return {
        "status": answer.status,
        "reason": answer.reason,
        "headers": answer.headers,
        "body": encode(answer.body),
        "truncated": answer.truncated,
        "seconds": deadline.spent(),
        "peer": peer,
    }


def tcp(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `tcp`: connect, say something, and read until the peer closes, the limit or the deadline."""
    deadline = Deadline(request["seconds"])
    limit = byte_cap(request.get("limit", 65536))
    data, closed = bytearray(), False
    with connect(request["host"], int(request["port"]), deadline) as sock:
        try:
            sock.settimeout(deadline.left())
            sock.sendall(decode(request.get("send")) or b"")
            while len(data) < limit and not closed and deadline.remaining() > 0:
                sock.settimeout(deadline.left())
                piece = sock.recv(limit - len(data))
                data += piece
                closed = not piece
        except TimeoutError:
            closed = False
        except OSError:
            closed = True
    return {"data": encode(bytes(data)), "closed": closed, "seconds": deadline.spent()}


def dns(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `dns`."""
    return {"addresses": addresses(request["name"])}


def wait(request: Mapping[str, Any]) -> dict[str, Any]:
    """Operation `wait`: ask again and again until the answer is right."""
    deadline = Deadline(request["seconds"])
    least = max(0.001, float(request.get("interval", 0.02)))
    attempts, last = 0, "nothing was tried"
    while deadline.remaining() > 0:
        attempts += 1
        done, seen = _attempt(request, deadline)
        if done:
            return {"seconds": deadline.spent(), "attempts": attempts, "last": seen}
        if attempts == 1 or deadline.remaining() > 0:  # one that our own deadline cut off says nothing of the service
            last = seen
        time.sleep(min(pause(least, deadline.spent()), deadline.remaining()))
    raise OpError("timeout", f"not ready within {deadline.seconds:g} s; the last of {attempts} attempts: {last}")


def pause(least: float, spent: float) -> float:
    """Seconds until the next look: what takes long need not be asked so often, and a look costs the engine, too."""
    return max(least, min(_LONGEST_PAUSE, spent * _PAUSE_SHARE))


def _attempt(request: Mapping[str, Any], deadline: Deadline) -> tuple[bool, str]:
    url = request["url"]
    step = Deadline(min(deadline.remaining(), float(request.get("attempt_seconds", 5.0))))
    try:
        if url.startswith("tcp://"):
            connect(*split_host(url.removeprefix("tcp://").rstrip("/")), step).close()
            return True, "connected"
        answer, _ = exchange({"url": url, "limit": 65536}, step)
    except OpError as error:
        if error.kind == "bad-request":
            raise
        return False, error.message
    low, high = request.get("status") or (200, 299)
    return low <= answer.status <= high, f"status {answer.status}"
