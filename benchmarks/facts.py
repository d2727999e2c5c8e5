"""(b) One fact about a running container: ours, against testinfra's own Docker backend on the same container."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import testinfra
from docker import APIClient
from testinfra.host import Host

from benchmarks.ground import TRIVIAL, Ground, ground
from benchmarks.pairs import Ratio, measure
from mde_grader.checking.hosts import Hosts, SessionBackend
from mde_grader.checking.native.view import ServiceView
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Owner, Stack, StackSpec
from mde_grader.runtimes.docker.contexts import DOCKERFILE, context_stream
from mde_grader.runtimes.docker.dockerfiles import base_of
from mde_grader.runtimes.docker.names import unique
from mde_grader.runtimes.janitor import this_process

NATIVE, THROUGH = 30.0, 15.0
"""How many times faster a fact that the inspector reads must be, and a command that testinfra sends through us."""

REPEATS = 20
"""Times that ours runs for one of testinfra's, so that a millisecond can be told from the clock's noise."""

PAGE = "/srv/page/index.html"
FETCH = r"""bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET / HTTP/1.0\r\n\r\n" >&3; head -1 <&3'"""
"""The cheapest way to ask for a page by the image's own programs; an interpreter would take 50 ms longer."""

LIST = "ps -o pid,comm,args"
"""One command where testinfra's own module sends several: its reading of busybox's `ps` fails on Debian's."""

TOOLS = """FROM {base}
USER 0
COPY --from={side} /opt/mde/busybox /bin/busybox
RUN for tool in ps netstat; do ln -sf busybox /bin/$tool; done
USER 1000
"""
"""The page's image with the programs that testinfra's backend looks for; a candidate's image seldom has them."""

Fact = Callable[[], object]


def run(pairs: int = 20) -> list[Ratio]:
    """Measure four native facts and two of testinfra's own modules through the session."""
    found = ground(TRIVIAL)
    with _image(found) as image, _stack(found, image) as stack:
        theirs = testinfra.get_host(f"docker://{stack['web'].container_id}")
        ours = Hosts(stack)["web"]
        through = Host(SessionBackend(ServiceView(stack, "web")))
        through.backend.set_host(through)
        probe = Probe(stack.session)
        native: dict[str, tuple[Fact, Fact]] = {
            "file": (lambda: theirs.file(PAGE).exists, lambda: ours.file(PAGE).exists),
            "socket": (lambda: _listens(theirs), lambda: _listens(ours)),
            "process": (lambda: "python3" in theirs.check_output(LIST), lambda: _serves(ours)),
            "HTTP": (lambda: "200" in theirs.run(FETCH).stdout, lambda: probe.get("http://web:8080/").status == 200),
        }
        sent: dict[str, tuple[Fact, Fact]] = {
            "run": (lambda: theirs.run("true").rc == 0, lambda: through.run("true").rc == 0),
            "file by its commands": (lambda: theirs.file(PAGE).uid == 0, lambda: through.file(PAGE).uid == 0),
        }
        ratios = [_compare(f"native {name}", *pair, pairs, NATIVE) for name, pair in native.items()]
        return ratios + [_compare(f"testinfra's {name}", *pair, pairs, THROUGH) for name, pair in sent.items()]


def _listens(host: Any) -> bool:  # noqa: ANN401
    return bool(host.socket("tcp://0.0.0.0:8080").is_listening)


def _serves(host: Any) -> bool:  # noqa: ANN401
    return len(host.process.filter(comm="python3")) == 1


def _compare(name: str, theirs: Fact, ours: Fact, pairs: int, goal: float) -> Ratio:
    """Compare one fact with one fact; ours is timed over several."""
    assert theirs(), f"{name}: testinfra's Docker backend does not see it"
    assert ours(), f"{name}: the grader does not see it"

    def often() -> None:
        for _ in range(REPEATS):
            ours()

    many = measure(name, theirs, often, pairs=pairs, goal=goal, speedup=True)
    return replace(many, ours=many.ours / REPEATS)


@contextmanager
def _image(found: Ground) -> Iterator[str]:
    """The reference's page with those tools; the image is removed at the end."""
    client: Any = APIClient(base_url=found.engine.info.host, version=found.engine.info.api)
    base = base_of(found.dockerfile, None)
    instructions = found.dockerfile.partition("COPY")[2]
    text = TOOLS.format(base=base, side=found.engine.tags["side"]) + "COPY" + instructions
    tag = unique("facts")
    try:
        stream = b"".join(context_stream(found.folder, text, (), limit_mb=1))
        said = list(
            client.build(
                fileobj=io.BytesIO(stream), custom_context=True, dockerfile=DOCKERFILE, tag=tag, rm=True, decode=True
            )
        )
        if "error" in said[-1]:
            raise RuntimeError(said[-1]["error"])
        yield tag
    finally:
        client.remove_image(tag, force=True)
        client.close()


@contextmanager
def _stack(found: Ground, image: str) -> Iterator[Stack]:
    owner = Owner(unique("facts"), this_process(), "facts", time.time() + 600)
    service = found.services(image)["web"]
    runtime = found.engine.runtime
    spec = StackSpec((service,), owner, network=False, side_image=found.engine.tags["side"])
    stack = runtime.up(spec)
    try:
        yield stack
    finally:
        stack.close()
        runtime.close()
