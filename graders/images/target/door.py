"""Where `knock` brings what a pipeline asks for over SSH: a socket that nobody but sshd's user can open."""

from __future__ import annotations

import io
import json
import os
import select
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graders.images.serving.words import Refused
from graders.images.target.archives import PACKED
from graders.images.target.tenants import Tenants
from graders.images.target.verbs import Call, Done, Verbs

LINE = 16_384
SECONDS = 60
"""How long a pipeline may take for its standard input."""
THROWN_AWAY = 4 * PACKED
"""Bytes of an archive that is too large which are read, so that its sender hears why."""
AT_ONCE = 12
"""Verbs of one tenant that are under way, those that wait for its lock among them."""
UPLOADS = 6
"""Archives that are received and unpacked at once; each is in memory as a whole."""
_PEER = struct.Struct("3i")


class Door(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens.

    Args:
        path: The socket.
        uid: User that may come.
        gid: That user's group, one of this process's own.
        tenants: All of them.
        verbs: Carries out.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, uid: int, gid: int, tenants: Tenants, verbs: Verbs) -> None:
        self.uid, self.tenants, self.verbs = uid, tenants, verbs
        self.uploads = threading.Semaphore(UPLOADS)
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()
        super().__init__(str(path), Visit)
        os.chown(path, -1, gid)
        path.chmod(0o660)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401
        """Let in only who may come, whatever the socket's permissions say."""
        _ = client_address
        _, uid, _ = _PEER.unpack(request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return bool(uid == self.uid)

    @contextmanager
    def counted(self, identity: str) -> Iterator[None]:
        """Carry out a verb of a tenant.

        Raises:
            Refused: It has too many under way.
        """
        with self._lock:
            if self._busy[identity] >= AT_ONCE:
                raise Refused(f"{AT_ONCE} verbs of this tenant are under way; wait for them to end")
            self._busy[identity] += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy[identity] -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A visitor that breaks off is nothing to tell of."""


class Visit(socketserver.StreamRequestHandler):
    """One verb."""

    server: Door
    timeout = SECONDS

    def handle(self) -> None:
        """Hear the verb, have it carried out, and say how it went."""
        asked = json.loads(self.rfile.readline(LINE))
        try:
            with self.server.counted(asked["tenant"]):
                self._say(self._carried_out(asked))
        except Refused as error:
            self._say(Done(1, err=error.message))

    def _carried_out(self, asked: Mapping[str, Any]) -> Done:
        tenant = self.server.tenants.here(asked["tenant"])
        if not asked["input"]:
            return self.server.verbs.run(Call(tenant, io.BytesIO(), self._here), asked["command"])
        with self.server.uploads:
            return self.server.verbs.run(Call(tenant, io.BytesIO(self._given())), asked["command"])

    def _given(self) -> bytes:
        found = self.rfile.read(PACKED + 1)
        thrown = 0
        while len(found) > PACKED and thrown < THROWN_AWAY:
            more = self.rfile.read(65_536)
            thrown += len(more)
            if not more:
                break
        return found

    def _here(self) -> bool:
        poll = select.poll()
        poll.register(self.connection, select.POLLHUP | select.POLLERR)
        return not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _say(self, done: Done) -> None:
        self.wfile.write(json.dumps({"exit": done.code, "out": done.out, "err": done.err}).encode() + b"\n")
