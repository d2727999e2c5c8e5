"""The grader's side of a pipeline lab's services: one JSON request after the other, through the probe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mde_grader.checking import fail
from mde_grader.checking.probe import Probe

SECONDS = 60.0
LIMIT = 4 * 1024 * 1024
"""Most bytes of an answer: the probe's own cap."""
_FIRST_BAD = 400
_EXHAUSTED = frozenset({503, 507})


@dataclass(frozen=True)
class Service:
    """A service's admin interface; what it says is described in docs/reference/pipeline-services.md.

    Attributes:
        probe: A client on the stack's network.
        token: The value of `ADMIN_TOKEN`.
        endpoint: `http://service:port`.
    """

    probe: Probe
    token: str
    endpoint: str

    def ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Ask for something below `/admin/`; None where nothing is answered.

        Raises:
            ValueError: The service refuses; a mistake of the grader's, so no candidate loses points by it.
        """
        body = self.raw(method, path, content)
        return json.loads(body) if body else None

    def raw(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> bytes:
        """Ask for something below `/admin/`, and take the bytes as they are.

        Raises:
            CheckFailedError: The service cannot work any more: it is full of what pipelines put there.
            ValueError: The service refuses, or says too much.
        """
        url = f"{self.endpoint}/admin/{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.probe.request(method, url, json=content, headers=headers, seconds=SECONDS, limit=LIMIT)
        if answer.truncated:
            raise ValueError(f"the answer to {method} {url} is larger than {LIMIT} bytes")
        said = answer.body[:500].decode("utf-8", "replace")
        if answer.status in _EXHAUSTED:
            fail(expected=f"{self.endpoint} goes on working, whatever pipelines do there", seen=said)
        if answer.status >= _FIRST_BAD:
            raise ValueError(f"{method} {url} is answered with {answer.status}: {said}")
        return answer.body

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        """A log's entries, page by page.

        Raises:
            CheckFailedError: A pipeline asked for more than the log holds.
        """
        after, more = -1, True
        while more:
            page = self.ask("GET", f"{path}?after={after}")
            if page["dropped"]:
                fail(
                    expected="a pipeline asks its store and its target for some dozens of things",
                    seen=f"{page['dropped']} more than the log at {self.endpoint} holds",
                )
            yield from page["entries"]
            more = bool(page["more"]) and bool(page["entries"])
            after = page["entries"][-1]["n"] if page["entries"] else after
