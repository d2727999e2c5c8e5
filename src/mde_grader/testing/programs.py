"""What containers of the fake engine do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from mde_grader.runtimes.commands import Ran

TERMINATED = 143
"""Exit code after SIGTERM."""


@dataclass(frozen=True, slots=True)
class FakeCommand:
    """One command of a workspace, as the program of its image is told of it.

    Attributes:
        words: Program and arguments.
        environment: The workspace's variables with those of this command.
        working_dir: Where it runs.
        seconds: How long it may run.
        files: Files on the workspace's volume by their path there; it may change them.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    working_dir: str
    seconds: float
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class FakeProgram:
    """What a container of some image does.

    Attributes:
        ready_after: Seconds until it answers; None for never.
        exit_code: It ends with this at its start; None for a program that runs.
        ignores_stop: Only a kill ends it.
        stop_code: Exit code after the stop signal.
        stop_seconds: How long it takes to end.
        memory_mb: What it needs; above its limit it is killed.
        said: What it prints.
        files: Files in the container.
        serve: Body of its answer to an HTTP request; it is given the files on the service's volumes.
        started: Called with the same at each start.
        run: How a command ends, where the image is a workspace's; called in the thread that asked for it.
    """

    ready_after: float | None = 0.0
    exit_code: int | None = None
    ignores_stop: bool = False
    stop_code: int = TERMINATED
    stop_seconds: float = 0.0
    memory_mb: int = 0
    said: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    serve: Callable[[dict[str, bytes]], bytes] = lambda _: b"ok\n"
    started: Callable[[dict[str, bytes]], None] = lambda _: None
    run: Callable[[FakeCommand], Ran] = lambda _: Ran(0)


@dataclass(slots=True)
class FakePlace:
    """What the services of one stack share.

    Attributes:
        programs: What containers do, by image.
        network: Whether the stack has a network.
        numbers: Makes ids and addresses.
        volumes: Files on the stack's volumes, by volume.
    """

    programs: Mapping[str, FakeProgram]
    network: bool = True
    numbers: Iterator[int] = field(default_factory=lambda: count(2))
    volumes: dict[str, dict[str, bytes]] = field(default_factory=dict)
