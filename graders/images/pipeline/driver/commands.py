"""The runners' command lines and environments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .orders import Order

ACT, NODE = "/opt/mde/pipeline/bin/act", "/opt/mde/pipeline/bin/node"
GITLAB = "/opt/mde/pipeline/gitlab/node_modules/gitlab-ci-local/dist/index.js"
ACTIONS = Path("/opt/mde/pipeline/actions")
LABELS = (
    *("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-20.04", "ubuntu-26.04"),
    *("self-hosted", "linux", "x64"),
)
"""What `runs-on` may say: all of it runs in this container."""

_USES = re.compile(r"""\buses\s*:\s*['"]?actions/(?P<name>[a-z-]+)(?:/[a-z]+)?@(?P<ref>[A-Za-z0-9._/-]+)""")


def environment(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every program of a run is given: nothing of ours but where tools and packages are."""
    kept = [name for name in inherited if name == "LANG" or name.startswith("PIP_")]
    path = f"{home}/.local/bin:/usr/local/bin:/usr/bin:/bin"
    named = {name: inherited[name] for name in kept}
    # act gives steps a terminal, which a platform does not: nothing may wait for a reader there.
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "PAGER": "cat", "TERM": "dumb"}
    return {**named, **quiet, "PATH": path, "HOME": str(home), "USER": "runner"}


def used_actions(texts: Iterable[str]) -> list[str]:
    """For each ref of a shipped action that some file names, what makes act take ours."""
    found = {(match["name"], match["ref"]) for text in texts for match in _USES.finditer(text)}
    return [
        f"https://github.com/actions/{name}@{ref}={ACTIONS / name}"
        for name, ref in sorted(found)
        if (ACTIONS / name).is_dir()
    ]


def act(order: Order, folder: Path, workflow: str, actions: Iterable[str]) -> list[str]:
    """One workflow file in host mode. What act would read in the repository by itself, such as `.env`, is shut out."""
    words = [ACT, "push", "--directory", str(folder / "repository"), "--workflows", workflow, "--json"]
    words += ["--no-recurse", "--no-cache-server", "--no-skip-checkout", "--action-offline-mode"]
    words += ["--action-cache-path", str(folder / "act"), "--eventpath", str(folder / "event.json")]
    words += ["--secret-file", str(folder / "secrets"), "--var-file", str(folder / "variables")]
    words += ["--env-file", "/dev/null", "--input-file", "/dev/null", "--container-daemon-socket", "-"]
    words += ["--defaultbranch", order.default_branch, "--actor", order.actor]
    told = {"GITHUB_REPOSITORY": order.repository, "GITHUB_RUN_NUMBER": order.number, "GITHUB_RUN_ID": order.number}
    words += [word for name, value in told.items() for word in ("--env", f"{name}={value}")]
    words += [word for label in LABELS for word in ("--platform", f"{label}=-self-hosted")]
    return [*words, *(word for action in actions for word in ("--local-repository", action))]


def dotenv(table: Mapping[str, str]) -> str:
    """A file of secrets or variables as act reads it, in double quotes, where nothing is expanded."""
    marks = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}
    rows = (f'{name}="{"".join(marks.get(sign, sign) for sign in text)}"\n' for name, text in table.items())
    return "".join(rows)


def gitlab(order: Order, given: Mapping[str, str], predefined: Mapping[str, str]) -> list[str]:
    """gitlab-ci-local with the shell executor, each job in a folder of its own beside the clone."""
    words = [NODE, GITLAB, "--force-shell-executor", "--shell-isolation", "--no-json-schema-validation"]
    words += ["--state-dir", "../state", "--no-color", "--no-artifacts-to-source", "--concurrency", "4"]
    words += ["--variables-file", "../none", "--inputs-file", "../none", "--ignores-file", "../none"]
    # A dollar sign begins a variable there; two of them are one.
    pairs = (f"{name}={text.replace('$', '$$')}" for name, text in {**predefined, **given}.items())
    words += [word for pair in pairs for word in ("--variable", pair)]
    words += ["--ignore-predefined-vars", ",".join(predefined)]
    words += ["--unset-variable", "CI_COMMIT_BRANCH"] if order.tag else []
    return [*words, "--no-evaluate-rule-changes"] if order.tag or order.is_new else words
