"""The cloud as checks see it, before a probe that answers from a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from graders.cloud.api import Cloud
from graders.cloud.inventory import Inventory, Kind, difference, of_kind, plain, tags, without_managed


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    truncated: bool = False


class Probe:
    """Answers by service and action."""

    def __init__(self, table: Mapping[str, Answer]) -> None:
        self.table = table
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **options: Any) -> Answer:
        self.asked.append((method, url, options))
        target = options["headers"].get("X-Amz-Target", "").rpartition(".")[2]
        return self.table.get(target or url.removeprefix("http://cloud:5000"), Answer(404))


def cloud(**answers: Answer) -> tuple[Cloud, Probe]:
    probe = Probe({**answers})
    return Cloud(probe, "token"), probe


LISTED = Answer(body=b'{"TableNames": ["locks"]}')
DESCRIBED = Answer(body=b'{"Table": {"TableName": "locks", "TableStatus": "ACTIVE", "ItemCount": 3}}')


@pytest.fixture(scope="module")
def shared() -> tuple[Cloud, Probe]:
    return cloud(ListTables=LISTED, DescribeTable=DESCRIBED)


def test_a_client_speaks_through_the_probe_with_the_token(shared: tuple[Cloud, Probe]) -> None:
    asking, probe = shared
    assert asking.client("dynamodb").list_tables()["TableNames"] == ["locks"]
    method, url, options = probe.asked[-1]
    assert (method, url) == ("POST", "http://cloud:5000/")
    assert options["headers"]["X-Guard-Token"] == "token"
    assert "/us-east-1/dynamodb/aws4_request" in options["headers"]["Authorization"]
    assert not {"host", "content-length"} & {name.lower() for name in options["headers"]}
    assert asking.client("dynamodb") is asking.client("dynamodb")


def test_an_inventory_holds_what_there_is(shared: tuple[Cloud, Probe]) -> None:
    kind = Kind("table", "dynamodb", "list_tables", "TableNames", "")
    found = shared[0].inventory((kind,))
    assert found == {"table/locks": {"TableName": "locks", "TableStatus": "ACTIVE", "ItemCount": 3}}


def test_an_error_of_the_cloud_is_botocores(shared: tuple[Cloud, Probe]) -> None:
    asking, probe = shared
    probe.table = {"ListTables": Answer(400, b'{"__type": "UnsupportedOperation", "message": "not here"}')}
    with pytest.raises(ClientError, match="not here"):
        asking.client("dynamodb").list_tables()
    assert len([asked for asked in probe.asked if asked[0] == "POST"]) == len(probe.asked), "and is not tried again"


def test_a_cut_answer_is_no_answer(shared: tuple[Cloud, Probe]) -> None:
    asking, probe = shared
    probe.table = {"ListTables": Answer(body=b"{", truncated=True)}
    with pytest.raises(ValueError, match="larger than"):
        asking.client("dynamodb").list_tables()


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"n": number, "time": 1, "status": 200, "writes": False, "action": "x", "access_key": "A", **more}


def page(*rows: dict[str, Any], more: bool = False) -> Answer:
    dropped = {"reads": 0, "writes": 2}
    whole = {"calls": rows, "more": more, "reads": 1, "writes": 2, "dropped": dropped}
    return Answer(body=json.dumps(whole).encode())


def test_calls_are_read_page_by_page() -> None:
    asking, probe = cloud()
    probe.table = {
        "/guard/calls?after=-1": page(row(0), row(1, writes=True), more=True),
        "/guard/calls?after=1": page(row(4, access_key="B", writes=True, status=400, fault="lacks")),
    }
    calls = asking.calls()
    assert [entry.number for entry in calls.entries] == [0, 1, 4]
    assert [entry.number for entry in calls.changing] == [1]
    assert [entry.number for entry in calls.by("A")] == [0, 1]
    assert [entry.number for entry in calls.not_by(["A"])] == [4]
    assert [entry.number for entry in calls.faults] == [4]
    assert (calls.reads, calls.writes, calls.dropped_reads, calls.dropped_writes) == (1, 2, 0, 2)


def test_a_hold_ends_whatever_happens_meanwhile() -> None:
    asking, probe = cloud(**{"/guard/hold": Answer(body=b"{}")})
    with pytest.raises(KeyError), asking.held():
        raise KeyError
    assert [method for method, *_ in probe.asked] == ["POST", "DELETE"]


def test_a_guard_that_refuses_is_an_error_of_ours() -> None:
    asking, probe = cloud()
    with pytest.raises(ValueError, match="404"):
        asking.reset()
    assert probe.asked[-1][:2] == ("POST", "http://cloud:5000/guard/reset")


def test_a_difference_is_told_in_words() -> None:
    before: Inventory = {"vpc/a": {"Cidr": "1"}, "vpc/b": {}, "table/t": {"ItemCount": 1}}
    after: Inventory = {"vpc/a": {"Cidr": "2", "Tags": []}, "vpc/c": {}, "table/t": {"ItemCount": 2}}
    found = difference(before, after)
    assert (found.added, found.removed, found.changed) == (("vpc/c",), ("vpc/b",), {"vpc/a": ("Cidr", "Tags")})
    assert str(found) == "new: vpc/c; gone: vpc/b; changed: vpc/a (Cidr, Tags)"
    assert not difference(before, before)
    assert str(difference(before, before)) == "no difference"


def test_keys_that_aws_makes_by_itself_do_not_count() -> None:
    found: Inventory = {
        "alias/alias/aws/ebs": {"TargetKeyId": "k1"},
        "alias/alias/mine": {"TargetKeyId": "k2"},
        "key/k1": {},
        "key/k2": {},
    }
    assert set(without_managed(found)) == {"alias/alias/mine", "key/k2"}


@pytest.mark.parametrize(
    "facts",
    [
        {"Tags": [{"Key": "Team", "Value": "atlas"}]},
        {"tags": {"Team": "atlas"}},
        {"TagSet": [{"Key": "Team", "Value": "atlas"}]},
        {"Tags": [{"TagKey": "Team", "TagValue": "atlas"}]},
    ],
)
def test_tags_are_read_in_every_way_of_writing(facts: dict[str, Any]) -> None:
    assert tags(facts) == {"Team": "atlas"}


def test_one_kind_is_taken_out_of_an_inventory() -> None:
    assert of_kind({"vpc/a": {"x": 1}, "vpc-endpoint/b": {}}, "vpc") == {"a": {"x": 1}}
    assert plain({"ResponseMetadata": {}, "a": ({"b": 1},)}) == {"a": [{"b": 1}]}
