"""Reading a repository over git's smart HTTP (gitprotocol-http); there is no writing."""

from __future__ import annotations

import re
import subprocess
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

from graders.images.repository.repositories import ENVIRONMENT
from graders.images.serving.web import Answer, Request
from graders.images.serving.words import Refused

SERVICE = "git-upload-pack"
ASKED = 1 << 20
"""Most bytes of what a client asks for: some thousand objects."""
SECONDS = 60
AT_ONCE = threading.BoundedSemaphore(8)
_PROTOCOL = re.compile(r"version=[012]")
_FRESH = {"Cache-Control": "no-cache"}


def announced(path: Path, request: Request) -> Answer:
    """What there is to fetch.

    Raises:
        Refused: The client wants to push, or knows only files.
    """
    service = request.query.get("service", "")
    if service == "git-receive-pack":
        raise Refused("nobody can push here; the repository is read only", 403)
    if service != SERVICE:
        raise Refused("this server speaks smart HTTP alone; use git 1.6.6 or newer", 403)
    head = b"001e# service=git-upload-pack\n0000"
    return _answer("advertisement", head + _pack(path, request, b"", "--advertise-refs"))


def fetched(path: Path, request: Request) -> Answer:
    """The objects that a client asks for.

    Raises:
        Refused: It asks for too much.
    """
    return _answer("result", _pack(path, request, unpacked(request.body.read(ASKED), request.headers)))


def unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """What was sent, whether packed with gzip or not.

    Raises:
        Refused: It is too much, or no gzip.
    """
    if headers.get("content-encoding", "") not in {"gzip", "x-gzip"}:
        return body
    try:
        opened = zlib.decompressobj(wbits=31)
        found = opened.decompress(body, ASKED + 1)
    except zlib.error:
        raise Refused("the body is no gzip; send it as it is") from None
    if len(found) > ASKED:
        raise Refused(f"the body is larger than {ASKED} bytes; fetch less", 413)
    if not opened.eof:
        raise Refused("the body is cut off; send it whole")
    return found


def _pack(path: Path, request: Request, given: bytes, *options: str) -> bytes:
    protocol = request.headers.get("git-protocol", "")
    known = {"GIT_PROTOCOL": protocol} if _PROTOCOL.fullmatch(protocol) else {}
    command = ["git", "upload-pack", "--stateless-rpc", "--strict", f"--timeout={SECONDS}", *options, str(path)]
    with AT_ONCE:
        try:
            ran = subprocess.run(
                command, input=given, capture_output=True, check=False, timeout=SECONDS, env={**ENVIRONMENT, **known}
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"this took longer than {SECONDS} s; fetch less", 503) from None
    # A client that asks for what there is not gets the answer in the protocol's own words, and an exit code of 128.
    if ran.returncode and not ran.stdout:
        raise Refused("git could not read what was asked; see that the client speaks its protocol", 400)
    return ran.stdout


def _answer(kind: str, body: bytes) -> Answer:
    return Answer(200, body, f"application/x-{SERVICE}-{kind}", _FRESH)
