"""Tries to get out of the kind of network that stacks get."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import secrets
import socket
import threading
from collections.abc import Iterator

from mde_grader.doctor.bench import Bench
from mde_grader.doctor.findings import Finding
from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import RefusalError

POOL = "10.213.240.0/20"
"""Where the measuring network is made: the upper end of the stacks' own pool, which they use from a random place."""
TRIES = 8
PUBLIC = (("1.1.1.1", 443), ("8.8.8.8", 53))
"""Two addresses of the open internet; where there is none, the host's own listener is what proves something."""
TEST_NET = ("192.0.2.1", 9)
"""Used only to ask the kernel which address it would send from; nothing is sent."""

_TRY = """
import json, socket, sys, threading
targets = {targets}
mine = socket.gethostbyname(socket.gethostname())
own = socket.create_server((mine, 0))
targets['self'] = [mine, own.getsockname()[1]]
seen = {{}}
def attempt(name, address):
    try:
        socket.create_connection(tuple(address), timeout=1.5).close()
        seen[name] = 'reached'
    except OSError as error:
        seen[name] = str(error)
def lookup():
    try:
        socket.gethostbyname('example.com')
        seen['name'] = 'reached'
    except OSError as error:
        seen['name'] = str(error)
threads = [threading.Thread(target=attempt, args=item, daemon=True) for item in targets.items()]
threads.append(threading.Thread(target=lookup, daemon=True))
for thread in threads: thread.start()
for thread in threads: thread.join(3)
print(json.dumps(seen), flush=True)
import os; os._exit(0)
"""
REACHED = "reached"


def ways_out(bench: Bench) -> list[Finding]:
    """Try the open internet, the host by its gateway, and the host by its own address; two findings.

    A listener on this host shows that an address would answer; where the engine is on another machine only the
    gateway's closed door can be told.
    """
    with _listener() as port, _network(bench) as (name, gateway):
        targets = {f"public {host}": [host, at] for host, at in PUBLIC}
        targets |= {"gateway": [gateway, port]} | {f"host {host}": [host, port] for host in _own_addresses()}
        ran = bench.run(_TRY.format(targets=json.dumps(targets)), network=name)
    seen: dict[str, str] = json.loads(ran.output.strip().splitlines()[-1])
    return [egress(seen), host(seen, local=bench.engine.endpoint.url.startswith("unix://"))]


def egress(seen: dict[str, str]) -> Finding:
    """Judge the ways to the open internet; pure."""
    open_ways = [
        name for name, what in seen.items() if what == REACHED and (name.startswith("public") or name == "name")
    ]
    held = not open_ways and seen.get("self") == REACHED
    told = "no address and no name outside is reached" if held else _told(open_ways, seen)
    return Finding(
        "egress",
        "the internet is out of reach",
        held,
        "nothing is reached",
        told,
        "internal networks do not bind on this engine",
    )


def host(seen: dict[str, str], *, local: bool) -> Finding:
    """Judge the ways to the machine itself; pure."""
    open_ways = [
        name for name, what in seen.items() if what == REACHED and (name == "gateway" or name.startswith("host"))
    ]
    held = not open_ways and seen.get("self") == REACHED
    proof = (
        "a listener here is not reached by any of its addresses"
        if local
        else "the gateway does not answer (remote engine)"
    )
    told = proof if held else _told(open_ways, seen)
    hint = "the engine ignores `bridge.inhibit_ipv4`; use a newer one"
    return Finding("gateway", "this machine is out of reach", held, "nothing is reached", told, hint)


def _told(open_ways: list[str], seen: dict[str, str]) -> str:
    if open_ways:
        return f"reached: {', '.join(open_ways)}"
    return f"the measurement itself failed: {seen.get('self', 'it said nothing')}"


@contextlib.contextmanager
def _network(bench: Bench) -> Iterator[tuple[str, str]]:
    """A network in a free /28, its name and the address at which its gateway would be."""
    blocks = list(ipaddress.IPv4Network(POOL).subnets(new_prefix=28))
    with contextlib.ExitStack() as stack:
        for _ in range(TRIES):
            block = secrets.choice(blocks)
            try:
                name = stack.enter_context(bench.network(str(block)))
            except RefusalError:
                continue
            yield name, str(block[1])
            return
    raise EngineError("no free network was found to measure with", hint="remove networks that nobody uses")


@contextlib.contextmanager
def _listener() -> Iterator[int]:
    """A port of this host that accepts, on every address."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - it is there to be tried from everywhere
        thread = threading.Thread(target=_accept, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


def _own_addresses() -> list[str]:
    """The host's address towards the world, and docker's usual bridge where there is one."""
    found = {"172.17.0.1"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(TEST_NET)
        found.add(str(probe.getsockname()[0]))
    return sorted(found)
