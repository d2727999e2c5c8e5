"""A small child, forked before there are threads, that starts programs in a service's root and reaps them.

One message a program: JSON `{"argv": [...], "cpu": seconds}` with five descriptors: the root, its standard input,
output and error, and a control socket. The exit code is written to it; when its other end closes first, the
program's process group is killed.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

BUSYBOX = os.environ.get("MDE_BUSYBOX", "/opt/mde/busybox")
MAX_MESSAGE = 128 * 1024
_DESCRIPTORS = 5
_CANNOT_START = 126
_ENVIRONMENT = {"PATH": "/nothing-of-the-image", "HOME": "/", "LC_ALL": "C"}
_channels: list[socket.socket] = []


def start() -> None:
    """Fork the child; call it once, before any thread exists."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            ours.close()
            Spawner(theirs).run()
        finally:
            os._exit(0)
    theirs.close()
    _channels.append(ours)


def launch(argv: list[str], cpu: int, descriptors: list[int]) -> None:
    """Ask the child to start a program; `descriptors` are root, input, output, error and control.

    Raises:
        OSError: The child is gone.
    """
    message = json.dumps({"argv": argv, "cpu": cpu}).encode()
    socket.send_fds(_channels[-1], [message], descriptors)


@dataclass(frozen=True)
class _Program:
    pid: int
    control: socket.socket


class Spawner:
    """The child's loop: start what is asked for, reap what ended, kill what is no longer wanted."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._programs: dict[int, _Program] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(wake_in, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        self._busybox = -1

    def run(self) -> None:
        """Serve until the agent is gone."""
        confine = importlib.import_module(".confine", __package__)  # after the fork: ctypes delays only this child
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, 0, inheritable=False)  # the agent's own input and output must not be held open by us
        os.dup2(null, 1, inheritable=False)
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._channel:
                    if not self._receive(confine.enter_root):
                        return
                elif key.fileobj == self._wake:
                    os.read(self._wake, 4096)
                    self._reap()
                else:
                    self._kill(key.data)

    def _receive(self, enter_root: Callable[[int, int], None]) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._channel, MAX_MESSAGE, _DESCRIPTORS)
        if not message:
            return False
        for fd in descriptors:
            os.set_inheritable(fd, False)  # noqa: FBT003 - recv_fds of Python 3.11 takes no MSG_CMSG_CLOEXEC
        *given, control = descriptors
        if self._busybox < 0:
            self._busybox = os.open(BUSYBOX, os.O_RDONLY | os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            _become(json.loads(message), given, self._busybox, enter_root)
        for fd in given:
            os.close(fd)
        program = _Program(pid, socket.socket(fileno=control))
        self._programs[pid] = program
        self._selector.register(program.control, selectors.EVENT_READ, program)
        return True

    def _reap(self) -> None:
        while self._programs and (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            _kill_group(ended.si_pid)  # still ours: it is not reaped yet, so that its number is not anybody else's
            _, status = os.waitpid(ended.si_pid, 0)
            program = self._programs.pop(ended.si_pid)
            if program.control.fileno() in self._selector.get_map():
                self._selector.unregister(program.control)
            with suppress(OSError):  # nobody waits for it any more
                program.control.send(str(os.waitstatus_to_exitcode(status)).encode())
            program.control.close()

    def _kill(self, program: _Program) -> None:
        self._selector.unregister(program.control)
        _kill_group(program.pid)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # the second for one that has not yet made its group
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            continue


def _become(message: dict[str, Any], given: list[int], busybox: int, enter_root: Callable[[int, int], None]) -> None:
    try:
        enter_root(given[0], message["cpu"])
        for place, fd in enumerate(given[1:]):
            os.dup2(fd, place)
        os.execve(busybox, message["argv"], _ENVIRONMENT)  # noqa: S606 - a list, and a binary of ours
    except BaseException as error:  # noqa: BLE001 - the forked child must never go on as a second spawner
        os.write(given[3], f"cannot start: {error}\n".encode())
    finally:
        os._exit(_CANNOT_START)
