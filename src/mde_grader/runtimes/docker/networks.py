"""One small network a stack: its own /28 from our pool, no way out, and no gateway that leads to the host."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping

from mde_grader.errors import EngineError, UsageError
from mde_grader.runtimes.docker.client import Engine, RefusalError

POOL = "10.213.0.0/16"
"""4096 networks of /28. Docker's own default pools end at about 31."""

POOL_VARIABLE = "MDE_GRADE_POOL"
PREFIX = 28
TRIES = 64

OPTIONS = {"com.docker.network.bridge.inhibit_ipv4": "true"}
"""Without it an `internal` network still reaches the host's services through the gateway."""


def pool(environ: Mapping[str, str]) -> ipaddress.IPv4Network:
    """The addresses that our networks are taken from.

    Raises:
        UsageError: `MDE_GRADE_POOL` is no IPv4 network with room for one /28.
    """
    text = environ.get(POOL_VARIABLE) or POOL
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"{POOL_VARIABLE}={text} is not an IPv4 network: {error}", hint=f"try {POOL}") from error
    if found.prefixlen > PREFIX:
        raise UsageError(f"{POOL_VARIABLE}={text} has no room for a /{PREFIX}", hint=f"try {POOL}")
    return found


def pick(among: ipaddress.IPv4Network, chance: random.Random) -> str:
    """Any /28 of the pool."""
    step = 1 << (32 - PREFIX)
    offset = chance.randrange(among.num_addresses // step) * step
    return f"{among.network_address + offset}/{PREFIX}"


def create_network(engine: Engine, name: str, labels: Mapping[str, str], among: ipaddress.IPv4Network) -> str:
    """Make the network and return its id. An address range that is taken costs one more call.

    Raises:
        EngineError: No range is free, or the engine refuses.
    """
    chance = random.Random()  # noqa: S311 - keeps two graders apart, guards nothing
    for _ in range(TRIES):
        body = {
            "Name": name,
            "Driver": "bridge",
            "Internal": True,
            "EnableIPv6": False,
            "IPAM": {"Driver": "default", "Config": [{"Subnet": pick(among, chance)}]},
            "Options": OPTIONS,
            "Labels": dict(labels),
        }
        try:
            return str(engine.ask("POST", "/networks/create", body=body)["Id"])
        except RefusalError as refusal:
            if "overlap" not in refusal.message.lower():
                raise EngineError(f"the engine refused a network: {refusal.message}") from refusal
    raise EngineError(
        f"no free network in {among} after {TRIES} tries",
        hint=f"run `mde-grade clean`, or set {POOL_VARIABLE} to another range",
    )
