"""What an action is given and what it gives back.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs and
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

PIPELINE = Path(os.environ.get("PIPELINE_FOLDER", "/tmp/pipeline"))  # noqa: S108 - the container's own
"""Folder of the run, where the driver's clone is and jobs leave things for each other."""


class StepError(Exception):
    """The step fails, with one line."""


def text(name: str, default: str = "") -> str:
    """An input without the space around it."""
    return os.environ.get(f"INPUT_{name.replace(' ', '_').upper()}", "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """An input that is true or false, in the words of YAML.

    Raises:
        StepError: It is neither.
    """
    given = text(name, str(default)).lower()
    if given not in {"true", "false"}:
        raise StepError(f"the input {name} must be true or false, not {given!r}")
    return given == "true"


def number(name: str, default: int) -> int:
    """An input that is a number.

    Raises:
        StepError: It is none.
    """
    given = text(name, str(default))
    if not given.isdecimal():
        raise StepError(f"the input {name} must be a number, not {given!r}")
    return int(given)


def lines(name: str) -> list[str]:
    """The lines of an input that have something on them."""
    return [line.strip() for line in text(name).splitlines() if line.strip()]


def workspace() -> Path:
    """The job's folder."""
    return Path(os.environ["GITHUB_WORKSPACE"])


def home(path: str) -> Path:
    """A path as people write it in inputs: from the job's folder, or below `~`."""
    return workspace() / Path(path).expanduser()


def give(**outputs: str) -> None:
    """Set outputs of the step; an underscore stands for a hyphen."""
    _append("GITHUB_OUTPUT", {name.replace("_", "-"): value for name, value in outputs.items()})


def keep(**states: str) -> None:
    """Keep something for the step that runs at the job's end."""
    _append("GITHUB_STATE", states)


def kept(name: str) -> str:
    """What was kept."""
    return os.environ.get(f"STATE_{name}", "")


def _append(variable: str, table: dict[str, str]) -> None:
    mark = secrets.token_hex(8)
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in table.items())


def notice(kind: str, message: str) -> None:
    """A line that the log shows as a warning or an error."""
    print(f"::{kind}::{message}" if kind else message, flush=True)
