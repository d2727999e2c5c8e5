"""What the driver is asked for: one JSON object in one environment variable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

VARIABLE = "PIPELINE_ORDER"
DIALECTS = ("github", "gitlab", "make")
NOTHING = "0" * 40
"""What a platform gives as the commit before the first one of a ref."""

_SHA = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"refs/(heads|tags)/(?!-)[^\s~^:?*\[\\\x00-\x1f]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = re.compile(r"\.github/workflows/[^/]+\.ya?ml")


class OrderError(Exception):
    """The order cannot be used."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run of a pipeline.

    Attributes:
        dialect: `github`, `gitlab` or `make`.
        clone: Address that git clones from.
        ref: What was pushed.
        after: The commit that runs.
        before: The commit that the ref had before.
        default_branch: Name of the repository's default branch.
        repository: `owner/name`.
        actor: Who pushed.
        number: Number of the run.
        workflows: Workflow files that are run; all when None.
        left_out: Jobs of GitLab that the event does not let in; the runner knows neither `only` nor `except`.
        secrets: Name to text; masked where the platform does it.
        variables: Name to text.
        files: Variable to the name of the secret or variable that is written to the file it names.
    """

    dialect: str
    clone: str
    ref: str
    after: str
    before: str = NOTHING
    default_branch: str = "main"
    repository: str = "mde/app"
    actor: str = "mde"
    number: int = 1
    workflows: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The tag that was pushed, or empty."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""

    @property
    def branch(self) -> str:
        """The branch that was pushed to, or empty."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def name(self) -> str:
        """The branch or the tag."""
        return self.branch or self.tag

    @property
    def is_new(self) -> bool:
        """Whether the ref was not there before."""
        return self.before == NOTHING


def read(text: str) -> Order:
    """An order from its JSON.

    Raises:
        OrderError: Says what is wrong with it.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise OrderError(f"{VARIABLE} holds no JSON: {error}") from error
    _insist(isinstance(given, dict), "it is no object")
    known = {each.name for each in fields(Order)}
    unknown = ", ".join(sorted(given.keys() - known))
    _insist(not unknown, f"it has keys that there are not: {unknown}")
    missing = ", ".join(sorted({"dialect", "clone", "ref", "after"} - given.keys()))
    _insist(not missing, f"it lacks {missing}")
    for name in ("workflows", "left_out"):
        if given.get(name) is not None:
            _insist(
                isinstance(given[name], list) and all(isinstance(each, str) for each in given[name]),
                f"{name} is no list of texts",
            )
            given[name] = tuple(given[name])
    order = Order(**given)
    _check(order)
    return order


def _check(order: Order) -> None:
    texts: dict[str, Any] = {name: getattr(order, name) for name in ("clone", "default_branch", "repository", "actor")}
    for name, value in texts.items():
        _insist(isinstance(value, str) and value != "" and not value.startswith("-"), f"{name} is no usable text")
    _insist(order.dialect in DIALECTS, f"dialect is none of {', '.join(DIALECTS)}")
    _insist(_REF.fullmatch(str(order.ref)) is not None, "ref is neither refs/heads/NAME nor refs/tags/NAME")
    for name in ("after", "before"):
        _insist(_SHA.fullmatch(str(getattr(order, name))) is not None, f"{name} is no full SHA")
    _insist(order.repository.count("/") == 1, "repository is not owner/name")
    for name in ("secrets", "variables", "files"):
        table = getattr(order, name)
        fine = isinstance(table, dict) and all(_NAME.fullmatch(key) and isinstance(table[key], str) for key in table)
        _insist(fine, f"{name} is no table of texts by variable names")
    absent = [source for source in order.files.values() if source not in {**order.secrets, **order.variables}]
    _insist(not absent, f"files names {', '.join(absent)}, which is no secret and no variable")
    for path in order.workflows or ():
        _insist(_FILE.fullmatch(str(path)) is not None, f"{path!r} is no workflow file")


def _insist(fine: bool, wrong: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not fine:
        raise OrderError(f"{VARIABLE} cannot be used: {wrong}")
