"""The lab's cloud as a check speaks to it.

The grader itself has no route into a stack: botocore makes the requests, and the probe sends them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config

from graders.cloud.audit import Calls, read_calls
from graders.cloud.inventory import KINDS, Inventory, Kind, listed, without_managed

TOKEN_HEADER = "X-Guard-Token"  # noqa: S105 - the name of a header
ENDPOINT = "http://cloud:5000"
REGION = "us-east-1"
SECONDS = 20.0
LIMIT = 4 * 1024 * 1024
"""Most bytes of an answer: the probe's own cap."""

_SETTINGS = Config(
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    # Streams with trailing checksums are for real networks.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    parameter_validation=True,
)
_SET_BY_THE_PROBE = frozenset({"content-length", "connection", "expect", "host", "transfer-encoding"})


class Answers(Protocol):
    """The part of a probe's response that is read here."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""
        ...

    @property
    def body(self) -> bytes:
        """The body, at most the limit."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether there was more."""
        ...


class Asks(Protocol):
    """The part of the probe that is used here."""

    def request(self, method: str, url: str, **options: Any) -> Answers:  # noqa: ANN401
        """Ask once, and wait for the whole answer."""
        ...


class _Raw(BytesIO):
    def stream(self, size: int = 65_536, **_: object) -> Iterator[bytes]:
        while chunk := self.read(size):
            yield chunk


def _session() -> botocore.session.Session:
    """A session that reads no file of this machine's user; one for all clients, which share what it has parsed."""
    nowhere = dict.fromkeys(("config_file", "credentials_file"), (None, None, "/nonexistent", None))
    return botocore.session.Session(session_vars=nowhere)


@dataclass
class Cloud:
    """One lab's cloud.

    Attributes:
        probe: A client on the stack's network.
        token: The guard's token; with it calls are not written down.
        endpoint: `http://service:port`.
        region: Region that is asked unless a check names another.
    """

    probe: Asks
    token: str
    endpoint: str = ENDPOINT
    region: str = REGION
    _session: botocore.session.Session = field(default_factory=_session)
    _clients: dict[tuple[str, str], BaseClient] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - its methods are made at run time
        """A botocore client, as `boto3.client` gives it; made once.

        Its errors are `botocore.exceptions.ClientError`; a cloud that does not answer is the probe's error.
        """
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def _make(self, service: str, region: str) -> BaseClient:
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="GRADER",
            aws_secret_access_key="unchecked",  # noqa: S106 - the cloud looks at no signature
            config=_SETTINGS,
        )
        # What a handler of this event returns is taken for the answer; the stubs do not know that.
        client.meta.events.register("before-send.*", self._send)  # type: ignore[arg-type]
        return client

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        answer = self._ask(request.method, request.url, _headers(request), _body(request))
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))  # type: ignore[arg-type]

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answers:
        sent = {**headers, TOKEN_HEADER: self.token}
        answer = self.probe.request(method, url, headers=sent, data=body or None, seconds=SECONDS, limit=LIMIT)
        if answer.truncated:
            raise ValueError(f"the cloud's answer to {method} {url} is larger than {LIMIT} bytes")
        return answer

    def inventory(self, kinds: tuple[Kind, ...] = KINDS, region: str = "") -> Inventory:
        """Everything of those kinds that there is in a region.

        Returns:
            `kind/id`, `vpc/vpc-0123`, to what the cloud tells of it.
        """
        found: Inventory = {}
        for kind in kinds:
            found |= listed(kind, self.client(kind.service, region))
        return without_managed(found)

    def calls(self) -> Calls:
        """Every call but the grader's own, as the guard wrote it down."""
        pages, after, more = [], -1, True
        while more:
            page = self._guard("GET", f"/guard/calls?after={after}")
            pages.append(page)
            rows = page.get("calls") or []
            more = bool(page.get("more")) and bool(rows)
            after = rows[-1]["n"] if rows else after
        return read_calls(pages)

    def reset(self) -> None:
        """Forget all that the cloud holds, and every call."""
        self._guard("POST", "/guard/reset")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile what an apply would make waits, 90 seconds at most; reading, states and locks do not."""
        self._guard("POST", "/guard/hold")
        try:
            yield
        finally:
            self._guard("DELETE", "/guard/hold")

    def _guard(self, method: str, path: str) -> dict[str, Any]:
        answer = self._ask(method, f"{self.endpoint}{path}", {}, b"")
        if answer.status != 200:  # noqa: PLR2004
            raise ValueError(f"the cloud's guard answers {method} {path} with {answer.status}")
        value: dict[str, Any] = json.loads(answer.body)
        return value


def _headers(request: AWSPreparedRequest) -> dict[str, str]:
    named = ((name, _text(value)) for name, value in request.headers.items())
    return {name: value for name, value in named if name.lower() not in _SET_BY_THE_PROBE}


def _body(request: AWSPreparedRequest) -> bytes:
    body: Any = request.body
    content = body.read() if hasattr(body, "read") else body
    return content.encode() if isinstance(content, str) else bytes(content or b"")


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
