"""Operation `run`: our own static busybox in a service's root, under caps and a deadline."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import spawner
from .limits import Deadline, OpError, byte_cap
from .net import decode, encode
from .rooted import enter

MAX_ARGUMENTS = 64 * 1024
_KILLED = 137
_DRAIN_SECONDS = 0.5


@dataclass
class _Output:
    limit: int
    texts: dict[int, bytearray] = field(default_factory=dict)
    code: int | None = None

    @property
    def full(self) -> bool:
        return sum(map(len, self.texts.values())) > self.limit


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run one program; over the output cap it is killed and `truncated` is set.

    Raises:
        OpError: `timeout` at the deadline, `missing` when the service is not visible, `bad-request`.
    """
    argv = [str(word) for word in request["argv"]]
    if not argv or sum(map(len, argv)) > MAX_ARGUMENTS or any("\0" in word for word in argv):
        raise OpError("bad-request", "argv must have 1 word or more, and less than 64 KiB")
    deadline = Deadline(request["seconds"])
    output = _Output(byte_cap(request.get("limit", 1 << 20)))
    with enter(request.get("service", "")) as target:
        control, ends = _launch(argv, target.root, decode(request.get("stdin")), int(deadline.seconds) + 1)
    try:
        _collect(control, ends, output, deadline)
    finally:
        control.close()  # kills it, if it is still there
        for fd in ends:
            os.close(fd)
    return _report(output, ends, deadline)


def _launch(argv: list[str], root: int, stdin: bytes | None, cpu: int) -> tuple[socket.socket, list[int]]:
    control, theirs = socket.socketpair()
    out, out_end = os.pipe2(os.O_CLOEXEC)
    err, err_end = os.pipe2(os.O_CLOEXEC)
    source = os.memfd_create("stdin")
    os.write(source, stdin or b"")
    os.lseek(source, 0, os.SEEK_SET)
    try:
        spawner.launch(argv, cpu, [root, source, out_end, err_end, theirs.fileno()])
    except OSError as error:
        raise OpError("gone", f"no program can be started in the side container ({error})") from error
    finally:
        theirs.close()
        for fd in (source, out_end, err_end):
            os.close(fd)
    return control, [out, err]


def _collect(control: socket.socket, ends: list[int], output: _Output, deadline: Deadline) -> None:
    output.texts = {fd: bytearray() for fd in ends}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        waiting: Deadline = deadline
        while selector.get_map() and not output.full:
            ready = selector.select(waiting.remaining())
            if not ready and output.code is None:
                raise OpError("timeout", f"still running after {deadline.seconds:g} s; killed")
            if not ready:
                return  # it ended; something that it left behind holds its output open
            for key, _ in ready:
                if key.fileobj is control:
                    output.code = _exit_code(control)
                    waiting = Deadline(min(_DRAIN_SECONDS, deadline.remaining()))
                    selector.unregister(control)
                elif not _take(key.fd, output):
                    selector.unregister(key.fileobj)


def _exit_code(control: socket.socket) -> int:
    try:
        code = control.recv(16)
    except OSError:
        code = b""
    if not code:
        raise OpError("gone", "what starts programs in the side container has ended")
    return int(code)


def _take(fd: int, output: _Output) -> bool:
    data = os.read(fd, 65536)
    output.texts[fd] += data
    return bool(data)


def _report(output: _Output, ends: list[int], deadline: Deadline) -> dict[str, Any]:
    code = _KILLED if output.code is None else output.code
    out, err = (bytes(output.texts[fd]) for fd in ends)
    room = max(0, output.limit - len(err[: output.limit // 2]))
    return {
        "exit_code": code if code >= 0 else 128 - code,
        "stdout": encode(out[:room]),
        "stderr": encode(err[: output.limit // 2]),
        "truncated": output.full,
        "seconds": deadline.spent(),
    }
