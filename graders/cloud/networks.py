"""Networks: whether subnets are private, apart from each other, and reach S3 without the internet."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from itertools import combinations
from typing import Any

from graders.cloud.estates import Estate, Facts

_OUT = ("GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId", "NetworkInterfaceId")
"""Keys of a route that name what it goes through."""


def network_faults(estate: Estate, cidr: str) -> list[str]:
    """What is wrong with an environment's one network.

    Args:
        estate: The environment.
        cidr: Addresses that its network must have.
    """
    if len(estate.vpcs) != 1:
        return [f"{len(estate.vpcs)} VPCs of the environment, not 1"]
    vpc = estate.vpcs[0]
    found = [] if vpc["CidrBlock"] == cidr else [f"the VPC has {vpc['CidrBlock']}, not {cidr}"]
    return found + _subnet_faults(estate, str(vpc["VpcId"])) + _endpoint_faults(estate)


def private_subnets(estate: Estate) -> list[Facts]:
    """The subnets from which no route leads out of the network."""
    return [subnet for subnet in estate.subnets if not _way_out(estate, subnet)]


def _subnet_faults(estate: Estate, vpc: str) -> list[str]:
    private = [subnet for subnet in private_subnets(estate) if subnet["VpcId"] == vpc]
    zones = {subnet["AvailabilityZone"] for subnet in private}
    found = []
    if len(private) < 2:  # noqa: PLR2004 - one is no use when its zone is lost
        found.append(f"{len(private)} private subnets of {len(estate.subnets)}, not 2")
    elif len(zones) < 2:  # noqa: PLR2004
        found.append(f"all private subnets are in the zone {', '.join(sorted(zones))}")
    found += [
        f"{subnet['CidrBlock']} has a route out through {_way_out(estate, subnet)}"
        for subnet in estate.subnets
        if _way_out(estate, subnet) and len(private) < 2  # noqa: PLR2004
    ]
    found += [
        f"the private subnet {subnet['CidrBlock']} gives out public addresses"
        for subnet in private
        if subnet.get("MapPublicIpOnLaunch")
    ]
    pairs = combinations([ip_network(subnet["CidrBlock"]) for subnet in estate.subnets], 2)
    return found + [f"{one} and {other} overlap" for one, other in pairs if one.overlaps(other)]


def _endpoint_faults(estate: Estate) -> list[str]:
    reached = {
        table
        for endpoint in estate.endpoints
        if str(endpoint.get("ServiceName", "")).endswith(".s3")
        and endpoint.get("VpcEndpointType", "Gateway") == "Gateway"
        for table in endpoint.get("RouteTableIds") or ()
    }
    return [
        f"{subnet['CidrBlock']} has no gateway endpoint for S3 in its route table"
        for subnet in private_subnets(estate)
        if (_table(estate, subnet) or {}).get("RouteTableId") not in reached
    ]


def _table(estate: Estate, subnet: Facts) -> Mapping[str, Any] | None:
    """The route table that counts for a subnet: its own, else its network's main one."""
    tables = [table for table in estate.route_tables if table["VpcId"] == subnet["VpcId"]]
    for key, wanted in (("SubnetId", subnet["SubnetId"]), ("Main", True)):
        for table in tables:
            if any(association.get(key) == wanted for association in table.get("Associations") or ()):
                return table
    return None


def _way_out(estate: Estate, subnet: Facts) -> str:
    table = _table(estate, subnet)
    for route in (table or {}).get("Routes") or ():
        through = next((str(route[key]) for key in _OUT if route.get(key)), "")
        if through and through != "local" and not through.startswith("vpce-"):
            return through
    return ""
