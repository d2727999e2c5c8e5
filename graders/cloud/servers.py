"""Servers: number, size, place, disk and what they are told at their start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from graders.cloud.estates import Estate, Facts
from graders.cloud.networks import private_subnets


@dataclass(frozen=True, slots=True)
class AskedServers:
    """What an environment's servers must be like.

    Attributes:
        count: How many.
        kind: Instance type.
        disk_gb: Size of the root disk.
        told: Texts that the user data must hold, by what each is.
    """

    count: int
    kind: str
    disk_gb: int
    told: Mapping[str, str]


def server_faults(estate: Estate, asked: AskedServers) -> list[str]:
    """What is wrong with an environment's servers."""
    found = [f"{len(estate.instances)} running, not {asked.count}"] if len(estate.instances) != asked.count else []
    private = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in private_subnets(estate)}
    for server in estate.instances:
        found += [f"{server['InstanceId']}: {fault}" for fault in _faults(estate, server, asked, private)]
    zones = Counter(private[server["SubnetId"]] for server in estate.instances if server.get("SubnetId") in private)
    if asked.count > 1 and zones and (len(zones) < 2 or max(zones.values()) - min(zones.values()) > 1):  # noqa: PLR2004
        spread = ", ".join(f"{number} in {zone}" for zone, number in sorted(zones.items()))
        found.append(f"they are not shared out over two zones: {spread}")
    return found


def _faults(estate: Estate, server: Facts, asked: AskedServers, private: Mapping[str, str]) -> list[str]:
    found = [] if server["InstanceType"] == asked.kind else [f"is a {server['InstanceType']}, not a {asked.kind}"]
    if server.get("SubnetId") not in private:
        found.append("is in no private subnet of the environment")
    if server.get("MetadataOptions", {}).get("HttpTokens") != "required":
        found.append("gives its role's keys away without a session token (IMDSv1)")
    found += _disk_faults(estate, server, asked.disk_gb)
    told = estate.user_data.get(server["InstanceId"], "")
    return found + [f"its user data does not name {what}" for what, text in asked.told.items() if text not in told]


def _disk_faults(estate: Estate, server: Facts, size: int) -> list[str]:
    mapped = {
        row["DeviceName"]: row["Ebs"]["VolumeId"] for row in server.get("BlockDeviceMappings") or () if "Ebs" in row
    }
    disk = estate.volumes.get(mapped.get(server.get("RootDeviceName", ""), ""))
    if disk is None:
        return ["has no root disk that could be looked at"]
    found = [] if disk.get("Encrypted") else ["its root disk is not encrypted"]
    return found + ([f"its root disk has {disk['Size']} GB, not {size}"] if disk["Size"] != size else [])
