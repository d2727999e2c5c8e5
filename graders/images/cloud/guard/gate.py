"""The guard: a WSGI application before moto's, the only one that the network can reach."""

from __future__ import annotations

import hmac
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote

from . import answers
from .answers import Answer
from .audit import Audit
from .calls import SHOWN, Call, Request, Signature, call, signature
from .holds import Holds
from .repeats import Repeats, mark

Environ = dict[str, Any]
Start = Callable[..., object]
App = Callable[[Environ, Start], Iterable[bytes]]

BODY = 8 * 1024 * 1024
"""Most bytes of one request's body."""
BODIES = 128 * 1024 * 1024
"""Most bytes of all bodies of a stack's life; what is stored stays in the container's memory."""

TOKEN = "HTTP_X_GUARD_TOKEN"  # noqa: S105 - the name of a header
_OWN_HEADERS = re.compile(r"HTTP_(X_GUARD|X_MOTO|X_FORWARDED|FORWARDED)")
_ADMIN = re.compile(r"/+moto[-_]?api(/|$)", re.IGNORECASE)


@dataclass
class Gate:
    """Lets signed requests to known services through, one at a time, and writes each down.

    Attributes:
        apps: Service by its signing name; nothing else of moto can be reached, least of all its own interface.
        token: Secret that the grader's requests carry in `X-Guard-Token`; while empty nobody is the grader.
        reset: Forgets all that the cloud holds.
        audit: Where calls are written down. The grader's own are not.
        holds: Lets calls wait while the grader wants it. The grader's own do not.
    """

    apps: Mapping[str, App]
    token: str
    reset: Callable[[], None]
    audit: Audit = field(default_factory=Audit)
    holds: Holds = field(default_factory=Holds)
    _repeats: Repeats = field(default_factory=Repeats)
    _taken: int = 0
    # moto's stores are plain dictionaries: side by side, its calls meet half-made things. They only compute, so that
    # one at a time costs nothing under one interpreter lock.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if path == "/ready" and "HTTP_AUTHORIZATION" not in environ:
            return _send(start, Answer(HTTPStatus.OK, "text/plain", b"ready\n"))
        grader = self._is_grader(environ)
        if TOKEN in environ and not grader:
            return _send(start, answers.value({"message": "wrong token"}, HTTPStatus.FORBIDDEN))
        if grader and path.startswith("/guard/"):
            return _send(start, self._own(path, environ))
        return self._pass(environ, start, path, grader=grader)

    def _is_grader(self, environ: Environ) -> bool:
        shown = str(environ.get(TOKEN, "")).encode("latin-1", "replace")
        return bool(self.token) and hmac.compare_digest(shown, self.token.encode())

    def _own(self, path: str, environ: Environ) -> Answer:
        asked = (environ["REQUEST_METHOD"], path)
        if asked == ("GET", "/guard/calls"):
            after = parse_qs(environ.get("QUERY_STRING", "")).get("after", ["-1"])[0]
            return answers.value(self.audit.page(int(after) if after.isdecimal() else -1))
        deed = {
            ("POST", "/guard/reset"): self._forget,
            ("POST", "/guard/hold"): self.holds.begin,
            ("DELETE", "/guard/hold"): self.holds.end,
        }.get(asked)
        if deed:
            deed()
            return answers.value({})
        return answers.value({"message": "no such address"}, HTTPStatus.NOT_FOUND)

    def _forget(self) -> None:
        with self._lock:
            self.reset()
            self.audit.clear()
            self._repeats.clear()

    def _pass(self, environ: Environ, start: Start, path: str, *, grader: bool) -> Iterable[bytes]:
        scope = signature(environ.get("HTTP_AUTHORIZATION", ""), environ.get("QUERY_STRING", ""))
        body, refused = self._take(environ, path, scope)
        asked = _call(environ, path, body, scope)
        if refused is None and scope is not None:
            if not grader:
                self.holds.wait(scope.service, writes=asked.writes)
            answer, fault = self._ask(_inner(environ, scope, body), scope, _mark(environ, scope, body))
        else:
            answer, fault = refused or answers.value({}, HTTPStatus.FORBIDDEN), ""
        if not grader:
            self.audit.add(_facts(environ, scope, asked, answer, fault), writes=asked.writes)
        return _send(start, answer, head=environ["REQUEST_METHOD"] == "HEAD")

    def _take(self, environ: Environ, path: str, scope: Signature | None) -> tuple[bytes, Answer | None]:
        """The body, or why the request is not passed on."""
        service, target = (scope.service if scope else "s3"), "HTTP_X_AMZ_TARGET" in environ
        length = int(environ.get("CONTENT_LENGTH") or 0)
        forbidden = HTTPStatus.FORBIDDEN
        if scope is None:
            told = "this cloud answers to requests with an AWS Signature Version 4 only"
            return b"", answers.error(service, "AccessDenied", told, status=forbidden, target=target)
        if _ADMIN.match(unquote(unquote(path))):
            return b"", answers.error(service, "AccessDenied", "not for you", status=forbidden, target=target)
        if service not in self.apps:
            told = f"the lab's cloud has no service {service!r}; it has {', '.join(sorted(self.apps))}"
            return b"", answers.error(service, "UnsupportedOperation", told, target=target)
        with self._lock:
            self._taken += min(length, BODY)
            full = length > BODY or self._taken > BODIES
        if full:
            told = f"the lab's cloud takes {BODY >> 20} MiB a request and {BODIES >> 20} MiB in all"
            return b"", answers.error(service, "EntityTooLarge", told, target=target)
        return environ["wsgi.input"].read(length), None

    def _ask(self, environ: Environ, scope: Signature, known: str) -> tuple[Answer, str]:
        """The service's answer, and what went wrong in it that is not the caller's fault."""
        target = "HTTP_X_AMZ_TARGET" in environ
        try:
            with self._lock:
                answer = self._repeats.of(known)
                if answer is None:
                    answer = _collect(self.apps[scope.service], environ)
                    self._repeats.keep(known, answer)
                return answer, ""
        except NotImplementedError as error:
            code = "NotImplemented" if scope.service == "s3" else "UnsupportedOperation"
            told = f"the lab's cloud does not have this: {error or environ['PATH_INFO']}"
            return answers.error(scope.service, code, told, target=target), "lacks"
        except Exception as error:  # noqa: BLE001 - whatever breaks inside is told in the protocol, or the client waits
            traceback.print_exc(limit=-6, file=sys.stderr)
            told = f"the lab's cloud broke over this request ({type(error).__name__})"
            return answers.error(scope.service, "InvalidAction", told, target=target), f"broke: {error!r}"[:SHOWN]


def _call(environ: Environ, path: str, body: bytes, scope: Signature | None) -> Call:
    kind, target = environ.get("CONTENT_TYPE", ""), environ.get("HTTP_X_AMZ_TARGET", "")
    request = Request(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), kind, target, body)
    return call(scope.service if scope else "", request)


def _mark(environ: Environ, scope: Signature, body: bytes) -> str:
    asked = (environ["REQUEST_METHOD"], str(environ.get("PATH_INFO", "")), str(environ.get("QUERY_STRING", "")))
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    caller = (scope.service, scope.region, scope.access_key)
    return mark(str(environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")), *caller, *asked, target, body=body)


def _facts(environ: Environ, scope: Signature | None, asked: Call, answer: Answer, fault: str) -> dict[str, object]:
    return {
        "service": scope.service if scope else "",
        "region": scope.region if scope else "",
        "access_key": scope.access_key if scope else "",
        "action": asked.action,
        "resource": asked.resource,
        "source": str(environ.get("REMOTE_ADDR", "")),
        "user_agent": str(environ.get("HTTP_USER_AGENT", ""))[:SHOWN],
        "status": int(answer.status),
        **({"fault": fault} if fault else {}),
    }


def _inner(environ: Environ, scope: Signature, body: bytes) -> Environ:
    """The request as moto sees it: under the service's public name, whatever host the caller wrote."""
    kept = {name: item for name, item in environ.items() if not _OWN_HEADERS.match(name)}
    return kept | {
        "HTTP_HOST": f"{scope.service}.{scope.region}.amazonaws.com",
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }


def _collect(app: App, environ: Environ) -> Answer:
    told: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:  # noqa: ANN401 - WSGI
        if exc_info:
            raise exc_info[1]
        told[:] = [status, headers]

    parts = app(environ, start)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    headers = tuple((name, text) for name, text in told[1] if name.lower() not in _SET_AGAIN)
    kind = next((text for name, text in told[1] if name.lower() == "content-type"), "")
    if environ["REQUEST_METHOD"] == "HEAD":
        headers += tuple((name, text) for name, text in told[1] if name.lower() == "content-length")
    return Answer(int(told[0].split()[0]), kind, body, headers)


_SET_AGAIN = frozenset({"content-type", "content-length", "connection", "server", "date", "transfer-encoding"})


def _send(start: Start, answer: Answer, *, head: bool = False) -> list[bytes]:
    headers = [*answer.headers, *([("Content-Type", answer.kind)] if answer.kind else [])]
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(answer.body))))
    start(f"{int(answer.status)} {HTTPStatus(answer.status).phrase}", headers)
    return [] if head else [answer.body]
