"""An environment is judged by what the cloud says of it, each rule alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from graders.cloud.estates import groups_of
from graders.cloud.networks import network_faults
from graders.cloud.roles import Deed, role_faults
from graders.cloud.servers import AskedServers, server_faults
from graders.cloud.storage import bucket_faults, log_faults, table_faults, tag_faults
from tests.unit.cloud_estates import (
    BUCKET,
    CIDR,
    MAY,
    PRIVATE,
    PROFILE,
    ROLE,
    TABLE,
    TAGS,
    estate,
    server,
    subnet,
)

ASKED = AskedServers(2, "t3.small", 20, {"the bucket": "files"})
OTHERS = {
    "Statement": [
        {"Effect": "Allow", "Action": ["rds:*", "s3:DeleteBucket", "s3:Get*"], "Resource": "arn:aws:s3:::files/*"},
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
        "no statement",
    ]
}
READ = Deed("read objects", "s3:GetObject", ("arn:aws:s3:::files/x",))
ELSEWHERE = Deed("read any other bucket", "s3:GetObject", ("arn:aws:s3:::other/x",))
OPEN_ROUTES = {**PRIVATE, "Routes": [{"GatewayId": "local"}, {"GatewayId": "igw-1"}]}
MAIN = {**PRIVATE, "Associations": [{"Main": True}]}


def test_what_is_right_has_no_faults() -> None:
    right = estate()
    assert not network_faults(right, CIDR)
    assert not server_faults(right, ASKED)
    assert not role_faults(right, [READ], [ELSEWHERE])
    assert not bucket_faults(BUCKET)
    assert not table_faults(TABLE, "id")
    assert not log_faults({"retentionInDays": 14}, 14)
    assert not tag_faults(right, TAGS)


def test_the_main_route_table_counts_for_subnets_without_one() -> None:
    assert not network_faults(estate(route_tables=(MAIN,)), CIDR)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"vpcs": ()}, "0 VPCs of the environment, not 1"),
        ({"vpcs": ({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"},)}, f"the VPC has 10.0.0.0/16, not {CIDR}"),
        ({"subnets": (subnet("subnet-a", "a", "10.20.0.0/18"),)}, "1 private subnets of 1, not 2"),
        (
            {"subnets": (subnet("subnet-a", "a", "10.20.0.0/18"), subnet("subnet-b", "a", "10.20.64.0/18"))},
            "all private subnets are in the zone a",
        ),
        ({"route_tables": (OPEN_ROUTES,)}, "10.20.0.0/18 has a route out through igw-1"),
        ({"endpoints": ()}, "10.20.0.0/18 has no gateway endpoint for S3 in its route table"),
        ({"route_tables": ()}, "10.20.0.0/18 has no gateway endpoint for S3 in its route table"),
        (
            {"subnets": (subnet("subnet-a", "a", "10.20.0.0/17"), subnet("subnet-b", "b", "10.20.64.0/18"))},
            "10.20.0.0/17 and 10.20.64.0/18 overlap",
        ),
        (
            {
                "subnets": (
                    {**subnet("subnet-a", "a", "10.20.0.0/18"), "MapPublicIpOnLaunch": True},
                    subnet("subnet-b", "b", "10.20.64.0/18"),
                )
            },
            "the private subnet 10.20.0.0/18 gives out public addresses",
        ),
    ],
)
def test_a_network_that_is_not_as_asked(changed: dict[str, Any], told: str) -> None:
    assert told in network_faults(estate(**changed), CIDR)


def test_a_public_subnet_beside_two_private_ones_is_nobodys_fault() -> None:
    public = subnet("subnet-c", "c", "10.20.128.0/18")
    routes = {**OPEN_ROUTES, "Associations": [{"SubnetId": "subnet-c"}], "RouteTableId": "rtb-2"}
    with_public = estate(subnets=(*estate().subnets, public), route_tables=(PRIVATE, routes))
    assert not network_faults(with_public, CIDR)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"instances": (server("i-1", "subnet-a"),)}, "1 running, not 2"),
        (
            {"instances": ({**server("i-1", "subnet-a"), "InstanceType": "m5.large"},)},
            "i-1: is a m5.large, not a t3.small",
        ),
        ({"instances": (server("i-1", "subnet-z"),)}, "i-1: is in no private subnet of the environment"),
        (
            {"instances": (server("i-1", "subnet-a"), server("i-2", "subnet-a"))},
            "they are not shared out over two zones: 2 in a",
        ),
        (
            {"instances": ({**server("i-1", "subnet-a"), "MetadataOptions": {"HttpTokens": "optional"}},)},
            "i-1: gives its role's keys away without a session token (IMDSv1)",
        ),
        ({"volumes": {}}, "i-1: has no root disk that could be looked at"),
        ({"volumes": {"vol-i-1": {"Encrypted": False, "Size": 20}}}, "i-1: its root disk is not encrypted"),
        ({"volumes": {"vol-i-1": {"Encrypted": True, "Size": 8}}}, "i-1: its root disk has 8 GB, not 20"),
        ({"user_data": {}}, "i-1: its user data does not name the bucket"),
    ],
)
def test_servers_that_are_not_as_asked(changed: dict[str, Any], told: str) -> None:
    assert told in server_faults(estate(**changed), ASKED)


def test_one_server_needs_one_zone() -> None:
    assert not server_faults(estate(instances=(server("i-1", "subnet-a"),)), replace(ASKED, count=1))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"profiles": {}}, "the server i-1 has no role"),
        ({"instances": (), "profiles": {}}, "no server of the environment, so no role"),
        ({"roles": (replace(ROLE, documents=()),)}, "app may not read objects"),
        (
            {
                "roles": (
                    replace(ROLE, documents=({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},)),
                )
            },
            "app may read any other bucket (s3:GetObject)",
        ),
        (
            {"roles": (replace(ROLE, trust={"Statement": {"Effect": "Allow", "Principal": "*"}}),)},
            "app lets itself be taken on by AWS *",
        ),
        ({"roles": (replace(ROLE, trust={}),)}, "app cannot be taken on by servers"),
        ({"roles": (replace(ROLE, documents=(MAY, OTHERS)),)}, "app may rds:*, which was not asked for"),
        ({"roles": (replace(ROLE, documents=(MAY, OTHERS)),)}, "app may s3:DeleteBucket, which was not asked for"),
        ({"roles": (replace(ROLE, boundary={}),)}, "app may not read objects"),
        (
            {"instances": ({**server("i-1", "subnet-a"), "IamInstanceProfile": None},)},
            "the server i-1 has no role",
        ),
    ],
)
def test_a_role_that_is_not_as_asked(changed: dict[str, Any], told: str) -> None:
    assert told in role_faults(estate(**changed), [READ], [ELSEWHERE], ["s3:GetObject"])


def test_what_a_boundary_rules_out_is_nobodys_fault() -> None:
    bound = replace(ROLE, documents=(MAY, OTHERS), boundary=MAY)
    assert not role_faults(estate(roles=(bound,)), [READ], [ELSEWHERE], ["s3:GetObject"])
    wide = replace(bound, boundary={"Statement": [*MAY["Statement"], *OTHERS["Statement"]]})
    assert role_faults(estate(roles=(wide,)), [READ], [ELSEWHERE], ["s3:GetObject"])


def test_a_server_is_in_the_groups_of_all_its_interfaces() -> None:
    second = {"NetworkInterfaces": [{"Groups": [{"GroupId": "sg-open"}]}, {}]}
    assert groups_of({**server("i-1", "subnet-a"), **second}) == {"sg-app", "sg-open"}


@pytest.mark.parametrize(
    ("bucket", "told"),
    [
        (replace(BUCKET, versioning=""), "versioning is off"),
        (replace(BUCKET, versioning="Suspended"), "versioning is Suspended"),
        (replace(BUCKET, encryption=()), "no encryption by default is set"),
        (
            replace(BUCKET, public_access_block={**BUCKET.public_access_block, "BlockPublicAcls": False}),
            "public access is not blocked: BlockPublicAcls",
        ),
    ],
)
def test_a_bucket_that_is_not_as_asked(bucket: Any, told: str) -> None:
    assert bucket_faults(bucket) == [told]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"KeySchema": []}, "its key is missing, not id S HASH"),
        (
            {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]},
            "its key is id N HASH, not id S HASH",
        ),
        ({"BillingModeSummary": {}}, "it is not paid by request"),
        ({"PointInTimeRecoveryDescription": {}}, "point-in-time recovery is off"),
    ],
)
def test_a_table_that_is_not_as_asked(changed: dict[str, Any], told: str) -> None:
    assert table_faults({**TABLE, **changed}, "id") == [told]


def test_logs_that_are_kept_too_long() -> None:
    assert log_faults({}, 14) == ["logs are kept for ever, not 14 days"]
    assert log_faults({"retentionInDays": 3}, 14) == ["logs are kept 3 days, not 14 days"]


def test_tags_are_looked_for_on_everything() -> None:
    found = tag_faults(estate(), {**TAGS, "cost-center": "7"})
    assert len(found) == 11
    assert "bucket files has not cost-center=7" in found
    assert "server i-1 has not cost-center=7" in found


def test_profiles_are_found_by_their_address() -> None:
    assert PROFILE in estate().profiles
