"""The pipeline of a submission in one of the dialects: `github`, `gitlab`, `make`.

A check reads the files once, insists on `refusals` being empty, and asks for what each event starts: a `Run` names the
file that the runner is given. `runs.turns` says who waits for whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from graders.pipelines.events import Event
from graders.pipelines.github import read_github
from graders.pipelines.gitlab import read_gitlab
from graders.pipelines.makefiles import read_make
from graders.pipelines.refusals import Refusal
from graders.pipelines.runs import Run

DIALECTS = ("github", "gitlab", "make")


class Pipeline(Protocol):
    """What a submission holds, in any dialect."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Why it is not run here, in the order of files and lines; empty when it is."""

    @property
    def actions(self) -> tuple[str, ...]:
        """Shipped actions that it uses, as `actions/checkout@v4`; empty but for GitHub."""

    def runs(self, event: Event) -> tuple[Run, ...]:
        """What the event starts; empty when nothing."""

    def why_not(self, event: Event) -> str:
        """In a sentence why the event starts nothing; empty when it starts something."""


def read(
    dialect: str,
    files: Mapping[str, bytes],
    *,
    variables: Mapping[str, str] | None = None,
    chained: bool = False,
    chooses: bool = False,
) -> Pipeline:
    """Read a pipeline; never raises for what a candidate wrote.

    Args:
        dialect: One of `DIALECTS`.
        files: The whole submission, path to content.
        variables: What the platform's variables hold (`vars` in GitHub's words), without secrets.
        chained: Whether the ends of runs are told to it, as `events.ended`; else what waits for them is refused.
        chooses: Whether GitLab's runner is told which jobs to leave out (`Run.left_out`); else what it cannot work out
            by itself, `only` and `except`, is refused.

    Raises:
        ValueError: There is no such dialect, which is a mistake of ours.
    """
    if dialect == "github":
        return read_github(files, variables or {}, chained=chained)
    if dialect == "gitlab":
        return read_gitlab(files, variables or {}, chooses=chooses)
    if dialect == "make":
        return read_make(files)
    raise ValueError(dialect)
