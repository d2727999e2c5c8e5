"""What one environment has in the cloud: its things as the cloud itself describes them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.cloud.policies import Document, parsed

Facts = Mapping[str, Any]
GZIP = b"\x1f\x8b"
"""What gzip begins with, RFC 1952."""

USER_DATA_LIMIT = 1 << 20
"""Bytes of unpacked user data; EC2 takes 16 kB of packed."""

Clients = Callable[[str], Any]
"""From the name of a service to a client of it, in the region that is looked at."""

Ids = Callable[[str], Collection[str]]
"""From a Terraform type, such as `aws_vpc`, to the ids of the things that the environment claims as its own."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role: whom it trusts, all its policies, inline and attached, and the boundary of what these can grant."""

    name: str
    arn: str
    trust: Document
    documents: tuple[Document, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    boundary: Document | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and its settings; what was never set is empty."""

    name: str
    versioning: str = ""
    encryption: tuple[str, ...] = ()
    public_access_block: Mapping[str, bool] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estate:
    """What an environment has. Rows are as boto3 returns them; route tables and endpoints are those of its networks."""

    vpcs: tuple[Facts, ...] = ()
    subnets: tuple[Facts, ...] = ()
    route_tables: tuple[Facts, ...] = ()
    endpoints: tuple[Facts, ...] = ()
    groups: tuple[Facts, ...] = ()
    instances: tuple[Facts, ...] = ()
    volumes: Mapping[str, Facts] = field(default_factory=dict)
    user_data: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    tables: tuple[Facts, ...] = ()
    log_groups: tuple[Facts, ...] = ()


def gather(client: Clients, ids: Ids) -> Estate:
    """Ask the cloud for all that an environment claims; what it claims and is not there is left out."""
    ec2 = client("ec2")
    vpcs = _picked(ec2.describe_vpcs()["Vpcs"], "VpcId", ids("aws_vpc"))
    own = [vpc["VpcId"] for vpc in vpcs]
    instances = _instances(ec2, ids("aws_instance"))
    profiles = _profiles(client("iam"), instances)
    return Estate(
        vpcs=vpcs,
        subnets=_picked(ec2.describe_subnets()["Subnets"], "SubnetId", ids("aws_subnet")),
        route_tables=_picked(ec2.describe_route_tables()["RouteTables"], "VpcId", own),
        endpoints=_picked(_standing(ec2.describe_vpc_endpoints()["VpcEndpoints"]), "VpcId", own),
        groups=_picked(ec2.describe_security_groups()["SecurityGroups"], "GroupId", ids("aws_security_group")),
        instances=instances,
        volumes={row["VolumeId"]: row for row in ec2.describe_volumes()["Volumes"]} if instances else {},
        user_data={row["InstanceId"]: _user_data(ec2, row["InstanceId"]) for row in instances},
        profiles=profiles,
        roles=_roles(client("iam"), {*ids("aws_iam_role"), *profiles.values()}),
        buckets=_buckets(client("s3"), ids("aws_s3_bucket")),
        tables=_tables(client("dynamodb"), ids("aws_dynamodb_table")),
        log_groups=_log_groups(client("logs"), ids("aws_cloudwatch_log_group")),
    )


def groups_of(server: Facts) -> set[str]:
    """Ids of the security groups that a server is in, with whichever of its interfaces."""
    rows = [*server.get("SecurityGroups", ()), *_interface_groups(server)]
    return {str(group["GroupId"]) for group in rows}


def _interface_groups(server: Facts) -> Iterable[Facts]:
    return [group for interface in server.get("NetworkInterfaces") or () for group in interface.get("Groups") or ()]


def tags_of(row: Facts) -> dict[str, str]:
    """Tags of a row of EC2, IAM or DynamoDB."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in row.get("Tags") or ()}


def _picked(rows: Iterable[Facts], key: str, wanted: Collection[str]) -> tuple[Facts, ...]:
    return tuple(row for row in rows if row.get(key) in wanted)


def _standing(rows: Iterable[Facts]) -> list[Facts]:
    """The rows without those that are shown for a while after they were deleted."""
    return [row for row in rows if str(row.get("State", "")).lower() not in {"deleted", "deleting"}]


def _asked(client: Any, method: str, **arguments: object) -> dict[str, Any]:  # noqa: ANN401 - boto3 has no types
    """The answer of a call; empty when there is nothing of the kind."""
    try:
        answer: dict[str, Any] = getattr(client, method)(**arguments)
    except client.exceptions.ClientError:
        return {}
    return answer


def _instances(ec2: Any, wanted: Collection[str]) -> tuple[Facts, ...]:  # noqa: ANN401
    rows = [row for group in ec2.describe_instances()["Reservations"] for row in group["Instances"]]
    alive = [row for row in rows if row["State"]["Name"] not in {"terminated", "shutting-down"}]
    return _picked(alive, "InstanceId", wanted)


def _user_data(ec2: Any, instance: str) -> str:  # noqa: ANN401
    answer = _asked(ec2, "describe_instance_attribute", InstanceId=instance, Attribute="userData")
    coded = str(answer.get("UserData", {}).get("Value", ""))
    try:
        return _unpacked(base64.b64decode(coded, validate=True)).decode("utf-8", "replace")
    except ValueError:
        return coded


def _unpacked(content: bytes) -> bytes:
    """User data without the gzip that cloud-init takes off as well; no more of it than `USER_DATA_LIMIT`."""
    if not content.startswith(GZIP):
        return content
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, USER_DATA_LIMIT)
    except zlib.error:
        return content


def _profiles(iam: Any, instances: Iterable[Facts]) -> dict[str, str]:  # noqa: ANN401
    """Role by the address of the profile that carries it."""
    found = {}
    for arn in {row["IamInstanceProfile"]["Arn"] for row in instances if row.get("IamInstanceProfile")}:
        answer = _asked(iam, "get_instance_profile", InstanceProfileName=arn.rpartition("/")[2])
        for role in answer.get("InstanceProfile", {}).get("Roles", ()):
            found[arn] = str(role["RoleName"])
    return found


def _roles(iam: Any, names: Iterable[str]) -> tuple[Role, ...]:  # noqa: ANN401
    found = []
    for name in sorted(names):
        role = _asked(iam, "get_role", RoleName=name).get("Role")
        if role:
            documents = tuple(_documents(iam, name))
            trust, limit = parsed(role["AssumeRolePolicyDocument"]), role.get("PermissionsBoundary")
            boundary = _managed(iam, limit["PermissionsBoundaryArn"]) if limit else None
            found.append(Role(name, role["Arn"], trust, documents, tags_of(role), boundary))
    return tuple(found)


def _documents(iam: Any, role: str) -> Iterable[Document]:  # noqa: ANN401
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield parsed(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        yield _managed(iam, attached["PolicyArn"])


def _managed(iam: Any, arn: str) -> Document:  # noqa: ANN401
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    return parsed(version["PolicyVersion"]["Document"])


def _buckets(s3: Any, names: Iterable[str]) -> tuple[Bucket, ...]:  # noqa: ANN401
    there = {row["Name"] for row in s3.list_buckets()["Buckets"]}
    return tuple(_bucket(s3, name) for name in sorted(names) if name in there)


def _bucket(s3: Any, name: str) -> Bucket:  # noqa: ANN401
    encryption = _asked(s3, "get_bucket_encryption", Bucket=name).get("ServerSideEncryptionConfiguration", {})
    algorithms = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in encryption.get("Rules", ())]
    tagging = _asked(s3, "get_bucket_tagging", Bucket=name).get("TagSet", ())
    return Bucket(
        name=name,
        versioning=str(_asked(s3, "get_bucket_versioning", Bucket=name).get("Status", "")),
        encryption=tuple(str(row.get("SSEAlgorithm", "")) for row in algorithms),
        public_access_block=_asked(s3, "get_public_access_block", Bucket=name).get(
            "PublicAccessBlockConfiguration", {}
        ),
        tags={tag["Key"]: tag["Value"] for tag in tagging},
    )


def _tables(dynamodb: Any, names: Iterable[str]) -> tuple[Facts, ...]:  # noqa: ANN401
    found = []
    for name in sorted(names):
        table = _asked(dynamodb, "describe_table", TableName=name).get("Table")
        if table:
            backups = _asked(dynamodb, "describe_continuous_backups", TableName=name)
            tags = _asked(dynamodb, "list_tags_of_resource", ResourceArn=table["TableArn"]).get("Tags", ())
            found.append({**table, "Tags": tags, **backups.get("ContinuousBackupsDescription", {})})
    return tuple(found)


def _log_groups(logs: Any, names: Collection[str]) -> tuple[Facts, ...]:  # noqa: ANN401
    rows = _picked(logs.describe_log_groups()["logGroups"], "logGroupName", names) if names else ()
    tagged = []
    for row in rows:
        tags = _asked(logs, "list_tags_log_group", logGroupName=row["logGroupName"]).get("tags", {})
        tagged.append({**row, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]})
    return tuple(tagged)
