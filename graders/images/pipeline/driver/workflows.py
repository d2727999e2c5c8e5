"""Workflow files before act reads them.

act takes `bash -e` for a `run` without a shell, as documented, but only in the first job of a matrix; for the others it
remembers `bash`, which means `pipefail` as well. A default that says what is meant makes all of them alike. Only lines
are looked at: where a file is written in a way that is not known here, it is left as it is.
"""

from __future__ import annotations

import re

SHELL = '"bash -e {0}"'
"""What a platform runs without a word: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
under `jobs.<job_id>.steps[*].shell`."""

_JOBS = re.compile(r"^(?:jobs|'jobs'|\"jobs\")[ \t]*:", re.MULTILINE)
_DEFAULTS = re.compile(
    r"^defaults[ \t]*:(?P<rest>[^\n]*)\n?(?P<block>(?:[ \t]+[^\n]*\n|[ \t]*(?:#[^\n]*)?\n)*)", re.MULTILINE
)
_RUN = re.compile(r"^(?P<indent>[ \t]+)run[ \t]*:[ \t]*(?:#[^\n]*)?\n(?P<inner>[ \t]+)", re.MULTILINE)
_ENDS = re.compile(r"^(?:\.\.\.|---)[ \t]*$", re.MULTILINE)


def with_shell(text: str) -> str:
    """A workflow whose default shell is written down."""
    if not _JOBS.search(text):
        return text
    found = _DEFAULTS.search(text)
    if found is None:
        tail = f"defaults: {{run: {{shell: {SHELL}}}}}\n"
        later = [end.start() for end in _ENDS.finditer(text) if text[: end.start()].strip()]
        return text if later else f"{text.rstrip()}\n{tail}"
    if "shell" in found[0]:
        return text
    start, end = found.span()
    return text[:start] + _said(found[0]) + text[end:]


def _said(defaults: str) -> str:
    """The `defaults` of a workflow, which say nothing of a shell, with one."""
    flow = re.sub(r"(run[ \t]*:[ \t]*\{)", lambda match: f"{match[1]}shell: {SHELL}, ", defaults, count=1)
    if flow != defaults:
        return flow
    return _RUN.sub(lambda match: f"{match[0]}shell: {SHELL}\n{match['inner']}", defaults, count=1)
