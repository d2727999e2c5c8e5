"""Changes that somebody makes by hand, past the code: each breaks one thing that any right code has declared."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from graders.cloud.estates import Clients, Estate

_PICK = secrets.SystemRandom()
OFF = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
OTHER_DAYS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Change:
    """One change by hand: what it is about, in words, and how it is made.

    Attributes:
        name: Short name; `Break` functions of one name are about the same kind of thing.
        told: What was done, for the candidate.
    """

    name: str
    told: str


Break = Callable[[Clients, Estate], Change | None]
"""Makes a change and says which; None when the environment has nothing of the kind."""


def tried(one: Break, client: Clients, estate: Estate) -> Change | None:
    """Make a change; None where the cloud refuses it, as with a table that is protected from deletion."""
    try:
        return one(client, estate)
    except ClientError:
        return None


def close_way_in(client: Clients, estate: Estate) -> Change | None:
    """Take one rule out of a security group."""
    groups = [group for group in estate.groups if group.get("IpPermissions")]
    if not groups:
        return None
    group = _PICK.choice(groups)
    rule = _PICK.choice(group["IpPermissions"])
    client("ec2").revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[_plain(rule)])
    return Change("firewall", f"a rule of the security group {group.get('GroupName')} was taken out")


def open_bucket(client: Clients, estate: Estate) -> Change | None:
    """Let the public into a bucket."""
    for bucket in estate.buckets[:1]:
        client("s3").put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=OFF)
        return Change("bucket", f"public access to the bucket {bucket.name} was allowed")
    return None


def suspend_versioning(client: Clients, estate: Estate) -> Change | None:
    """Keep no more versions in a bucket."""
    for bucket in estate.buckets[:1]:
        client("s3").put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"})
        return Change("bucket", f"versioning of the bucket {bucket.name} was suspended")
    return None


def shorten_logs(client: Clients, estate: Estate) -> Change | None:
    """Keep logs for a few days only."""
    for group in estate.log_groups[:1]:
        days = _PICK.choice([days for days in OTHER_DAYS if days != group.get("retentionInDays")])
        client("logs").put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=days)
        return Change("logs", f"logs of {group['logGroupName']} are kept {days} days only")
    return None


def drop_table(client: Clients, estate: Estate) -> Change | None:
    """Delete a table."""
    for table in estate.tables[:1]:
        client("dynamodb").delete_table(TableName=table["TableName"])
        return Change("table", f"the table {table['TableName']} was deleted")
    return None


def cut_off_endpoint(client: Clients, estate: Estate) -> Change | None:
    """Take a gateway endpoint out of every route table."""
    for endpoint in estate.endpoints:
        tables = endpoint.get("RouteTableIds") or []
        if tables:
            identity = endpoint["VpcEndpointId"]
            client("ec2").modify_vpc_endpoint(VpcEndpointId=identity, RemoveRouteTableIds=tables)
            return Change("network", f"the endpoint {identity} was taken out of its route tables")
    return None


def retag(client: Clients, estate: Estate) -> Change | None:
    """Give a network or a subnet to another cost centre."""
    rows = [row.get("SubnetId") or row["VpcId"] for row in (*estate.vpcs, *estate.subnets)]
    if not rows:
        return None
    chosen = _PICK.choice(rows)
    client("ec2").create_tags(Resources=[chosen], Tags=[{"Key": "cost-center", "Value": "0000"}])
    return Change("tags", f"the tag cost-center of {chosen} was changed to 0000")


def disarm_role(client: Clients, estate: Estate) -> Change | None:
    """Take every policy from the servers' role."""
    iam: Any = client("iam")
    for name in dict.fromkeys(estate.profiles.values()):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        return Change("role", f"the policies of the role {name} were taken away")
    return None


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as it is given back to the cloud: without what is empty."""
    return {key: value for key, value in rule.items() if value or key in {"FromPort", "ToPort"}}


EVERY: tuple[Break, ...] = (
    close_way_in,
    open_bucket,
    suspend_versioning,
    shorten_logs,
    drop_table,
    cut_off_endpoint,
    retag,
    disarm_role,
)
