"""The event as each platform tells it to a pipeline.

GitHub's push event: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push. GitLab's variables:
https://docs.gitlab.com/ci/variables/predefined_variables/. The names that make gets are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .orders import Order
from .repositories import Commit

_SLUG = 63
"""Characters of CI_COMMIT_REF_SLUG."""


def push_event(order: Order, commits: Sequence[Commit], head: Commit) -> dict[str, Any]:
    """The payload of GitHub's push event, for branches and for tags."""
    owner, name = order.repository.split("/")
    person = {"name": order.actor, "email": f"{order.actor}@example.com"}
    return {
        "ref": order.ref,
        "before": order.before,
        "after": order.after,
        "created": order.is_new,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"https://github.com/{order.repository}/compare/{order.before[:12]}...{order.after[:12]}",
        "commits": [_commit(commit, order) for commit in commits],
        "head_commit": _commit(head, order),
        "repository": {
            "name": name,
            "full_name": order.repository,
            "owner": {"name": owner, "login": owner},
            "default_branch": order.default_branch,
            "master_branch": order.default_branch,
            "clone_url": order.clone,
            "private": True,
        },
        "pusher": person,
        "sender": {"login": order.actor, "type": "User"},
    }


def _commit(commit: Commit, order: Order) -> dict[str, Any]:
    person = {"name": commit.author, "email": commit.email, "username": order.actor}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.date,
        "url": f"https://github.com/{order.repository}/commit/{commit.sha}",
        "author": person,
        "committer": person,
        "added": list(commit.added),
        "removed": list(commit.removed),
        "modified": list(commit.modified),
    }


def gitlab_variables(order: Order, head: Commit) -> dict[str, str]:
    """Predefined variables that gitlab-ci-local lacks or makes up."""
    title, _, rest = head.message.partition("\n")
    slug = re.sub(r"[^a-z0-9]+", "-", order.name.lower())[:_SLUG].strip("-")
    found = {
        "GITLAB_CI": "true",
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_REPOSITORY_URL": order.clone,
        "CI_PIPELINE_SOURCE": "push",
        "CI_DEFAULT_BRANCH": order.default_branch,
        "CI_COMMIT_AUTHOR": f"{head.author} <{head.email}>",
        "CI_COMMIT_BEFORE_SHA": order.before,
        "CI_COMMIT_MESSAGE": head.message,
        "CI_COMMIT_TITLE": title,
        "CI_COMMIT_DESCRIPTION": rest.strip("\n"),
        "CI_COMMIT_TIMESTAMP": head.date,
        "CI_COMMIT_REF_NAME": order.name,
        "CI_COMMIT_REF_SLUG": slug,
        "CI_COMMIT_REF_PROTECTED": "true" if order.branch == order.default_branch else "false",
        "GITLAB_USER_LOGIN": order.actor,
        "GITLAB_USER_NAME": order.actor,
    }
    return found | ({"CI_COMMIT_TAG": order.tag} if order.tag else {"CI_COMMIT_BRANCH": order.branch})


def make_variables(order: Order) -> dict[str, str]:
    """What tells a Makefile of the event."""
    return {
        "CI": "true",
        "CI_EVENT": "tag" if order.tag else "push",
        "CI_BRANCH": order.branch,
        "CI_TAG": order.tag,
        "CI_COMMIT_SHA": order.after,
        "CI_BEFORE_SHA": order.before,
        "CI_DEFAULT_BRANCH": order.default_branch,
    }
