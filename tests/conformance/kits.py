"""Two engines under one suite: what it needs of each, behind the same words."""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mde_grader.runtimes.base import BuildSpec, BuiltImage, Limits, Mount, Owner, Runtime, ServiceSpec, Stack, StackSpec
from mde_grader.runtimes.commands import Ran
from mde_grader.runtimes.janitor import Here, this_process
from mde_grader.testing import FakeCommand, FakeEngine, FakeProgram, FakeRuntime

SERVE = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = BODY
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
DIARY = "open('/data/diary', 'ab').write(b'started\\n')\n" + SERVE.replace("BODY", "open('/data/diary', 'rb').read()")
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\n"

FILLER = """
told = b'no end'
try:
    for number in range(64):
        open(f'/data/{number}', 'wb').write(b'x' * (1 << 20))
except OSError as error:
    told = str(error).encode()
"""

PROGRAMS = {
    "web": SERVE.replace("BODY", "b'ok\\n'"),
    "diary": DIARY,
    "stubborn": STUBBORN + SERVE.replace("BODY", "b'ok\\n'"),
    "polite": "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *a: sys.exit(0))\n"
    + SERVE.replace("BODY", "b'ok\\n'"),
    "crash": "print('cannot find my settings', flush=True)\nraise SystemExit(3)\n",
    "greedy": "x = bytearray(b'x') * (200 << 20)\nimport time\ntime.sleep(60)\n",
    "writer": "import time\nopen('/big', 'wb').write(b'x' * (3 << 20))\n" + SERVE.replace("BODY", "b'ok\\n'"),
    "filler": FILLER + SERVE.replace("BODY", "told"),
    "mute": "import time\ntime.sleep(600)\n",
    "talker": "for n in range(5000): print('line', n)\nimport sys, time\nsys.stdout.flush()\n"
    + SERVE.replace("BODY", "b'ok\\n'"),
}


def write_diary(files: dict[str, bytes]) -> None:
    files["diary"] = files.get("diary", b"") + b"started\n"


def play(command: FakeCommand) -> Ran:
    """The few commands of the suite, as a real shell would answer them."""
    first, *rest = command.words
    if first == "nosuch":
        return Ran(127)
    if first == "sleep":
        return Ran(None, seconds=command.seconds, timed_out=True)
    line = rest[-1]
    if line == "pwd":
        return Ran(0, f"{command.working_dir}\n")
    if line == "echo out; echo err >&2; exit 3":
        return Ran(3, "out\n", "err\n")
    if line == "echo $A $B":
        return Ran(0, f"{command.environment['A']} {command.environment.get('B', '')}\n")
    assert line == "cat in > out"
    folder = command.working_dir.removeprefix("/work").lstrip("/")
    found = command.files.get(f"{folder}/in")
    command.files[f"{folder}/out"] = found or b""
    return Ran(1 if found is None else 0)


FAKES = {
    "web": FakeProgram(files={"/etc/passwd": b"root:x:0:0::/:/bin/sh\n"}),
    "diary": FakeProgram(started=write_diary, serve=lambda files: files["diary"]),
    "stubborn": FakeProgram(ignores_stop=True),
    "polite": FakeProgram(stop_code=0),
    "crash": FakeProgram(exit_code=3, said="cannot find my settings\n"),
    "greedy": FakeProgram(memory_mb=200),
    "mute": FakeProgram(ready_after=None),
    "shell": FakeProgram(run=play),
    "talker": FakeProgram(said="".join(f"line {n}\n" for n in range(5000))),
}


class Kit(Protocol):
    """One engine as the suite uses it."""

    runtime: Runtime
    base: str
    side: str
    moment: float
    """Seconds in which the engine starts a service."""

    def other(self) -> Runtime:
        """Another grader on the same engine."""
        ...

    def image(self, program: str) -> str:
        """Image that runs one of `PROGRAMS`."""
        ...

    def count(self, attempt: str) -> int:
        """Containers, networks and volumes of an attempt that are on the engine."""
        ...


@dataclass
class FakeKit:
    engine: FakeEngine = field(default_factory=FakeEngine)
    base: str = "base"
    side: str = "side"
    moment: float = 0.02

    def __post_init__(self) -> None:
        self.runtime: Runtime = self.other()

    def other(self) -> Runtime:
        return FakeRuntime({f"fake/{name}": program for name, program in FAKES.items()}, engine=self.engine)

    def image(self, program: str) -> str:
        return f"fake/{program}"

    def count(self, attempt: str) -> int:
        return sum(stack.spec.owner.attempt == attempt for stack in self.engine.stacks)


@dataclass
class Bench:
    """A kit and the attempt at hand; what it starts is taken down at the end of the test."""

    kit: Kit
    folder: Path
    attempt: str = field(default_factory=lambda: f"conf-{secrets.token_hex(4)}")
    stacks: list[Stack] = field(default_factory=list)
    images: list[BuiltImage] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime:
        return self.kit.runtime

    def owner(self, **changes: Any) -> Owner:
        return replace(Owner(self.attempt, this_process(), "sha256:0", time.time() + 120), **changes)

    def service(self, program: str, name: str = "web", **changes: Any) -> ServiceSpec:
        spec = ServiceSpec(
            name,
            self.kit.image(program),
            entrypoint=("python3", "-I", "-S", "-c", PROGRAMS[program]),
            user="1000:1000",
            ready="" if program in {"mute", "greedy"} else f"http://{name}:8080/",
            mounts=(Mount("diary", "/data"),) if program == "diary" else (),
        )
        if program == "diary":  # a fresh volume belongs to root, as its folder in the image does
            spec = replace(spec, user="0:0")
        return replace(spec, **changes)

    def workspace(self, **changes: Any) -> ServiceSpec:
        spec = ServiceSpec(
            "workspace",
            self.kit.image("shell"),
            environment={"A": "1"},
            user="1000:1000",
            mounts=(Mount("work", "/work"),),
            working_dir="/work",
            limits=Limits(memory_mb=64, layer_mb=16),
        )
        return replace(spec, **changes)

    def up(
        self,
        *services: ServiceSpec,
        network: bool = True,
        runtime: Runtime | None = None,
        images: Future[dict[str, BuiltImage]] | None = None,
        workspaces: tuple[ServiceSpec, ...] = (),
        **owner: Any,
    ) -> Stack:
        spec = StackSpec(
            services, self.owner(**owner), network=network, side_image=self.kit.side, workspaces=workspaces
        )
        stack = (runtime or self.runtime).up(spec, images)
        self.stacks.append(stack)
        return stack

    def build(self, dockerfile: str, **changes: Any) -> BuiltImage:
        text = dockerfile.replace("BASE", self.kit.base)
        spec = BuildSpec("web", "conformance", self.folder, text)
        image = self.runtime.build(replace(spec, **changes), self.owner())
        self.images.append(image)
        return image

    def left(self) -> int:
        return self.kit.count(self.attempt)

    def close(self) -> None:
        for stack in self.stacks:
            stack.close()
        for image in self.images:
            self.runtime.discard(image)


def dead_process() -> str:
    """The mark of a process that was here and has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    here = Here.look()
    return f"{here.boot}:{here.pidns}:{pid}:1"
