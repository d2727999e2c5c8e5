"""What every runtime can do, and the plain data it is told and tells.

A runtime knows containers and nothing of labs, checks or points. Everything that it starts carries the labels of an
`Owner`, limits and a deadline.

Sizes are in MiB where a name ends in `_mb`; durations are seconds; deadlines are seconds on the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mde_grader.runtimes.commands import OUTPUT_LIMIT, Ran, VolumeFiles
from mde_grader.runtimes.inspector.session import Session

LABEL = "mde-grade"
"""Prefix of every label of ours, as in `mde-grade.owner`."""

KEPT = "kept"
"""`Owner.process` of a stack that outlives its grader on purpose: its expiry or `sweep(everything_of=KEPT)` ends it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who started something, so that a janitor can tell the living from the dead.

    Attributes:
        attempt: Id of the attempt.
        process: `bootid:pidns:pid:starttime` of the grader, see `janitor.this_process`.
        submission: The submission's digest.
        expires: Unix time after which anybody may remove it.
    """

    attempt: str
    process: str
    submission: str
    expires: float

    def labels(self) -> dict[str, str]:
        """The labels that everything of this owner carries."""
        return {
            f"{LABEL}.attempt": self.attempt,
            f"{LABEL}.owner": self.process,
            f"{LABEL}.submission": self.submission,
            f"{LABEL}.expires": str(int(self.expires)),
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """What one service may use at the most; memory is also memory plus swap."""

    memory_mb: int = 256
    cpus: float = 1.0
    pids: int = 128
    nofile: int = 1024
    file_mb: int = 64
    tmp_mb: int = 16
    tmp_inodes: int = 2048
    layer_mb: int = 128


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What one build may use at the most."""

    seconds: float = 120.0
    memory_mb: int = 1024
    file_mb: int = 256
    context_mb: int = 64
    log_kb: int = 512
    cache_mb: int = 64
    step_mb: int = 256


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """One image to build from an accepted and rewritten Dockerfile.

    Attributes:
        name: Service whose image this is; used in the tag.
        lab: Lab id; the build cache is kept apart for each lab.
        context: Staged folder that is sent to the engine.
        dockerfile: Text of the rewritten Dockerfile (bases replaced, our labels after each FROM).
        excludes: Patterns of the candidate's .dockerignore, in file order.
        target: Stage to build, or None for the last.
        arguments: Build arguments.
        index: Tag of a grader-owned image that serves packages on the build's loopback; None for no network at all.
        limits: Caps of this build.
        lasting: Whether the lab's build cache should keep what this makes; False for what is never built again.
    """

    name: str
    lab: str
    context: Path
    dockerfile: str
    excludes: tuple[str, ...] = ()
    target: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    index: str | None = None
    limits: BuildLimits = field(default_factory=BuildLimits)
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Layer:
    """One history entry of an image: the instruction that made it, bytes it added, and when (Unix time)."""

    created_by: str
    size: int
    created: int


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image as the engine knows it; nothing here was said by the candidate's own programs but `log`.

    Attributes:
        id: `sha256:...`.
        size: Bytes of all layers, the base's included.
        added: Bytes above the base image.
        diff_ids: Digests of the layers, lowest first, the base's included.
        history: History entries above the base, oldest first.
        user: Configured user (`""` means root).
        config: The engine's `Config` object (Env, Cmd, Entrypoint, User, StopSignal, Labels...).
        seconds: Time of the build.
        log: The build's output, head and tail, capped.
        index_requests: Paths that the build asked of the package index, in order.
    """

    id: str
    size: int
    added: int
    diff_ids: tuple[str, ...]
    history: tuple[Layer, ...]
    user: str
    config: Mapping[str, Any]
    seconds: float
    log: str
    index_requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerHit:
    """A byte string that was found in an image: its name, the layer (empty for the configuration), and the file."""

    needle: str
    layer: str
    path: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A named volume of the stack (`volume`) at `target` inside a service."""

    volume: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service to start.

    Attributes:
        name: Service name, also its name on the stack's network.
        image: Image id or tag, of one that is on the engine already; empty while it is being built (see `Runtime.up`).
        candidate: False for a grader-owned service.
        inspected: A grader-owned service that a candidate's code comes to run in, such as a host that is configured
            over SSH: the inspector looks into it as into a candidate's. Its user is to be nobody else's in the stack.
        user: Overrides the image's user; None leaves it.
        files: Small files written before the start (Compose secrets and configs), path to content; mode 0444.
        requires: Services that must be healthy (`ready` met) before this one starts.
        awaits: Services that must have ended by themselves with exit code 0 before this one starts (migrations).
        may_end: Ending with exit code 0 is no failure: it had one thing to do, and did it.
        ready: URL (`http://...`) or `tcp://host:port` that tells that the service is ready; empty for "it runs".
        ready_seconds: How long that may take.
        capabilities: The few capabilities that the lab names; all others are dropped.
        stop_seconds: Grace between the stop signal and the kill.
    """

    name: str
    image: str
    candidate: bool = True
    inspected: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    working_dir: str | None = None
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    read_only: bool = True
    requires: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    may_end: bool = False
    aliases: tuple[str, ...] = ()
    ready: str = ""
    ready_seconds: float = 30.0
    capabilities: tuple[str, ...] = ()
    stop_signal: str | None = None
    stop_seconds: float = 10.0
    limits: Limits = field(default_factory=Limits)

    @property
    def work_volume(self) -> str:
        """The volume where a workspace's commands work; LookupError when it has none."""
        if not self.mounts:
            raise LookupError(f"the workspace {self.name} has no volume: nothing is shared between its commands")
        return self.mounts[0].volume


@dataclass(frozen=True, slots=True)
class StackSpec:
    """An environment to start. With one service and `network=False` the side container joins its namespaces.

    Attributes:
        services: What is started.
        owner: Labels of everything that is made.
        network: Whether the stack has a network of its own.
        side_image: The side container's image.
        workspaces: What commands can be run in: nothing of it is started with the stack. Its first mount is where its
            commands work, and its user, a number other than root's, owns that volume; without one they work in /tmp.
    """

    services: tuple[ServiceSpec, ...]
    owner: Owner
    network: bool = True
    side_image: str = "mde-grade/side"
    workspaces: tuple[ServiceSpec, ...] = ()

    def with_images(self, images: Mapping[str, BuiltImage]) -> StackSpec:
        """The same, where services without an image get theirs, by service."""
        services = (each if each.image else replace(each, image=images[each.name].id) for each in self.services)
        return replace(self, services=tuple(services))


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What the engine says of a service now; `limits` holds the effective values, read back."""

    running: bool
    exit_code: int | None
    oom_killed: bool
    started_at: str
    restarts: int
    user: str
    read_only: bool
    capabilities: tuple[str, ...]
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a service ended: seconds from the signal to its end, exit code, and whether we had to kill it."""

    seconds: float
    exit_code: int
    killed: bool


class Service(Protocol):
    """One running container of a stack, seen through the engine."""

    @property
    def name(self) -> str:
        """Service name; a replica's is `web-2`."""
        ...

    @property
    def spec(self) -> ServiceSpec:
        """What it was started from."""
        ...

    @property
    def container_id(self) -> str:
        """The engine's id; changes with `recreate`."""
        ...

    @property
    def address(self) -> str:
        """IPv4 address on the stack's network, or `127.0.0.1` where the side container shares its network."""
        ...

    def state(self) -> ServiceState:
        """Ask the engine how the service is."""
        ...

    def logs(self, *, limit: int = 262_144) -> str:
        """Standard output and error, head and tail within `limit` bytes."""
        ...

    def read(self, path: str, *, limit: int = 1_048_576) -> bytes:
        """Copy one regular file out through the engine.

        Raises:
            FileNotFoundError: There is none.
            ValueError: Not a regular file, or larger than `limit`.
        """
        ...

    def stop(self, *, signal: str | None = None, seconds: float | None = None) -> Stopped:
        """Send the stop signal, wait, and kill after the grace."""
        ...

    def kill(self) -> None:
        """End it at once, as a machine that loses power would."""
        ...

    def start(self) -> None:
        """Start it again in the same container; does not wait for readiness."""
        ...

    def recreate(self, **changes: Any) -> None:  # noqa: ANN401
        """Replace the container by a new one of the same spec (fields of `ServiceSpec` may be changed), same volumes.

        Does not wait for readiness; `Stack.wait_ready` does.
        """
        ...


class Stack(Protocol):
    """An environment that runs for one attempt. `stack["web"]` is a service."""

    @property
    def spec(self) -> StackSpec:
        """What it was started from."""
        ...

    @property
    def session(self) -> Session:
        """The kept-open session with the side container."""
        ...

    def __getitem__(self, name: str) -> Service:
        """The service of that name; KeyError names the ones there are."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Names of the services, in start order."""
        ...

    def replica(self, name: str) -> Service:
        """Start one more container of that service, under the same network name, and return it."""
        ...

    def remove(self, service: Service) -> None:
        """Remove a replica."""
        ...

    def wait_ready(self, *names: str, seconds: float | None = None) -> float:
        """Wait until the named services (all when none is named) run and are ready; seconds that it took.

        Raises:
            StartFailedError: A candidate's service ended or did not become ready in time.
            EngineError: A grader-owned one did.
        """
        ...

    def restore(self) -> None:
        """Bring every service back to running and ready after a check that disturbed it; cheap when all is well."""
        ...

    def run(  # noqa: PLR0913
        self,
        workspace: str,
        command: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> Ran:
        """Run one command in a new container of a workspace; nothing of it but its files lives on when it has ended.

        May be called from several threads at once. A command that is not in the image ends with exit code 127, as in a
        shell.

        Args:
            workspace: Name of the workspace; KeyError names the ones there are.
            command: Program and arguments, as they are.
            seconds: When it is killed, from its start.
            environment: Added to the workspace's own.
            working_dir: A folder that is there; the workspace's own when None.
            limit: Bytes that are kept of each output.

        Raises:
            EngineError: It could not be run, or the stack was closed meanwhile.
        """
        ...

    def files(self, workspace: str) -> VolumeFiles:
        """The files on the volume where a workspace's commands work; LookupError when there is none."""
        ...

    def keep(self) -> str:
        """Leave everything up after the grader has gone; returns how to look inside, for a person.

        The side container still ends at its deadline, and `sweep` takes what is kept when it has expired.
        """
        ...

    def close(self) -> None:
        """Remove containers, volumes and networks. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine this is; `isolation` is the level that was reached, such as `docker` or `docker+userns`."""

    name: str
    version: str
    api: str
    storage: str
    cgroup: str
    kernel: str
    host: str
    isolation: str


@dataclass(frozen=True, slots=True)
class Swept:
    """What a janitor removed."""

    containers: int = 0
    networks: int = 0
    volumes: int = 0
    images: int = 0

    @property
    def total(self) -> int:
        """Things removed in all."""
        return self.containers + self.networks + self.volumes + self.images


@runtime_checkable
class Runtime(Protocol):
    """A container engine as the grader uses it."""

    def info(self) -> EngineInfo:
        """Ask the engine what it is.

        Raises:
            EngineUnavailableError: No engine answers.
        """
        ...

    def build(self, spec: BuildSpec, owner: Owner) -> BuiltImage:
        """Build one image under its limits.

        Raises:
            BuildFailedError: The candidate's fault: an instruction failed, or a limit or the deadline was passed.
            EngineError: Ours.
        """
        ...

    def up(self, spec: StackSpec, images: Future[dict[str, BuiltImage]] | None = None) -> Stack:
        """Start the side container and the services, in the order of `requires`, and wait until they are ready.

        Nothing is left behind when it raises.

        Args:
            spec: What to start.
            images: Images of the services that have none in `spec` yet, by service; all else may start without them.
                What they raise is raised.

        Raises:
            StartFailedError: A candidate's service did not start or did not become ready.
            EngineError: Ours.
        """
        ...

    def search(self, image: BuiltImage, needles: Mapping[str, bytes], *, seconds: float = 60.0) -> tuple[LayerHit, ...]:
        """Find byte strings in the configuration, the history and every file of every layer of an image.

        Raises:
            EngineError: The image cannot be read in time.
        """
        ...

    def discard(self, image: BuiltImage) -> None:
        """Forget an image that was built for an attempt, but for what its lab's build cache may keep."""
        ...

    def sweep(self, *, everything_of: str | None = None, cache: bool = False) -> Swept:
        """Remove what dead graders left, and all that the process `everything_of` owns.

        Args:
            everything_of: An `Owner.process` whose things go even though it lives (our own, at the end).
            cache: Also remove the build caches.
        """
        ...

    def cancel(self, process: str) -> None:
        """End all builds and stacks of an `Owner.process` at once; what waits for them raises.

        Args:
            process: Ours, when the user asked to stop.
        """
        ...

    def close(self) -> None:
        """Close connections; safe to call twice."""
        ...
