"""The guard of the lab's cloud, before services that only say what they were asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from graders.images.cloud.guard import answers, gate
from graders.images.cloud.guard.audit import Audit
from graders.images.cloud.guard.calls import Call, Request, Signature, call, signature
from graders.images.cloud.guard.gate import Gate
from graders.images.cloud.guard.holds import MOST, Holds
from graders.images.cloud.guard.repeats import KEPT, LARGEST, Repeats

TOKEN = "0123456789abcdef"


def scope(service: str, key: str = "AKIDONE", region: str = "us-east-1") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20261125/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )


class Service:
    """Stands in for one of moto's services."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        self.seen.append({**environ, "body": environ["wsgi.input"].read()})
        if self.error:
            raise self.error
        start("200 OK", [("Content-Type", "text/xml"), ("Content-Length", "4"), ("X-Amzn-RequestId", "1")])
        return [b"<a/>"]


class World:
    def __init__(self) -> None:
        self.service = Service()
        self.resets: list[bool] = []
        self.gate = Gate({"ec2": self.service, "s3": self.service}, TOKEN, lambda: self.resets.append(True))

    def ask(
        self,
        path: str = "/",
        *,
        method: str = "POST",
        auth: str = "",
        body: bytes = b"",
        query: str = "",
        **headers: str,
    ) -> tuple[int, bytes, dict[str, str]]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
            "REMOTE_ADDR": "10.0.0.3",
            "HTTP_HOST": "whatever",
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        if auth:
            environ["HTTP_AUTHORIZATION"] = auth
        told: list[Any] = []
        parts = self.gate(environ, lambda status, head: told.extend([status, dict(head)]))
        return int(told[0].split()[0]), b"".join(parts), told[1]

    def calls(self) -> list[dict[str, Any]]:
        _, body, _ = self.ask("/guard/calls", method="GET", x_guard_token=TOKEN)
        calls: list[dict[str, Any]] = json.loads(body)["calls"]
        return calls


@pytest.fixture
def world() -> World:
    return World()


def test_a_signed_call_is_passed_on_and_written_down(world: World) -> None:
    body = b"Action=DeleteVpc&Version=2016-11-15&VpcId=vpc-1"
    status, answer, headers = world.ask(auth=scope("ec2"), body=body, user_agent="terraform")
    assert (status, answer) == (200, b"<a/>")
    assert headers["X-Amzn-RequestId"] == "1"
    assert world.service.seen[0]["body"] == body
    entry = world.calls()[0]
    assert entry.pop("time") >= 0
    assert entry == {
        "n": 0,
        "writes": True,
        "service": "ec2",
        "region": "us-east-1",
        "access_key": "AKIDONE",
        "action": "DeleteVpc",
        "resource": "vpc-1",
        "source": "10.0.0.3",
        "user_agent": "terraform",
        "status": 200,
    }


def test_a_service_sees_its_public_name_and_none_of_the_graders_or_motos_headers(world: World) -> None:
    world.ask(auth=scope("s3", region="eu-west-1"), x_guard_token=TOKEN, x_moto_account_id="666", x_forwarded_host="x")
    seen = world.service.seen[0]
    assert seen["HTTP_HOST"] == "s3.eu-west-1.amazonaws.com"
    assert not [name for name in seen if "MOTO" in name or "GUARD" in name or "FORWARDED" in name]


def test_the_graders_own_calls_are_not_written_down(world: World) -> None:
    world.ask(auth=scope("ec2"), x_guard_token=TOKEN)
    assert len(world.service.seen) == 1
    assert world.calls() == []


@pytest.mark.parametrize("token", ["", "0", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "é\udcff"])
@pytest.mark.parametrize("path", ["/guard/calls", "/guard/reset", "/", "/ready"])
def test_a_wrong_token_opens_nothing(world: World, token: str, path: str) -> None:
    assert world.ask(path, auth=scope("ec2"), x_guard_token=token)[0] == 403
    assert not world.service.seen
    assert not world.resets


def test_without_a_token_of_its_own_the_guard_knows_no_grader(world: World) -> None:
    world.gate.token = ""
    assert world.ask("/guard/calls", method="GET", x_guard_token="")[0] == 403
    assert world.ask("/guard/calls", method="GET")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/reset",
        "//moto-api/data.json",
        "/MOTO-API/",
        "/moto_api/reset",
        "/motoapi",
        "/%6doto-api/reset",
        "/%256doto-api/reset",
    ],
)
@pytest.mark.parametrize("service", ["s3", "ec2"])
def test_motos_own_interface_is_closed_under_every_name(world: World, path: str, service: str) -> None:
    assert world.ask(path, auth=scope(service))[0] == 403
    assert world.ask(path)[0] == 403
    assert not world.service.seen


@pytest.mark.parametrize("service", ["motoapi", "moto_api", "moto_api._internal", "instance_metadata", "lambda", "S3"])
def test_a_service_that_is_not_there_is_refused_by_name(world: World, service: str) -> None:
    status, _, _ = world.ask("/moto-api/reset", auth=scope(service, region="amazonaws.com"))
    assert status == 403
    assert world.ask(auth=scope(service))[0] in {400, 403}
    assert not world.service.seen


@pytest.mark.parametrize(
    "auth",
    [
        "",
        "AWS AKID:signature",
        "Bearer x",
        "AWS4-HMAC-SHA256 Credential=AKID/2026/us-east-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/s3/../ec2/aws4_request, x",
        "AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/s3/aws4_requestx",
    ],
)
def test_an_unsigned_request_is_refused_and_written_down(world: World, auth: str) -> None:
    status, body, _ = world.ask("/bucket/key", auth=auth)
    assert status == 403
    assert b"AccessDenied" in body
    assert not world.service.seen
    assert [(entry["service"], entry["status"]) for entry in world.calls()] == [("", 403)]


def test_a_presigned_address_is_signed(world: World) -> None:
    query = "X-Amz-Credential=AKID%2F20261125%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0"
    assert world.ask("/b/k", method="GET", query=query)[0] == 200
    assert world.calls()[0]["access_key"] == "AKID"


@pytest.mark.parametrize(
    ("error", "code", "fault"),
    [
        (NotImplementedError("The x action has not been implemented"), b"UnsupportedOperation", "lacks"),
        (KeyError("us-east-9"), b"InvalidAction", "broke: KeyError('us-east-9')"),
    ],
)
def test_what_the_cloud_cannot_do_is_an_answer_and_a_fault(
    world: World, error: Exception, code: bytes, fault: str
) -> None:
    world.service.error = error
    status, body, _ = world.ask(auth=scope("ec2"), body=b"Action=X")
    assert status == 400
    assert code in body
    assert world.calls()[0]["fault"] == fault


def test_a_large_body_and_too_many_bodies_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY", 10)
    monkeypatch.setattr(gate, "BODIES", 25)
    assert b"EntityTooLarge" in world.ask("/b/k", method="PUT", auth=scope("s3"), body=b"x" * 11)[1]
    assert world.ask("/b/k", method="PUT", auth=scope("s3"), body=b"x" * 10)[0] == 200
    assert b"EntityTooLarge" in world.ask("/b/k", method="PUT", auth=scope("s3"), body=b"x" * 10)[1]


def test_head_has_no_body(world: World) -> None:
    assert world.ask("/b", method="HEAD", auth=scope("s3"))[:2] == (200, b"")


def test_whoever_asks_may_know_that_it_is_ready_and_nothing_else(world: World) -> None:
    assert world.ask("/ready", method="GET")[0] == 200
    assert world.ask("/ready", method="GET", auth=scope("s3"))[0] == 200, "a bucket may have that name"
    assert [entry["resource"] for entry in world.calls()] == ["ready"]


def test_a_reset_forgets_everything(world: World) -> None:
    world.ask(auth=scope("ec2"))
    assert world.ask("/guard/reset", method="GET", x_guard_token=TOKEN)[0] == 404
    assert world.ask("/guard/reset", x_guard_token=TOKEN)[0] == 200
    assert world.resets == [True]
    assert world.calls() == []


# the record


def test_a_flood_of_reads_pushes_out_no_write() -> None:
    audit = Audit(reads_kept=3, writes_kept=2)
    for number in range(10):
        audit.add({"action": f"read{number}"}, writes=False)
    for number in range(3):
        audit.add({"action": f"write{number}"}, writes=True)
    page: Any = audit.page()
    assert [entry["action"] for entry in page["calls"]] == ["read0", "read1", "read2", "write0", "write1"]
    assert (page["reads"], page["writes"], page["dropped"]) == (10, 3, {"reads": 7, "writes": 1})


def test_pages_join_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit()
    monkeypatch.setattr("graders.images.cloud.guard.audit.PAGE", 2)
    for _ in range(5):
        audit.add({}, writes=False)
    seen: list[int] = []
    more = True
    while more:
        page: Any = audit.page(seen[-1] if seen else -1)
        seen += [entry["n"] for entry in page["calls"]]
        more = page["more"]
    assert seen == [0, 1, 2, 3, 4]


# reading


@pytest.mark.parametrize(
    ("service", "request_", "wanted"),
    [
        ("ec2", Request("POST", "/", kind="application/x-www-form-urlencoded", body=b"Action=DescribeVpcs"),
         Call("DescribeVpcs", "", writes=False)),
        ("iam", Request("POST", "/", kind="application/x-www-form-urlencoded", body=b"Action=CreateRole&RoleName=r"),
         Call("CreateRole", "r", writes=True)),
        ("ec2", Request("GET", "/", query="Action=DeleteVpc&VpcId=v"), Call("DeleteVpc", "v", writes=True)),
        ("dynamodb", Request("POST", "/", target="DynamoDB_20120810.PutItem", body=b'{"TableName": "t"}'),
         Call("PutItem", "t", writes=True)),
        ("kms", Request("POST", "/", target="TrentService.ListKeys", body=b"not json"),
         Call("ListKeys", "", writes=False)),
        ("logs", Request("POST", "/service/Logs_20140328/operation/CreateLogGroup"),
         Call("CreateLogGroup", "", writes=True)),
        ("s3", Request("PUT", "/b", query="versioning"), Call("PUT bucket?versioning", "b", writes=True)),
        ("s3", Request("GET", "/b/a/k", query="x-id=GetObject"), Call("GET object", "b/a/k", writes=False)),
        ("s3", Request("GET", "/"), Call("GET buckets", "", writes=False)),
        ("x", Request("DELETE", "/v1/things/7"), Call("DELETE /v1/things/7", "/v1/things/7", writes=True)),
        ("ssm", Request("POST", "/", target="AmazonSSM.GetParameter", body=b"[" * 100_000),
         Call("GetParameter", "", writes=False)),
        ("ssm", Request("POST", "/", target="AmazonSSM.PutParameter", body=b'{"Name": "n", "Value": "secret"}'),
         Call("PutParameter", "n", writes=True)),
        ("ec2", Request("POST", "/", kind="application/x-www-form-urlencoded", body=b"&a=1" * 3000),
         Call("POST /", "/", writes=True)),
    ],
)  # fmt: skip
def test_what_a_request_asks_for(service: str, request_: Request, wanted: Call) -> None:
    assert call(service, request_) == wanted


def test_texts_of_the_caller_are_cut() -> None:
    assert len(call("s3", Request("GET", f"/b/{'k' * 999}")).resource) == 200


def test_a_scope_is_read_from_header_or_query() -> None:
    assert signature(scope("ec2", "K", "eu-west-1"), "") == Signature("K", "eu-west-1", "ec2")
    assert signature("junk", "X-Amz-Credential=AKID%2F20261125%2Fus-east-1%2Fs3%2Faws4_request") is None


# answers


@pytest.mark.parametrize(
    ("service", "place"), [("ec2", "Errors/Error"), ("iam", "Error"), ("sns", "Error"), ("s3", ".")]
)
def test_an_error_has_its_protocols_shape(service: str, place: str) -> None:
    answer = answers.error(service, "Code<", "a & b")
    found = ET.fromstring(answer.body).find(place)  # noqa: S314 - our own
    assert found is not None
    assert (found.findtext("Code"), found.findtext("Message")) == ("Code<", "a & b")


def test_an_error_of_a_json_service_says_its_kind_in_body_or_header() -> None:
    targeted = answers.error("dynamodb", "Code", "m", target=True)
    assert json.loads(targeted.body) == {"__type": "Code", "message": "m"}
    assert ("x-amzn-ErrorType", "Code") in answers.error("lambda", "Code", "m").headers


CREATE = b"Action=CreateSecurityGroup&GroupName=app"


def test_a_call_that_is_sent_again_is_answered_again_and_carried_out_once(world: World) -> None:
    first = world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one", amz_sdk_request="attempt=1; max=3")
    again = world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one", amz_sdk_request="attempt=2; max=3")
    assert again == first
    assert len(world.service.seen) == 1
    assert len(world.calls()) == 2


@pytest.mark.parametrize(
    ("auth", "body", "headers"),
    [
        (scope("ec2"), CREATE, {"amz_sdk_invocation_id": "two"}),
        (scope("ec2"), CREATE, {}),
        (scope("ec2"), CREATE + b"2", {"amz_sdk_invocation_id": "one"}),
        (scope("ec2", key="AKIOTHER"), CREATE, {"amz_sdk_invocation_id": "one"}),
        (scope("s3"), CREATE, {"amz_sdk_invocation_id": "one"}),
    ],
)
def test_another_call_is_carried_out(world: World, auth: str, body: bytes, headers: dict[str, str]) -> None:
    world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one")
    world.ask(auth=auth, body=body, **headers)
    assert len(world.service.seen) == 2


def test_what_broke_is_tried_again(world: World) -> None:
    world.service.error = KeyError("x")
    assert world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one")[0] == 400
    world.service.error = None
    assert world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one")[0] == 200


def test_a_reset_forgets_answers_and_few_are_kept(world: World) -> None:
    kept = Repeats()
    for number in range(KEPT + 1):
        kept.keep(str(number), answers.value({}))
    kept.keep("large", answers.Answer(200, "", b"x" * (LARGEST + 1)))
    assert (kept.of("0"), kept.of("large"), kept.of("")) == (None, None, None)
    assert kept.of(str(KEPT)) is not None
    world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one")
    world.ask("/guard/reset", x_guard_token=TOKEN)
    world.ask(auth=scope("ec2"), body=CREATE, amz_sdk_invocation_id="one")
    assert len(world.service.seen) == 2


def test_what_an_apply_makes_waits_for_the_end_of_a_hold(world: World) -> None:
    world.ask("/guard/hold", x_guard_token=TOKEN)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(world.ask, auth=scope("ec2"), body=CREATE)
        while not world.gate.holds.waiting:
            assert not waits.done()
        assert world.ask(auth=scope("ec2"), body=b"Action=DescribeVpcs")[0] == 200
        assert world.ask("/states/key", method="PUT", auth=scope("s3"))[0] == 200
        assert world.ask(auth=scope("ec2"), body=CREATE, x_guard_token=TOKEN)[0] == 200
        assert not waits.done()
        world.ask("/guard/hold", method="DELETE", x_guard_token=TOKEN)
        assert waits.result(5)[0] == 200
    assert len(world.service.seen) == 4
    assert world.ask(auth=scope("ec2"), body=CREATE)[0] == 200


def test_a_hold_is_the_graders_ends_by_itself_and_takes_only_so_many(world: World) -> None:
    assert world.ask("/guard/hold", x_guard_token="wrong")[0] == 403
    assert world.ask("/guard/hold", auth=scope("ec2"))[0] == 200
    world.gate.holds.wait("ec2", writes=True)
    short = Holds(longest=0.01)
    short.begin()
    short.wait("ec2", writes=True)
    holds = Holds(longest=5)
    holds.begin()
    with ThreadPoolExecutor(MOST) as pool:
        waiting = [pool.submit(holds.wait, "ec2", writes=True) for _ in range(MOST)]
        while holds.waiting < MOST:
            assert not any(one.done() for one in waiting)
        holds.wait("ec2", writes=True)
        holds.end()
    assert holds.waiting == 0
