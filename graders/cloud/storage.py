"""Buckets, tables and logs, and the tags on everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graders.cloud.estates import Bucket, Estate, Facts, tags_of

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket_faults(bucket: Bucket) -> list[str]:
    """In what a bucket is not versioned, encrypted by default, and closed to the public."""
    found = [] if bucket.versioning == "Enabled" else [f"versioning is {bucket.versioning or 'off'}"]
    if not bucket.encryption or not all(bucket.encryption):
        found.append("no encryption by default is set")
    open_ = [name for name in BLOCKS if not bucket.public_access_block.get(name)]
    return found + ([f"public access is not blocked: {', '.join(open_)}"] if open_ else [])


def table_faults(table: Facts, key: str) -> list[str]:
    """In what a table is not one with the text key `key`, paid by request, and restorable to any point in time."""
    keys = {row["AttributeName"]: row["KeyType"] for row in table.get("KeySchema", ())}
    kinds = {row["AttributeName"]: row["AttributeType"] for row in table.get("AttributeDefinitions", ())}
    found = []
    if keys != {key: "HASH"} or kinds.get(key) != "S":
        told = ", ".join(f"{name} {kinds.get(name, '?')} {kind}" for name, kind in keys.items())
        found.append(f"its key is {told or 'missing'}, not {key} S HASH")
    if table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
        found.append("it is not paid by request")
    recovery = table.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return found + ([] if recovery == "ENABLED" else ["point-in-time recovery is off"])


def log_faults(group: Facts, days: int) -> list[str]:
    """Whether a log group keeps what it has for exactly that many days."""
    kept = group.get("retentionInDays")
    return [] if kept == days else [f"logs are kept {f'{kept} days' if kept else 'for ever'}, not {days} days"]


def tag_faults(estate: Estate, wanted: Mapping[str, str]) -> list[str]:
    """What of an environment lacks which tags."""
    found = []
    for name, tags in _tagged(estate):
        wrong = [f"{key}={value}" for key, value in wanted.items() if tags.get(key) != value]
        found += [f"{name} has not {', '.join(wrong)}"] if wrong else []
    return found


def _tagged(estate: Estate) -> Iterator[tuple[str, Mapping[str, str]]]:
    rows = (
        ("VPC", "VpcId", estate.vpcs),
        ("subnet", "SubnetId", estate.subnets),
        ("security group", "GroupId", estate.groups),
        ("server", "InstanceId", estate.instances),
        ("table", "TableName", estate.tables),
        ("log group", "logGroupName", estate.log_groups),
    )
    for what, key, found in rows:
        yield from ((f"{what} {row[key]}", tags_of(row)) for row in found)
    yield from ((f"bucket {bucket.name}", bucket.tags) for bucket in estate.buckets)
    yield from ((f"role {role.name}", role.tags) for role in estate.roles)
