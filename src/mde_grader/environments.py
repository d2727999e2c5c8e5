"""What `environment.yaml` declares: what a submission may bring, and which services the lab adds.

The file is a Compose-specification file. Top-level `services` are the lab's own (grader-owned) services; everything
about the candidate's part stands under `x-mde`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mde_grader.runtimes.base import BuildLimits, Limits, ServiceSpec


@dataclass(frozen=True, slots=True)
class Variable:
    """One value that the grader gives to a submission, made new for each attempt.

    Attributes:
        kind: `secret` (random, url-safe), `word` (random lower-case word with digits), or `fixed`.
        value: The value of a `fixed` one.
        length: Characters of a `secret`.
        secret: Whether the value must never be shown; true for `secret`.
    """

    kind: str
    value: str = ""
    length: int = 24

    @property
    def secret(self) -> bool:
        """Whether the value is masked in everything that we write."""
        return self.kind == "secret"


@dataclass(frozen=True, slots=True)
class Ready:
    """When a candidate's service counts as ready: `http://...` answers 2xx or `tcp://host:port` accepts."""

    url: str
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Environment:
    """One lab's environment.

    Attributes:
        kind: `compose` (the compose.yaml says what runs), `dockerfile` (one service from the Dockerfile) or `workspace`
            (nothing is built; checks run the candidate's tool on what was handed in).
        main: The candidate's service that `host` looks at and whose name a `dockerfile`
            submission gets; in a `workspace` lab the workspace.
        required: Services that a Compose submission must have.
        bases: Public image names that a FROM may name (`python:3.11-slim-bookworm`); `scratch` is listed when allowed.
        images: Public image names that a Compose service may run as they are, to our grader-owned tag.
        image_volumes: For such an image, paths at which a named volume may stand.
        variables: What Compose files may interpolate, and each candidate's service may read.
        index: Tag of the grader-owned package index that builds see on their loopback, or None.
        deadline: Seconds for the whole attempt.
        build: Caps of each build.
        limits: Caps of each candidate's service.
        ready: Readiness of candidate's services, by name.
        writable_root: Whether a candidate's service may run with a writable root (so that a check can ask for more).
        root_user: Whether a candidate's service may run as root (so that a check can ask for more).
        capabilities: Capabilities that a candidate's service may keep.
        max_services: How many services a Compose file may have.
        services: The lab's own services.
        network: False for a single-service lab that needs no network.
        workspaces: What checks can run commands in; of a `workspace` lab alone.
    """

    kind: str
    main: str
    required: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    image_volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    index: str | None = None
    deadline: float = 180.0
    build: BuildLimits = field(default_factory=BuildLimits)
    limits: Limits = field(default_factory=Limits)
    ready: Mapping[str, Ready] = field(default_factory=dict)
    writable_root: bool = False
    root_user: bool = False
    capabilities: tuple[str, ...] = ()
    max_services: int = 6
    services: tuple[ServiceSpec, ...] = ()
    network: bool = True
    workspaces: tuple[ServiceSpec, ...] = ()
