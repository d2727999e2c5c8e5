"""Runs of pipelines, the groups that they stand in, and who waits for whom or is cancelled by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graders.pipelines.events import Event


@dataclass(frozen=True, slots=True)
class Group:
    """A group of which only one member runs at a time.

    Attributes:
        name: Its name, worked out for the event.
        cancels: Whether a new member cancels the one that runs.
        job: The job that is the member; empty when the whole run is.
        queues: Whether all that wait are kept, in order; else the newest one only.
        alongside: Whether members do not wait for each other at all, but only cancel.
        unless_begun: Jobs of which none may have begun, for a run to be cancelled.
        kept: Whether nobody cancels it.
    """

    name: str
    cancels: bool = False
    job: str = ""
    queues: bool = False
    alongside: bool = False
    unless_begun: tuple[str, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one event starts from one file.

    Attributes:
        file: The workflow, `.gitlab-ci.yml` or Makefile.
        event: What started it.
        groups: The groups that it and its jobs stand in.
        jobs: Names of the jobs that the event lets in; empty when the runner itself decides by conditions.
        name: Name of the workflow.
        left_out: Names of the jobs that the event does not let in, for a runner that would let them in.
    """

    file: str
    event: Event
    groups: tuple[Group, ...] = ()
    jobs: tuple[str, ...] = ()
    name: str = ""
    left_out: tuple[str, ...] = ()


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
        unless_begun: Jobs of which none may have begun, for it to be cancelled.
    """

    run: int
    job: str
    group: str
    waits_for: int | None = None
    cancelled_by: int | None = None
    begins: bool = True
    unless_begun: tuple[str, ...] = ()


def turns(runs: Sequence[Run]) -> tuple[Turn, ...]:
    """Who waits and who is cancelled, when the runs come in this order and each before the one before it has ended.

    Runs, and jobs, that stand in no group are not named: they begin at once and are never cancelled. Jobs of a run that
    itself waits are not named either. Names of groups are the same in upper and lower case.
    """
    groups = _Groups()
    for index, run in enumerate(runs):
        for group in sorted(run.groups, key=lambda group: group.job != ""):
            whole = groups.whole(index)
            if not group.job or whole is None or whole.waits_for is None:
                groups.enter(index, group)
    never = {turn.run for turn in groups.turns.values() if not turn.job and not turn.begins}
    kept = [turn for turn in groups.turns.values() if not turn.job or turn.run not in never]
    return tuple(sorted(kept, key=lambda turn: (turn.run, turn.job != "")))


_Member = tuple[int, str, str]
"""Run, job, and name of the group."""


class _Groups:
    """The members of each group: first the one that runs, then those that wait."""

    def __init__(self) -> None:
        self.turns: dict[_Member, Turn] = {}
        self._members: dict[str, list[_Member]] = {}

    def whole(self, index: int) -> Turn | None:
        """What becomes of a run as a whole; None when only jobs of it stand in groups."""
        return next((turn for turn in self.turns.values() if turn.run == index and not turn.job), None)

    def enter(self, index: int, group: Group) -> None:
        """Let one more member come to a group."""
        name = group.name.lower()
        present = [member for member in self._members.get(name, []) if not self._gone(member)]
        after: int | None = None
        if group.alongside:
            self._cancel([member for member in present if member[0] != index], index)
            present = [member for member in present if member[0] == index]
        elif present and group.cancels:
            after = present[0][0]
            self._cancel(present, index)
            present = []
        elif present and group.queues:
            after = present[-1][0]
        elif present:
            after = present[0][0]
            self._cancel(present[1:], index)
            present = present[:1]
        member = (index, group.job, name)
        self.turns[member] = Turn(index, group.job, group.name, after, unless_begun=group.unless_begun)
        self._members[name] = [*present, *([] if group.kept else [member])]

    def _gone(self, member: _Member) -> bool:
        whole = self.whole(member[0])
        return whole is not None and whole.cancelled_by is not None and not whole.unless_begun

    def _cancel(self, members: Sequence[_Member], by: int) -> None:
        """Cancel members; one that waits never begins."""
        for member in members:
            turn = self.turns[member]
            self.turns[member] = replace(turn, cancelled_by=by, begins=turn.waits_for is None)
