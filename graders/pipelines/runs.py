"""Runs of pipelines, the groups that they stand in, and who waits for whom or is cancelled by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graders.pipelines.events import Event


@dataclass(frozen=True, slots=True)
class Group:
    """A group of which only one member runs at a time.

    Attributes:
        name: Its name, worked out for the event.
        cancels: Whether a new member cancels the one that runs.
        job: The job that is the member; empty when the whole run is.
        queues: Whether all that wait are kept, in order; else the newest one only.
    """

    name: str
    cancels: bool = False
    job: str = ""
    queues: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one event starts from one file.

    Attributes:
        file: The workflow, `.gitlab-ci.yml` or Makefile.
        event: What started it.
        groups: The groups that it and its jobs stand in.
        jobs: Names of the jobs that the event lets in; empty when the runner itself decides by conditions.
        name: Name of the workflow.
    """

    file: str
    event: Event
    groups: tuple[Group, ...] = ()
    jobs: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of one run, or one job of it, when it stands in a group with others.

    Attributes:
        run: Position of the run among those given.
        job: Which job; empty for the whole run.
        group: In which group.
        waits_for: Position of the run that has to end first; None when it begins at once.
        cancelled_by: Position of the run that cancels it; None when it goes to its end.
        begins: Whether it begins at all before it is cancelled.
    """

    run: int
    job: str
    group: str
    waits_for: int | None = None
    cancelled_by: int | None = None
    begins: bool = True


def turns(runs: Sequence[Run]) -> tuple[Turn, ...]:
    """Who waits and who is cancelled, when the runs come in this order and each before the one before it has ended.

    Runs, and jobs, that stand in no group are not named: they begin at once and are never cancelled.
    """
    raise NotImplementedError
