"""What there is in a cloud, and how it differs from what there was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Facts = dict[str, Any]
Inventory = dict[str, Facts]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    Attributes:
        name: `vpc`.
        service: Service that lists it, by botocore's name.
        operation: Operation that lists it.
        rows: Where the rows are in the answer, with dots between; lists on the way are joined.
        id: Field that tells one from another; empty when a row is a plain string.
        arguments: Arguments of the operation.
        gone: Field and values of what only seems to be there.
    """

    name: str
    service: str
    operation: str
    rows: str
    id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    gone: tuple[str, frozenset[str]] = ("", frozenset())


_TERMINATED = ("State.Name", frozenset({"terminated", "shutting-down"}))

KINDS = (
    Kind("vpc", "ec2", "describe_vpcs", "Vpcs", "VpcId"),
    Kind("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId"),
    Kind("route-table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    Kind("internet-gateway", "ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Kind(
        "nat-gateway",
        "ec2",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        gone=("State", frozenset({"deleted", "deleting"})),
    ),
    Kind("elastic-ip", "ec2", "describe_addresses", "Addresses", "AllocationId"),
    Kind(
        "vpc-endpoint",
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        gone=("State", frozenset({"deleted", "deleting"})),
    ),
    Kind("network-acl", "ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    Kind("network-interface", "ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    Kind("security-group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    Kind("instance", "ec2", "describe_instances", "Reservations.Instances", "InstanceId", gone=_TERMINATED),
    Kind("volume", "ec2", "describe_volumes", "Volumes", "VolumeId"),
    Kind("launch-template", "ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    Kind("key-pair", "ec2", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    Kind("flow-log", "ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Kind("bucket", "s3", "list_buckets", "Buckets", "Name"),
    Kind("role", "iam", "list_roles", "Roles", "RoleName"),
    Kind("policy", "iam", "list_policies", "Policies", "Arn", {"Scope": "Local"}),
    Kind("instance-profile", "iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    Kind("user", "iam", "list_users", "Users", "UserName"),
    Kind("group", "iam", "list_groups", "Groups", "GroupName"),
    Kind("table", "dynamodb", "list_tables", "TableNames", ""),
    Kind("key", "kms", "list_keys", "Keys", "KeyId", gone=("KeyState", frozenset({"PendingDeletion"}))),
    Kind("alias", "kms", "list_aliases", "Aliases", "AliasName"),
    Kind("topic", "sns", "list_topics", "Topics", "TopicArn"),
    Kind("subscription", "sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    Kind("parameter", "ssm", "describe_parameters", "Parameters", "Name"),
    Kind("log-group", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    Kind("rule", "events", "list_rules", "Rules", "Name"),
    Kind("repository", "ecr", "describe_repositories", "repositories", "repositoryName"),
)
"""All that the lab's cloud can hold and Terraform's provider makes in seconds."""

VOLATILE = frozenset({"ItemCount", "TableSizeBytes", "LastModifiedDate", "RoleLastUsed"})
"""Fields that change without anybody changing anything."""

MANAGED_ALIAS = "alias/alias/aws/"

_PAGES = 200
"""Most pages of one list: more is no lab's, and must not hold the grader up."""


def listed(kind: Kind, client: Any) -> Inventory:  # noqa: ANN401 - a botocore client
    """Everything of one kind, by `kind/id`."""
    rows = (row for page in _pages(kind, client) for row in _at(page, kind.rows.split(".")))
    facts = {_id(kind, row): _detailed(kind, row, client) for row in rows}
    return {f"{kind.name}/{name}": found for name, found in facts.items() if not _gone(kind, found)}


def _pages(kind: Kind, client: Any) -> Iterator[Facts]:  # noqa: ANN401
    if client.can_paginate(kind.operation):
        for number, page in enumerate(client.get_paginator(kind.operation).paginate(**kind.arguments)):
            if number >= _PAGES:
                return
            yield page
    else:
        yield getattr(client, kind.operation)(**kind.arguments)


def _at(value: Any, path: list[str]) -> list[Any]:  # noqa: ANN401
    for part in path:
        values = value if isinstance(value, list) else [value]
        value = [item for one in values for item in (one.get(part) or [])]
    return value if isinstance(value, list) else []


def _id(kind: Kind, row: Any) -> str:  # noqa: ANN401
    return str(row[kind.id]) if kind.id else str(row)


def _detailed(kind: Kind, row: Any, client: Any) -> Facts:  # noqa: ANN401
    """The row as JSON values; where a list tells only names, what the cloud says of each."""
    if kind.name == "table":
        row = client.describe_table(TableName=row)["Table"]
    elif kind.name == "key":
        row = client.describe_key(KeyId=row["KeyId"])["KeyMetadata"]
    facts = plain(row)
    return facts if isinstance(facts, dict) else {"name": facts}


def _gone(kind: Kind, facts: Facts) -> bool:
    path, values = kind.gone
    found: Any = facts
    for part in path.split(".") if path else ():
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return isinstance(found, str) and found in values


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value of an answer as JSON; times become text."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def without_managed(found: Inventory) -> Inventory:
    """An inventory without the keys that AWS makes by itself, at the first use of encryption, and their aliases."""
    managed = {name for name in found if name.startswith(MANAGED_ALIAS)}
    keys = {f"key/{found[name].get('TargetKeyId')}" for name in managed}
    return {name: facts for name, facts in found.items() if name not in managed | keys}


@dataclass(frozen=True, slots=True)
class Difference:
    """How one inventory differs from an earlier one.

    Attributes:
        added: What there is now and was not.
        removed: What there was and is no more.
        changed: For what is in both, the fields that differ.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """In words, for a candidate."""
        changed = [f"{name} ({', '.join(fields)})" for name, fields in self.changed.items()]
        parts = [
            self.added and f"new: {', '.join(self.added)}",
            self.removed and f"gone: {', '.join(self.removed)}",
            changed and f"changed: {', '.join(changed)}",
        ]
        return "; ".join(str(part) for part in parts if part) or "no difference"


def difference(before: Inventory, after: Inventory, ignoring: Iterable[str] = VOLATILE) -> Difference:
    """Compare two inventories; fields at the top of a resource's facts that are to be ignored are left out."""
    skipped = frozenset(ignoring)
    both = sorted(before.keys() & after.keys())
    differing = {name: _fields(before[name], after[name], skipped) for name in both}
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed={name: fields for name, fields in differing.items() if fields},
    )


def _fields(before: Facts, after: Facts, skipped: frozenset[str]) -> tuple[str, ...]:
    names = sorted((before.keys() | after.keys()) - skipped)
    return tuple(name for name in names if before.get(name) != after.get(name))


def of_kind(inventory: Mapping[str, Facts], kind: str) -> dict[str, Facts]:
    """The resources of one kind, by id."""
    prefix = f"{kind}/"
    return {name.removeprefix(prefix): facts for name, facts in inventory.items() if name.startswith(prefix)}


def tags(facts: Facts) -> dict[str, str]:
    """The tags in a resource's facts, whichever of AWS's ways they are written in."""
    found = facts.get("Tags") or facts.get("tags") or facts.get("TagSet") or []
    if isinstance(found, Mapping):
        return {str(name): str(value) for name, value in found.items()}
    rows = [row for row in found if isinstance(row, Mapping)]
    return {str(row.get("Key", row.get("TagKey"))): str(row.get("Value", row.get("TagValue"))) for row in rows}
