"""The few words that we speak with the engine, over the SDK's transport.

The SDK's high-level objects ask the engine again for what we know already; these calls are one round trip each.
"""

from __future__ import annotations

import json
import socket
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import requests
from docker import APIClient
from docker.errors import DockerException
from docker.tls import TLSConfig

from mde_grader.errors import EngineError, EngineUnavailableError
from mde_grader.runtimes.docker.endpoints import Endpoint, endpoints

TIMEOUT = 60
"""Seconds for one ordinary answer. Starting a container on a loaded machine took 6 s at the worst that we saw."""

POOL = 32
"""Connections that are kept: parallel starts, the event stream, builds."""

BAD_REQUEST, NOT_FOUND, CONFLICT = 400, 404, 409
NOT_MODIFIED = 304


class RefusalError(Exception):
    """The engine answered that it will not.

    Args:
        status: HTTP status.
        message: The engine's own words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Engine(APIClient):
    """One engine. Safe to use from several threads.

    Args:
        endpoint: Where it answers.
        timeout: Seconds for the first answer.

    Raises:
        DockerException: It does not answer.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: int = TIMEOUT) -> None:
        tls: bool | TLSConfig = False
        if endpoint.tls is not None:
            cert, key, authority = (str(endpoint.tls / name) for name in ("cert.pem", "key.pem", "ca.pem"))
            tls = TLSConfig(client_cert=(cert, key), ca_cert=authority, verify=True)
        super().__init__(base_url=endpoint.url, timeout=timeout, tls=tls, max_pool_size=POOL)
        self.endpoint = endpoint
        # Looking for proxies and a netrc at each call costs more than the call.
        self.trust_env = False
        self.timeout = TIMEOUT
        self.cancelled = False
        self._builds: weakref.WeakSet[requests.Response] = weakref.WeakSet()
        # The engine would compress what it hands out, and a cap on bytes must mean the bytes.
        self.headers["Accept-Encoding"] = "identity"

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        timeout: float | None = None,
    ) -> Any:  # noqa: ANN401
        """One call; the decoded answer, or its bytes where it is not JSON.

        Raises:
            RefusalError: The engine refused.
            EngineError: It did not answer.
        """
        with self.answer(method, path, params=params, body=body, timeout=timeout) as response, translated():
            content = response.content
            kind = response.headers.get("Content-Type", "")
        return json.loads(content) if content and "json" in kind else content

    @contextmanager
    def answer(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        data: Any = None,  # noqa: ANN401
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[requests.Response]:
        """One call whose answer is read by the caller, piece by piece; closed at the end.

        Raises:
            RefusalError: The engine refused.
            EngineError: It did not answer.
        """
        response = self.open(method, path, params=params, body=body, data=data, headers=headers, timeout=timeout)
        try:
            yield response
        finally:
            response.close()

    def open(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        data: Any = None,  # noqa: ANN401
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> requests.Response:
        """One call; the caller closes the response.

        Raises:
            RefusalError: The engine refused.
            EngineError: It did not answer.
        """
        sent = dict(headers or {})
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body), "application/json"
        with translated():
            response = self.request(
                method,
                f"{self.base_url}/v{self.api_version}{path}",
                params=dict(params or {}),
                data=data,
                headers=sent,
                stream=True,
                timeout=timeout or self.timeout,
            )
            if response.status_code >= requests.codes.bad_request:
                content = response.content
                response.close()
                raise RefusalError(response.status_code, _message(content))
        if path == "/build":
            self._builds.add(response)
        return response

    def cancel_builds(self) -> None:
        """End every build that is going on, and let none begin."""
        self.cancelled = True
        for response in list(self._builds):
            hang_up(response)

    def attachment(self, container: str, *, stdin: bool = False) -> requests.Response:
        """A container's output as it comes, to be called before its start; `raw_socket` of it is a stream socket."""
        return self.open(
            "POST",
            f"/containers/{container}/attach",
            params={"stream": 1, "stdin": int(stdin), "stdout": 1, "stderr": 1},
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        )

    def attach_stream(self, container: str) -> socket.socket:
        """A stream socket to a container's standard input, output and error; to be called before its start."""
        response = self.attachment(container, stdin=True)
        sock = raw_socket(response)
        sock.settimeout(None)
        _KEPT.add(sock, response)
        return sock

    def quietly(self, method: str, path: str, *, params: Mapping[str, Any] | None = None) -> bool:
        """One call whose aim may be reached already: whether the engine did it; 404, 409 and 304 are no error."""
        try:
            with self.answer(method, path, params=params) as response:
                return response.status_code != NOT_MODIFIED
        except RefusalError as refusal:
            if refusal.status in {NOT_FOUND, CONFLICT}:
                return False
            raise EngineError(f"the engine refused {method} {path}: {refusal.message}") from refusal


def sdk_client(engine: Engine) -> docker.DockerClient:
    """The SDK's own client over a connection of ours."""
    client = docker.DockerClient(base_url=engine.endpoint.url, version=engine.api_version)
    client.api = engine
    return client


def raw_socket(response: requests.Response) -> socket.socket:
    """The socket under an answer that is still being read.

    urllib3 gives no public way to it, and it is the only thing that can be shut down from outside.
    """
    raw: Any = response.raw
    reader = raw._fp.fp.raw  # noqa: SLF001
    sock: socket.socket = getattr(reader, "_sock", reader)
    return sock


class _Kept:
    """Responses whose sockets live on without them: a collected response would close its socket."""

    def __init__(self) -> None:
        self._pairs: list[tuple[socket.socket, requests.Response]] = []
        self._lock = threading.Lock()

    def add(self, sock: socket.socket, response: requests.Response) -> None:
        with self._lock:
            self._pairs = [pair for pair in self._pairs if pair[0].fileno() >= 0]
            self._pairs.append((sock, response))


_KEPT = _Kept()


def hang_up(response: requests.Response) -> None:
    """End an answer that is still coming, whoever reads it; the engine sees the end at once."""
    with suppress(OSError, AttributeError):
        raw_socket(response).shutdown(socket.SHUT_RDWR)
    with suppress(OSError, AttributeError):
        response.close()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the transport raises into `EngineError`: a silent engine is never a candidate's fault."""
    try:
        yield
    except requests.exceptions.Timeout as error:
        raise EngineError("the container engine did not answer in time") from error
    except (requests.exceptions.RequestException, OSError) as error:
        raise EngineError(f"the connection to the container engine broke: {error}") from error


def _message(content: bytes) -> str:
    with suppress(ValueError, AttributeError):
        return str(json.loads(content).get("message", "")).strip()
    return content.decode(errors="replace").strip()


def connect_engine(environ: Mapping[str, str], home: Path, *, seconds: int = 5) -> Engine:
    """The first engine that answers.

    Raises:
        EngineUnavailableError: None does; the message names each place and why not.
    """
    tried = []
    for endpoint in endpoints(environ, home):
        missing = _missing_socket(endpoint)
        if missing:
            tried.append(f"{endpoint.why} {endpoint.url}: {missing}")
            continue
        try:
            return Engine(endpoint, timeout=seconds)
        except (DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
            tried.append(f"{endpoint.why} {endpoint.url}: {_brief(error)}")
    raise EngineUnavailableError(f"no container engine answers ({'; '.join(tried)})")


def _missing_socket(endpoint: Endpoint) -> str:
    if not endpoint.url.startswith("unix://"):
        return ""
    return "" if Path(endpoint.url.removeprefix("unix://")).exists() else "not there"


def _brief(error: Exception) -> str:
    text = str(error)
    for words, brief in (
        ("Permission denied", "permission denied"),
        ("Connection refused", "nothing listens"),
        ("Name or service not known", "no such host"),
        ("timed out", "timed out"),
    ):
        if words in text:
            return brief
    return text.splitlines()[0][:160] if text else type(error).__name__
