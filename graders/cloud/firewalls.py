"""What a security group lets in, and whether that is exactly what was asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses, ip_network
from typing import Any

ALL_PORTS = (0, 65535)


@dataclass(frozen=True, slots=True)
class Opening:
    """One way in: a protocol (`all` for every one), a range of ports, and who may use it, a network or a group."""

    protocol: str
    low: int
    high: int
    source: str

    def __str__(self) -> str:
        ports = f"port {self.low}" if self.low == self.high else f"ports {self.low} to {self.high}"
        what = "everything" if self.protocol == "all" else f"{self.protocol} {ports}"
        return f"{what} from {self.source}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The one way in that is asked for.

    Attributes:
        port: TCP port.
        networks: Who may use it, by address.
        groups: Who may use it, as members of these security groups.
        harmless: Groups whose members may use it, too; nothing is lost without them.
    """

    port: int
    networks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    harmless: frozenset[str] = frozenset()


def openings(permissions: Iterable[Mapping[str, Any]]) -> Iterator[Opening]:
    """The ways in of EC2's `IpPermissions`."""
    for rule in permissions:
        protocol = str(rule.get("IpProtocol"))
        every = protocol == "-1" or rule.get("FromPort") in {None, -1}
        low, high = ALL_PORTS if every else (int(rule["FromPort"]), int(rule["ToPort"]))
        for source in _sources(rule):
            yield Opening("all" if protocol == "-1" else protocol, low, high, source)


def _sources(rule: Mapping[str, Any]) -> Iterator[str]:
    keys = (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"))
    for kind, key in (*keys, ("PrefixListIds", "PrefixListId")):
        yield from (str(entry.get(key)) for entry in rule.get(kind) or ())


def excess(found: Iterable[Opening], asked: Asked) -> list[str]:
    """The ways in that were not asked for."""
    allowed = _joined(asked.networks)
    return [str(opening) for opening in found if not _within(opening, asked, allowed)]


def missing(found: Iterable[Opening], asked: Asked) -> list[str]:
    """The ways in that were asked for and are not there, however the rules divide them."""
    fitting = [one for one in found if one.protocol in {"tcp", "all"} and one.low <= asked.port <= one.high]
    open_to = _joined(one.source for one in fitting if not one.source.startswith(("sg-", "pl-")))
    lacking = [name for name in asked.networks if not _inside(name, open_to)]
    lacking += [name for name in asked.groups if name not in {one.source for one in fitting}]
    return [f"tcp port {asked.port} from {name}" for name in lacking]


def _within(opening: Opening, asked: Asked, allowed: Collection[IPv4Network]) -> bool:
    if (opening.protocol, opening.low, opening.high) != ("tcp", asked.port, asked.port):
        return False
    if opening.source.startswith("sg-"):
        return opening.source in {*asked.groups, *asked.harmless}
    return _inside(opening.source, allowed)


def _joined(networks: Iterable[str]) -> list[IPv4Network]:
    return list(collapse_addresses(IPv4Network(name, strict=False) for name in networks if ":" not in name))


def _inside(name: str, networks: Collection[IPv4Network]) -> bool:
    try:
        network = ip_network(name, strict=False)
    except ValueError:
        return False
    return isinstance(network, IPv4Network) and any(network.subnet_of(other) for other in networks)
