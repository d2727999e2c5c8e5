"""The probe: a client on the stack's network, as a check speaks through it.

Every request has a total deadline and a byte cap, and follows no redirect unless asked. What does not answer raises
`ProbeFailedError`, whose words are for the candidate, so that a bare `probe.get(...)` is a check already.
"""

from __future__ import annotations

import base64
import json as jsonlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from mde_grader.checking.api import CheckFailedError
from mde_grader.model import Evidence
from mde_grader.runtimes.inspector.session import Session, SessionError

LIMIT = 1_048_576
"""Bytes of a body that are read unless a check asks for another number."""
SECONDS = 10.0
"""Total deadline of a request unless a check asks for another one."""
MAX_REDIRECTS = 5
MAX_JSON_DEPTH = 64
_MAX_SHOWN = 200
_SEE_OTHER = 303
_REDIRECTS = frozenset({301, 302, _SEE_OTHER, 307, 308})

Body = bytes | str | Mapping[str, str] | None
Answer = TypeVar("Answer")


class ProbeFailedError(CheckFailedError):
    """Something of the stack did not answer as its protocol asks; the check fails with these words."""


def _failed(expected: str, seen: str, look: str = "") -> ProbeFailedError:
    return ProbeFailedError(Evidence(expected=expected, seen=seen, look=look))


class Headers(Mapping[str, str]):
    """A response's headers; names in any case, repeated ones joined by `, `."""

    def __init__(self, pairs: Sequence[Sequence[str]]) -> None:
        self.pairs = tuple((str(name), str(value)) for name, value in pairs)
        self._values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def all(self, name: str) -> list[str]:
        """Every value of a repeated header."""
        return list(self._values.get(name.lower(), []))


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer.

    Attributes:
        url: What was asked (the last address, when redirects were followed).
        status: Status code.
        headers: Names in any case.
        body: Raw bytes, at most the request's limit.
        truncated: Whether there was more.
        seconds: From the connection's start to the last byte.
        reason: The words beside the status code.
        peer: `ip:port` that answered.
    """

    url: str
    status: int
    headers: Headers
    body: bytes
    truncated: bool = False
    seconds: float = 0.0
    reason: str = ""
    peer: str = ""

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are not become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON.

        Raises:
            ProbeFailedError: It is not JSON, was cut at the limit, or is nested deeper than 64 levels.
        """
        expected = f"{self.url} answers with JSON"
        if self.truncated:
            raise _failed(expected, f"more than {len(self.body)} bytes")
        try:
            value = jsonlib.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            shown = repr(self.text[:_MAX_SHOWN])
            raise _failed(expected, f"status {self.status} and no JSON ({type(error).__name__}): {shown}") from None
        if not _shallow(value):
            raise _failed(expected, f"JSON that is nested deeper than {MAX_JSON_DEPTH} levels")
        return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _shallow(value: object) -> bool:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Load:
    """What many requests saw.

    Attributes:
        statuses: Status code to number of answers.
        errors: Kind (`refused`, `timeout`, `protocol`, `resolve`) to number of requests without an answer.
        first_error: The first failure, in words.
        longest_gap: Longest time without an answer below 500, seconds.
        latencies: `p50`, `p95` and `max`, seconds.
        headers: For each header that was to be counted: value to number of answers.
    """

    statuses: Mapping[int, int]
    errors: Mapping[str, int]
    first_error: str
    longest_gap: float
    latencies: Mapping[str, float]
    headers: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> int:
        """Requests in all."""
        return sum(self.statuses.values()) + sum(self.errors.values())

    @property
    def good(self) -> int:
        """Requests that were answered 2xx or 3xx."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 400)  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class TcpAnswer:
    """What came over a raw connection; `closed` when the peer ended it."""

    data: bytes
    closed: bool
    seconds: float


class Pending(Generic[Answer]):
    """Something that was started and goes on by itself."""

    def __init__(self, future: Future[dict[str, Any]], read: Callable[[dict[str, Any]], Answer], url: str) -> None:
        self._future = future
        self._read = read
        self._url = url

    def done(self) -> bool:
        """Whether the result is there."""
        return self._future.done()

    def result(self, seconds: float | None = None) -> Answer:
        """Wait for the result; it has its own deadline, so that `seconds` is seldom needed.

        Raises:
            ProbeFailedError: No answer.
        """
        try:
            return self._read(self._future.result(seconds))
        except SessionError as error:
            _explain(error, self._url)
        except TimeoutError:
            raise _failed(f"{self._url} answers", f"no answer within {seconds:g} s") from None


def _explain(error: SessionError, url: str) -> NoReturn:
    """Turn what the side container met into words for the candidate; what is ours stays as it is."""
    words = {
        "refused": f"nothing answers at {url} ({error.message})",
        "resolve": f"nothing has the name in {url}: that service does not run, or is not on the network",
        "timeout": f"{url}: {error.message}",
        "protocol": f"{url} broke off or does not speak the protocol: {error.message}",
    }
    if error.kind == "bad-request":
        raise ValueError(error.message) from error
    if error.kind not in words:
        raise error
    look = f"curl -v {url}" if url.startswith("http") else ""
    raise _failed(f"{url} answers", words[error.kind], look) from error


class Probe:
    """A client on the stack's network; hosts in addresses are service names.

    Args:
        session: The session with the stack's side container.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, url: str, **options: Any) -> Response:  # noqa: ANN401
        """GET; options as in `request`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Response:  # noqa: ANN401
        """POST; options as in `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Response:  # noqa: ANN401
        """PUT; options as in `request`."""
        return self.request("PUT", url, **options)

    def delete(self, url: str, **options: Any) -> Response:  # noqa: ANN401
        """DELETE; options as in `request`."""
        return self.request("DELETE", url, **options)

    def request(self, method: str, url: str, *, follow: bool = False, **options: Any) -> Response:  # noqa: ANN401
        """Ask once, and wait for the whole answer.

        Args:
            method: HTTP method.
            url: `http://service:port/path`.
            follow: Follow at most 5 redirects, on the same host and port only.
            **options: As in `start`: json, data, headers, seconds, limit.

        Raises:
            ProbeFailedError: No connection, no HTTP, or not within `seconds`; a status is never an error.
        """
        response = self.start(method, url, **options).result()
        for _ in range(MAX_REDIRECTS if follow else 0):
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            if response.status == _SEE_OTHER or method == "POST":
                method, options = "GET", {**options, "json": None, "data": None}
            response = self.start(method, _next_url(response), **options).result()
        if follow and response.status in _REDIRECTS:
            raise _failed(f"{url} leads to a page", f"more than {MAX_REDIRECTS} redirects")
        return response

    def start(  # noqa: PLR0913 - a request has this many sides
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        data: Body = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
        limit: int = LIMIT,
    ) -> Pending[Response]:
        """Send a request, and go on while it is in flight.

        Args:
            method: HTTP method.
            url: `http://service:port/path`.
            json: Value to send as JSON.
            data: Bytes or text to send as they are, or fields of a form.
            headers: Headers to add.
            seconds: Total deadline: name, connection and the last byte.
            limit: Most bytes of the body, 4 MiB at the most; the response tells when there was more.
        """
        body, kind = _body(json, data)
        sent = {**({"Content-Type": kind} if kind else {}), **(headers or {})}
        future = self._session.submit(
            "http", url=url, method=method, headers=sent, body=_base64(body), limit=limit, seconds=seconds
        )
        return Pending(future, lambda answer: _response(url, answer), url)

    def load(self, url: str, **options: Any) -> Load:  # noqa: ANN401
        """Ask many times and count; options as in `start_load`."""
        return self.start_load(url, **options).result()

    def start_load(  # noqa: PLR0913 - a load has this many sides
        self,
        url: str,
        *,
        method: str = "GET",
        json: object = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int = 4,
        total: int | None = None,
        duration: float | None = None,
        interval: float = 0.0,
        count_headers: Sequence[str] = (),
        request_seconds: float = 5.0,
        seconds: float = 60.0,
    ) -> Pending[Load]:
        """Ask many times while the check goes on.

        Args:
            url: Address that every request asks for.
            method: HTTP method.
            json: Value to send as JSON.
            headers: Headers to add.
            concurrency: Clients at once, 64 at the most.
            total: Requests in all; either this or `duration`.
            duration: Seconds to go on asking.
            interval: Pause of a client between two requests, seconds.
            count_headers: Response headers whose values are counted.
            request_seconds: Deadline of one request.
            seconds: Deadline of the whole.
        """
        body, kind = _body(json, None)
        whole = seconds if duration is None else duration + request_seconds
        future = self._session.submit(
            "load",
            seconds=whole,
            url=url,
            method=method,
            headers={**({"Content-Type": kind} if kind else {}), **(headers or {})},
            body=_base64(body),
            concurrency=concurrency,
            total=total,
            duration=duration,
            interval=interval,
            count_headers=list(count_headers),
            request_seconds=request_seconds,
        )
        return Pending(future, _load, url)

    def tcp(
        self, host: str, port: int, send: bytes = b"", *, seconds: float = SECONDS, limit: int = 65_536
    ) -> TcpAnswer:
        """Connect, send, and read until the peer closes, the limit or the deadline.

        Raises:
            ProbeFailedError: No connection.
        """
        answer = self._ask(
            f"tcp://{host}:{port}", "tcp", host=host, port=port, send=_base64(send), limit=limit, seconds=seconds
        )
        return TcpAnswer(base64.b64decode(answer["data"]), bool(answer["closed"]), float(answer["seconds"]))

    def resolve(self, name: str, *, seconds: float = SECONDS) -> list[str]:
        """IPv4 addresses that the stack's network knows a name by.

        Raises:
            ProbeFailedError: None.
        """
        return [str(address) for address in self._ask(name, "dns", name=name, seconds=seconds)["addresses"]]

    def wait(self, url: str, *, status: tuple[int, int] = (200, 299), seconds: float = SECONDS) -> float:
        """Wait until `http://...` answers with such a status or `tcp://host:port` accepts; seconds that it took.

        Raises:
            ProbeFailedError: Not in time; tells the last thing seen.
        """
        return float(self._ask(url, "wait", url=url, status=list(status), seconds=seconds)["seconds"])

    def _ask(self, where: str, op: str, /, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return self._session.call(op, **arguments)
        except SessionError as error:
            _explain(error, where)


def _body(json: object, data: Body) -> tuple[bytes | None, str]:
    if json is not None:
        return jsonlib.dumps(json).encode(), "application/json"
    if isinstance(data, Mapping):
        return urlencode(data).encode(), "application/x-www-form-urlencoded"
    return (data.encode() if isinstance(data, str) else data), ""


def _base64(body: bytes | None) -> str | None:
    return None if body is None else base64.b64encode(body).decode("ascii")


def _response(url: str, answer: Mapping[str, Any]) -> Response:
    return Response(
        url=url,
        status=int(answer["status"]),
        headers=Headers(answer["headers"]),
        body=base64.b64decode(answer["body"]),
        truncated=bool(answer["truncated"]),
        seconds=float(answer["seconds"]),
        reason=str(answer.get("reason", "")),
        peer=str(answer.get("peer", "")),
    )


def _load(answer: Mapping[str, Any]) -> Load:
    return Load(
        statuses={int(status): int(count) for status, count in answer["statuses"].items()},
        errors=dict(answer["errors"]),
        first_error=str(answer["first_error"]),
        longest_gap=float(answer["longest_gap"]),
        latencies=dict(answer["latencies"]),
        headers=dict(answer["headers"]),
    )


def _next_url(response: Response) -> str:
    here = response.url
    try:
        there = urljoin(here, response.headers["location"])
        same = urlsplit(there)[:2] == urlsplit(here)[:2]
    except ValueError:
        there, same = response.headers["location"], False
    if not same:
        raise _failed(f"{here} leads to a page of the same service", f"a redirect to {there[:_MAX_SHOWN]!r}")
    return there
