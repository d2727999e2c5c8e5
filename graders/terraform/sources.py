"""Which files of a submission a configuration is made of; the rest stays out of the workspace."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

FILE_LIMIT = 1 << 20
"""Bytes of one file: a configuration is text that people wrote."""

TOTAL_LIMIT = 8 << 20
"""Bytes of all files."""

_TOOL_FOLDERS = frozenset({"terraform.d", "terraform.tfstate.d"})
"""Where Terraform looks for plug-ins, and keeps states of its workspaces."""

_TOOL_FILES = frozenset({"terraform.rc", "crash.log", "solution.yaml"})
_OVERRIDES = ("override.tf", "override.tf.json", "override.tofu", "override.tofu.json")


def left_out(path: str) -> str:
    """Why a file is not taken into the workspace; empty when it is.

    Args:
        path: Relative to the submission, with slashes.

    >>> left_out("modules/network/main.tf")
    ''
    >>> left_out(".terraform/providers/aws")
    'hidden files and folders are not part of a configuration'
    """
    pure = PurePosixPath(path)
    if any(part.startswith(".") for part in pure.parts):
        return "hidden files and folders are not part of a configuration"
    if _TOOL_FOLDERS & set(pure.parts) or pure.name in _TOOL_FILES:
        return "Terraform's own folders and settings are not part of a configuration"
    if ".tfstate" in pure.name or pure.suffix == ".tfplan":
        return "states and plans are made anew"
    if pure.name.endswith((".tfvars", ".tfvars.json")):
        return "values of variables come from the grader"
    if pure.name in {*_OVERRIDES} or pure.name.endswith(tuple(f"_{name}" for name in _OVERRIDES)):
        return "override files change what is written elsewhere"
    return ""


def configuration(root: Path) -> dict[str, bytes]:
    """The files of a submission that its configuration is made of, path to content; links are not followed.

    Files beyond the limits are left out, the later ones by name first, so that no submission fills the workspace.
    """
    found: dict[str, bytes] = {}
    total = 0
    for file in sorted(root.rglob("*")):
        name = file.relative_to(root).as_posix()
        if file.is_symlink() or not file.is_file() or left_out(name):
            continue
        size = file.stat().st_size
        if size <= FILE_LIMIT and total + size <= TOTAL_LIMIT:
            found[name] = file.read_bytes()
            total += size
    return found
