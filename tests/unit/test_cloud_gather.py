"""An environment is gathered from what a state claims, and broken by hand one kind after another."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError as BotoError

from graders.cloud.breaks import EVERY, Change, tried
from graders.cloud.estates import Estate, gather
from graders.cloud.leftovers import without_public
from tests.unit.cloud_estates import PROFILE, estate


class ClientError(Exception):
    """As botocore raises it."""


class Client:
    """Answers calls from a table, by the name of the operation; what is not in it is refused."""

    class exceptions:  # noqa: N801 - a client's own name for it
        ClientError = ClientError

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**words: Any) -> Any:
            self.calls.append((name, words))
            if name not in self._answers:
                raise ClientError(name)
            return self._answers[name]

        return call


STARTED = {"InstanceId": "i-1", "State": {"Name": "running"}, "IamInstanceProfile": {"Arn": PROFILE}}
ENDED = {"InstanceId": "i-0", "State": {"Name": "terminated"}}
CLOUD = {
    "ec2": {
        "describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-other"}]},
        "describe_subnets": {"Subnets": [{"SubnetId": "subnet-a"}]},
        "describe_route_tables": {"RouteTables": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-other"}]},
        "describe_vpc_endpoints": {"VpcEndpoints": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-1", "State": "deleted"}]},
        "describe_security_groups": {"SecurityGroups": [{"GroupId": "sg-1"}]},
        "describe_instances": {"Reservations": [{"Instances": [STARTED, ENDED]}]},
        "describe_volumes": {"Volumes": [{"VolumeId": "vol-1"}]},
        "describe_instance_attribute": {"UserData": {"Value": base64.b64encode(b"BUCKET=files").decode()}},
    },
    "iam": {
        "get_instance_profile": {"InstanceProfile": {"Roles": [{"RoleName": "app"}]}},
        "get_role": {"Role": {"Arn": "arn:role", "AssumeRolePolicyDocument": {}, "Tags": [{"Key": "a", "Value": "b"}]}},
        "list_role_policies": {"PolicyNames": ["own"]},
        "get_role_policy": {"PolicyDocument": {"Statement": "own"}},
        "list_attached_role_policies": {"AttachedPolicies": [{"PolicyArn": "arn:policy"}]},
        "get_policy": {"Policy": {"DefaultVersionId": "v2"}},
        "get_policy_version": {"PolicyVersion": {"Document": '{"Statement": "attached"}'}},
    },
    "s3": {
        "list_buckets": {"Buckets": [{"Name": "files"}]},
        "get_bucket_versioning": {"Status": "Enabled"},
        "get_bucket_encryption": {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            }
        },
        "get_bucket_tagging": {"TagSet": [{"Key": "team", "Value": "borealis"}]},
    },
    "dynamodb": {
        "describe_table": {"Table": {"TableName": "jobs", "TableArn": "arn:table"}},
        "list_tags_of_resource": {"Tags": [{"Key": "a", "Value": "b"}]},
        "describe_continuous_backups": {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"x": 1}}},
    },
    "logs": {
        "describe_log_groups": {"logGroups": [{"logGroupName": "logs"}, {"logGroupName": "other"}]},
        "list_tags_log_group": {"tags": {"a": "b"}},
    },
}
CLAIMED = {
    "aws_vpc": {"vpc-1"},
    "aws_subnet": {"subnet-a"},
    "aws_security_group": {"sg-1"},
    "aws_instance": {"i-1", "i-0", "i-made-up"},
    "aws_s3_bucket": {"files", "made-up"},
    "aws_dynamodb_table": {"jobs"},
    "aws_cloudwatch_log_group": {"logs"},
}


def gathered() -> Estate:
    return gather(lambda service: Client(CLOUD[service]), lambda kind: CLAIMED.get(kind, set()))


def test_only_what_the_state_claims_and_the_cloud_has_is_gathered() -> None:
    found = gathered()
    assert [vpc["VpcId"] for vpc in found.vpcs] == ["vpc-1"]
    assert len(found.route_tables) == len(found.endpoints) == 1
    assert [server["InstanceId"] for server in found.instances] == ["i-1"]
    assert [bucket.name for bucket in found.buckets] == ["files"]
    assert [group["logGroupName"] for group in found.log_groups] == ["logs"]


def test_what_is_gathered_is_what_the_cloud_says() -> None:
    found = gathered()
    assert found.user_data == {"i-1": "BUCKET=files"}
    assert found.profiles == {PROFILE: "app"}
    assert [document["Statement"] for document in found.roles[0].documents] == ["own", "attached"]
    assert found.roles[0].tags == {"a": "b"}
    bucket = found.buckets[0]
    assert (bucket.versioning, bucket.encryption, bucket.tags) == ("Enabled", ("AES256",), {"team": "borealis"})
    assert not bucket.public_access_block
    assert found.tables[0]["PointInTimeRecoveryDescription"] == {"x": 1}
    assert found.log_groups[0]["Tags"] == [{"Key": "a", "Value": "b"}]


def test_an_environment_of_nothing_is_gathered_without_asking_for_more() -> None:
    nothing = gather(lambda service: Client(CLOUD[service]), lambda _: ())
    assert not any((nothing.vpcs, nothing.instances, nothing.roles, nothing.tables, nothing.log_groups))


def test_user_data_that_is_not_coded_is_taken_as_it_is() -> None:
    plain = {**CLOUD["ec2"], "describe_instance_attribute": {"UserData": {"Value": "#!/bin/sh"}}}
    found = gather(lambda name: Client(plain if name == "ec2" else CLOUD[name]), lambda kind: CLAIMED.get(kind, ()))
    assert found.user_data == {"i-1": "#!/bin/sh"}


@pytest.mark.parametrize(
    ("content", "shown"),
    [(gzip.compress(b"BUCKET=files", mtime=0), "BUCKET=files"), (b"\x1f\x8bno", "\x1f\ufffdno")],
)
def test_user_data_is_unpacked_as_a_server_would(content: bytes, shown: str) -> None:
    packed = {
        **CLOUD["ec2"],
        "describe_instance_attribute": {"UserData": {"Value": base64.b64encode(content).decode()}},
    }
    found = gather(lambda name: Client(packed if name == "ec2" else CLOUD[name]), lambda kind: CLAIMED.get(kind, ()))
    assert found.user_data == {"i-1": shown}


def test_the_boundary_of_a_role_is_gathered() -> None:
    role = {"Arn": "a", "AssumeRolePolicyDocument": {}, "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:limit"}}
    bound = {**CLOUD["iam"], "get_role": {"Role": role}}
    found = gather(lambda name: Client(bound if name == "iam" else CLOUD[name]), lambda kind: CLAIMED.get(kind, ()))
    assert found.roles[0].boundary == {"Statement": "attached"}


IAM = {
    "list_role_policies": {"PolicyNames": ["own"]},
    "list_attached_role_policies": {"AttachedPolicies": [{"PolicyArn": "arn:policy"}]},
}


class Anything(Client):
    """Takes every call that changes something."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self._answers.setdefault(name, {})
        return super().__getattr__(name)


def broken(one: Callable[..., Change | None], there: Estate) -> tuple[Change | None, list[str]]:
    clients = {name: Anything(dict(IAM) if name == "iam" else {}) for name in ("ec2", "s3", "iam", "logs", "dynamodb")}
    change = one(clients.__getitem__, there)
    return change, [name for client in clients.values() for name, _ in client.calls if not name.startswith("list_")]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: str(one.__name__))
def test_each_break_changes_something_and_says_what(one: Callable[..., Change | None]) -> None:
    change, calls = broken(one, estate())
    assert change is not None
    assert change.told
    assert calls
    assert change.name in {"firewall", "bucket", "logs", "table", "network", "tags", "role"}


@pytest.mark.parametrize("one", EVERY, ids=lambda one: str(one.__name__))
def test_nothing_is_broken_where_nothing_is(one: Callable[..., Change | None]) -> None:
    assert broken(one, Estate()) == (None, [])


def test_a_break_that_the_cloud_refuses_is_none() -> None:
    def refusing(client: Any, there: Estate) -> Change | None:
        raise BotoError({}, f"{client}{there.buckets}")

    def taken(client: Any, there: Estate) -> Change | None:
        return Change(client("x"), str(len(there.vpcs)))

    assert tried(refusing, str, Estate()) is None
    assert tried(taken, str, Estate()) == Change("x", "0")


def test_an_endpoint_in_no_table_cannot_be_cut_off() -> None:
    endpoints = ({"VpcEndpointId": "vpce-1", "RouteTableIds": []},)
    assert [broken(one, estate(endpoints=endpoints))[0] for one in EVERY].count(None) == 1


def test_what_nobody_made_is_left_out_of_an_inventory() -> None:
    kept = {"vpc/vpc-1": {}, "network-acl/acl-1": {"VpcId": "vpc-1"}, "parameter//team/key": {}}
    gone = {"network-acl/acl-2": {"VpcId": "vpc-2"}, "parameter//aws/service/image": {}}
    assert without_public({**kept, **gone}) == kept
