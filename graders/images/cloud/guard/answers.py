"""Errors in the words and the shape of each AWS protocol, so that a client says them instead of breaking off; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

QUERY = frozenset({"autoscaling", "cloudformation", "elasticloadbalancing", "iam", "monitoring", "rds", "sns", "sts"})
"""Services whose errors are the Query protocol's; https://smithy.io/2.0/aws/protocols/aws-query-protocol.html."""

REQUEST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def error(service: str, code: str, message: str, *, status: int = 400, target: bool = False) -> Answer:
    """An error as the service's clients read it.

    Args:
        service: Signing name of the service.
        code: The error's code; `UnsupportedOperation`.
        message: What to say.
        status: HTTP status.
        target: Whether the request named its action in `X-Amz-Target`, which makes its protocol JSON.
    """
    if target:
        return _json(status, code, {"__type": code, "message": message}, "application/x-amz-json-1.1")
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        errors = f"<Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID>"
        return _xml(status, f"<Response>{errors}</Response>")
    if service == "s3":
        return _xml(status, f"<Error>{inner}<RequestId>{REQUEST_ID}</RequestId></Error>")
    if service in QUERY:
        whole = f"<Error><Type>Sender</Type>{inner}</Error><RequestId>{REQUEST_ID}</RequestId>"
        return _xml(status, f"<ErrorResponse>{whole}</ErrorResponse>")
    return _json(status, code, {"code": code, "message": message}, "application/json")


def value(content: Mapping[str, object], status: int = 200) -> Answer:
    """A JSON object for the grader."""
    return Answer(status, "application/json", json.dumps(content).encode())


def _xml(status: int, text: str) -> Answer:
    return Answer(status, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def _json(status: int, code: str, content: Mapping[str, str], kind: str) -> Answer:
    return Answer(status, kind, json.dumps(content).encode(), (("x-amzn-ErrorType", code),))
