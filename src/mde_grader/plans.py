"""What the policy makes of a submission: an accepted plan, ready to build and to start. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mde_grader.runtimes.base import ServiceSpec


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One image that the submission asks to be built.

    Attributes:
        key: Unique in the plan; services with the same context, Dockerfile, target and arguments share it.
        context: Folder inside the submission, `.` for its root.
        dockerfile: Path of the Dockerfile inside the submission.
        text: The rewritten Dockerfile: bases replaced, what the builder lacks taken out, our label after each FROM.
        bases: Public names of the bases that it uses.
        base: Public name of the base under the stage that is built (`scratch` included).
        target: Stage to build, None for the last.
        arguments: Build arguments.
        excludes: Patterns of its .dockerignore.
        written: What FROM, and COPY --from for another image, name in the stages that are built, as written, variables
            replaced (digests kept).
    """

    key: str
    context: str
    dockerfile: str
    text: str
    bases: tuple[str, ...]
    base: str
    target: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    excludes: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """An accepted submission.

    Attributes:
        builds: Images to build, by key.
        services: The candidate's services in the file's order; `image` is `build:<key>` until it is built, or a tag of
            ours. Readiness, limits and the writable root are already what the lab says.
        compose: The Compose file as plain data after interpolation, for checks that look at what was written; empty
            for every other kind of lab.
        asked_capabilities: What each service asked for by `cap_add`; recorded, granted only where the lab names it.
        notes: Settings that are accepted and have no effect here, one line each, for the candidate.
    """

    builds: Mapping[str, BuildPlan]
    services: tuple[ServiceSpec, ...]
    compose: Mapping[str, object] = field(default_factory=dict)
    asked_capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
