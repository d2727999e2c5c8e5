"""What the checks of one attempt may look at. Parts that are still being made are futures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from mde_grader.model import SubmissionIdentity
from mde_grader.plans import Plan
from mde_grader.runtimes.base import BuiltImage, LayerHit, Stack

Change = Callable[[Path], None]
"""Edits a copy of the submission in place before it is built again."""

Search = Callable[[BuiltImage, Mapping[str, bytes]], tuple[LayerHit, ...]]
"""Finds named byte strings in all layers of an image, its configuration and its history."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The staged submission, read only.

    Attributes:
        root: Folder that holds the staged copy.
        identity: Digest, name and size.
        plan: What the policy made of it.
    """

    root: Path
    identity: SubmissionIdentity
    plan: Plan


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Everything that the fixtures hand out.

    Attributes:
        submission: The staged submission and its plan.
        images: Built images by service, or the error that ended the builds.
        stack: The running stack, or the error that ended its start.
        rebuild: Builds a service's image again from a changed copy of the submission.
        search: Finds byte strings in all layers of an image.
        given: Values that this attempt gave to the submission, by variable.
        bases: How each public base was got, by its public name.
        variant: The lab's parameters as this candidate got them.
        main: The service that `host` looks at.
        starter: Lays out what this candidate was given to start from, and says where.
        dialect: Id of the lab's dialect that the submission is graded in; empty for a lab without any.
        deadline: When the attempt's time is up, on the monotonic clock.
    """

    submission: Submission
    images: Future[dict[str, BuiltImage]]
    stack: Future[Stack]
    rebuild: Callable[[str, Change], BuiltImage]
    search: Search
    given: Mapping[str, str]
    main: str
    deadline: float
    bases: Mapping[str, str] = field(default_factory=dict)
    variant: Mapping[str, str | int] = field(default_factory=dict)
    dialect: str = ""
    starter: Callable[[], Path] = Path

    def seconds_left(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.deadline - time.monotonic()
