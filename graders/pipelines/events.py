"""What happens to a repository, in the words of neither platform, and what a platform makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: GitHub's name of it: `push`, `pull_request`, `workflow_dispatch`, `schedule`, `release`, ...
        ref: The whole ref that it is about: `refs/heads/main`, `refs/tags/v1.0`; of a pull request its merge ref.
        changed: Paths of the files that it changes; of no meaning for a tag.
        message: Message of the head commit.
        action: Activity type, such as `opened` or `published`; empty for an event that has none.
        base: For a pull request the branch that it is to be merged into.
        head: For a pull request its own branch; for a `workflow_run` the branch of the run that ended.
        workflow: For a `workflow_run` the name of the workflow that ran; for a `schedule` its cron line.
        conclusion: For a `workflow_run` how it ended: `success`, `failure`, `cancelled`.
        sha: The commit.
        default_branch: Name of the repository's default branch.
        created: Whether the branch is a new one.
        run: Number of the run, which differs from event to event.
    """

    name: str
    ref: str = f"refs/heads/{DEFAULT_BRANCH}"
    changed: tuple[str, ...] = ()
    message: str = ""
    action: str = ""
    base: str = ""
    head: str = ""
    workflow: str = ""
    conclusion: str = ""
    sha: str = "0" * 40
    default_branch: str = DEFAULT_BRANCH
    created: bool = False
    run: int = 1

    @property
    def branch(self) -> str:
        """Name of the branch that it is about; empty for a tag.

        >>> push("docs/typo").branch, tag("v1").branch
        ('docs/typo', '')
        """
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def tag(self) -> str:
        """Name of the tag that it is about; empty for anything else."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""

    @property
    def ref_name(self) -> str:
        """The ref without its first two parts, as both platforms have it."""
        return self.ref.split("/", 2)[-1]


def push(branch: str = DEFAULT_BRANCH, *, changed: Iterable[str] = (), message: str = "", **more: object) -> Event:
    """A push of commits to a branch.

    Args:
        branch: Name of the branch.
        changed: Paths that the pushed commits change.
        message: Message of the head commit.
        **more: Further attributes of the event.
    """
    return Event("push", f"refs/heads/{branch}", tuple(changed), message, **more)  # type: ignore[arg-type]


def tag(name: str, *, message: str = "", **more: object) -> Event:
    """A push of a tag; `message` is that of the commit that it points at."""
    return Event("push", f"refs/tags/{name}", (), message, **more)  # type: ignore[arg-type]


def ended(workflow: str, event: Event, conclusion: str) -> Event:
    """The end of a workflow's run, which may start others; it happens on the default branch, whatever the run was on.

    Args:
        workflow: Name of the workflow that ran.
        event: What had started it.
        conclusion: How it ended: `success`, `failure`, `cancelled`.
    """
    return Event(
        "workflow_run",
        f"refs/heads/{event.default_branch}",
        message=event.message,
        action="completed",
        head=event.head or event.ref_name,
        workflow=workflow,
        conclusion=conclusion,
        sha=event.sha,
        default_branch=event.default_branch,
        run=event.run,
    )


def pull_request(  # noqa: PLR0913 - what a pull request has
    base: str = DEFAULT_BRANCH,
    *,
    head: str = "feature",
    action: str = "opened",
    changed: Iterable[str] = (),
    message: str = "",
    name: str = "pull_request",
) -> Event:
    """Something about a pull request.

    Args:
        base: The branch that it is to be merged into.
        head: Its own branch.
        action: What happened to it: `opened`, `synchronize`, `reopened`, `labeled`, `closed`, ...
        changed: Paths that it changes.
        message: Message of its head commit.
        name: `pull_request` or `pull_request_target`.
    """
    ref = "refs/pull/1/merge" if name == "pull_request" else f"refs/heads/{base}"
    return Event(name, ref, tuple(changed), message, action, base, head)
