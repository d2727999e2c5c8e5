"""What security groups let in, however their rules are divided."""

from __future__ import annotations

from typing import Any

import pytest

from graders.cloud.firewalls import Asked, Opening, excess, missing, openings

ASKED = Asked(8443, networks=("10.20.0.0/16", "192.168.4.0/24"), harmless=frozenset({"sg-app"}))


def rule(*networks: str, low: int | None = 8443, high: int | None = 8443, protocol: str = "tcp") -> dict[str, Any]:
    ports = {} if low is None else {"FromPort": low, "ToPort": high}
    return {"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": name} for name in networks]}


@pytest.mark.parametrize(
    "rules",
    [
        [rule("10.20.0.0/16", "192.168.4.0/24")],
        [rule("10.20.0.0/16"), rule("192.168.4.0/24")],
        [rule("10.20.0.0/17", "10.20.128.0/17"), rule("192.168.4.0/25", "192.168.4.128/25")],
        [rule("10.20.0.0/16", "192.168.4.0/24"), {**rule(), "UserIdGroupPairs": [{"GroupId": "sg-app"}]}],
        [rule("10.20.0.0/16", "192.168.4.0/24", "10.20.3.0/24")],
    ],
)
def test_every_way_of_writing_it_is_right(rules: list[dict[str, Any]]) -> None:
    found = list(openings(rules))
    assert not excess(found, ASKED)
    assert not missing(found, ASKED)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([rule("0.0.0.0/0")], "tcp port 8443 from 0.0.0.0/0"),
        ([rule("10.20.0.0/15")], "tcp port 8443 from 10.20.0.0/15"),
        ([rule("10.20.0.0/16", low=22, high=22)], "tcp port 22 from 10.20.0.0/16"),
        ([rule("10.20.0.0/16", low=8000, high=9000)], "tcp ports 8000 to 9000 from 10.20.0.0/16"),
        ([rule("10.20.0.0/16", protocol="udp")], "udp port 8443 from 10.20.0.0/16"),
        ([rule("10.20.0.0/16", low=None, protocol="-1")], "everything from 10.20.0.0/16"),
        ([{**rule(), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}], "tcp port 8443 from ::/0"),
        ([{**rule(), "UserIdGroupPairs": [{"GroupId": "sg-other"}]}], "tcp port 8443 from sg-other"),
        ([{**rule(), "PrefixListIds": [{"PrefixListId": "pl-1"}]}], "tcp port 8443 from pl-1"),
    ],
)
def test_what_is_open_too_much_is_told(rules: list[dict[str, Any]], told: str) -> None:
    assert excess(openings(rules), ASKED) == [told]


def test_what_is_closed_is_told() -> None:
    assert missing(openings([rule("10.20.0.0/17")]), ASKED) == [
        "tcp port 8443 from 10.20.0.0/16",
        "tcp port 8443 from 192.168.4.0/24",
    ]
    assert missing([], Asked(5432, groups=("sg-app",))) == ["tcp port 5432 from sg-app"]


def test_a_group_that_is_asked_for_is_neither_too_much_nor_missing() -> None:
    way, asked = Opening("tcp", 5432, 5432, "sg-app"), Asked(5432, groups=("sg-app",))
    assert not excess([way], asked)
    assert not missing([way], asked)
    assert excess([Opening("tcp", 5432, 5432, "10.0.0.0/8")], asked)
