"""What a request to an AWS-compatible API asks for, read from its signature, headers and body; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

SHOWN = 200
"""Characters of any one text that are kept; callers choose these texts."""

_CREDENTIAL = re.compile(r"([^\s/,=]{1,128})/(\d{8})/([a-z0-9-]{1,32})/([a-z0-9.-]{1,48})/aws4_request")
_SIGNATURE = re.compile(rf"AWS4-HMAC-SHA256\s+Credential={_CREDENTIAL.pattern}(?:[,\s]|$)")
_CBOR_PATH = re.compile(r"/service/\w+/operation/(\w+)")
_READS = re.compile(r"(Describe|Get|List|Head|Lookup|BatchGet|Query|Scan|Search|Simulate|Assume|Filter|Decode)")
_NAMES_A_RESOURCE = re.compile(r"(Id|Name|Arn|Bucket|Alias)(Set|s)?(\.\d+)?$", re.IGNORECASE)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Signature:
    """The scope of a request's AWS Signature Version 4; whether it was signed with the right key is not looked at.

    Attributes:
        access_key: Access key id, which tells callers apart.
        region: Region that is asked.
        service: Signing name of the service, `ec2`.
    """

    access_key: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that say what it asks for.

    Attributes:
        method: HTTP method.
        path: Decoded path.
        query: Raw query.
        kind: `Content-Type`; empty when there is none.
        target: `X-Amz-Target`; empty when there is none.
        body: The whole body.
    """

    method: str
    path: str
    query: str = ""
    kind: str = ""
    target: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """What one request asks for.

    Attributes:
        action: `CreateVpc`; for S3 the method and what it is about, `PUT bucket?versioning`.
        resource: What the request names first; empty when it names nothing.
        writes: Whether it may change anything.
    """

    action: str
    resource: str
    writes: bool


def signature(authorization: str, query: str) -> Signature | None:
    """Read who asks which service where; from the header, or the query of a presigned address. None when unsigned."""
    found = _SIGNATURE.match(authorization)
    if not found and not authorization:
        found = _CREDENTIAL.fullmatch(dict(parse_qsl(query)).get("X-Amz-Credential", ""))
    return Signature(found[1], found[3], found[4]) if found else None


def call(service: str, request: Request) -> Call:
    """Read what is asked of a service, given by its signing name."""
    if service == "s3":
        return _storage(request)
    target = request.target.rpartition(".")[2] or "".join(_CBOR_PATH.findall(request.path)[:1])
    if target:
        return _named(target, _first_of_json(request.body))
    form = _form(request)
    if "Action" in form:
        return _named(form["Action"], _first(form))
    return Call(_short(f"{request.method} {request.path}"), _short(request.path), request.method not in _SAFE_METHODS)


def _storage(request: Request) -> Call:
    bucket, _, key = request.path.lstrip("/").partition("/")
    kind = "object" if key else "bucket" if bucket else "buckets"
    fields = parse_qsl(request.query, keep_blank_values=True)
    about = "&".join(sorted(name for name, value in fields if not value))
    resource = f"{bucket}/{key}" if key else bucket
    action = f"{request.method} {kind}{'?' if about else ''}{about}"
    return Call(_short(action), _short(resource), request.method not in _SAFE_METHODS)


def _named(action: str, resource: str) -> Call:
    return Call(_short(action), resource, not _READS.match(action))


def _form(request: Request) -> dict[str, str]:
    typed = request.kind.startswith("application/x-www-form-urlencoded")
    text = request.body.decode("utf-8", "replace") if typed else request.query
    try:
        return dict(parse_qsl(text, max_num_fields=2000))
    except ValueError:
        return {}


def _first_of_json(body: bytes) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _first(value) if isinstance(value, dict) else ""


def _first(fields: Mapping[str, object]) -> str:
    named = (value for name, value in fields.items() if _NAMES_A_RESOURCE.search(name) and isinstance(value, str))
    return _short(next(named, ""))


def _short(text: str) -> str:
    return text[:SHOWN]
