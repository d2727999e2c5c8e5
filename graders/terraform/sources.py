"""Which files of a submission are put into a workspace, and the little that can only be seen in their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

_FOLDERS = {
    "terraform.d": "a folder of plug-ins",
    "terraform.tfstate.d": "states of workspaces",
    "tf-plugins": "a folder of plug-ins",
    "registry.terraform.io": "a folder of plug-ins",
    "registry.opentofu.org": "a folder of plug-ins",
}
_NAMES = (
    (re.compile(r".*\.tfstate(\..*)?"), "a state: what exists is decided by what is applied"),
    (re.compile(r"(.*_)?override\.(tf|tofu)(\.json)?"), "an override: it changes other files where nobody looks"),
    (re.compile(r"terraform\.rc|.*\.tfrc"), "settings of the command line"),
    (re.compile(r"terraform-provider-.*"), "a provider of its own"),
    (re.compile(r".*\.tfplan|crash(\..*)?\.log"), "made by a run"),
)
_IGNORES_ALL = re.compile(r"\bignore_changes\s*=\s*\[?\s*all\b")
_IGNORES_ALL_JSON = re.compile(r'"ignore_changes"\s*:\s*(\[\s*)?"all"')
_REMARK = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|//[^\n]*|/\*.*?\*/', re.DOTALL)


def why_left_out(path: str) -> str:
    """Why a file does not go into a workspace; empty for one that does.

    Templates, policies and scripts that the configuration reads do go. Names that begin with a dot do not: the lock
    file among them, since it may know the provider's checksums of other systems only.

    >>> why_left_out("modules/net/main.tf"), why_left_out("prod_override.tf.json")[:11]
    ('', 'an override')
    """
    parts = PurePosixPath(path).parts
    if any(part.startswith(".") for part in parts):
        return "its name, or its folder's, begins with a dot"
    folder = next((_FOLDERS[part] for part in parts[:-1] if part in _FOLDERS), "")
    return folder or next((why for pattern, why in _NAMES if pattern.fullmatch(parts[-1])), "")


def split(paths: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The paths that go into a workspace, and for each other one why it does not."""
    reasons = {path: why_left_out(path) for path in sorted(paths)}
    return [path for path, why in reasons.items() if not why], {path: why for path, why in reasons.items() if why}


def ignores_all(files: Mapping[str, str]) -> list[str]:
    """Files in which some resource ignores every change of its own; remarks and texts in quotes do not count.

    >>> ignores_all({"a.tf": "# ignore_changes = all", "b.tf": "lifecycle { ignore_changes = all }"})
    ['b.tf']
    """
    return [path for path, text in sorted(files.items()) if _ignores(path, text)]


def _ignores(path: str, text: str) -> bool:
    if path.endswith(".json"):
        return bool(_IGNORES_ALL_JSON.search(text))
    return path.endswith((".tf", ".tofu")) and bool(_IGNORES_ALL.search(_REMARK.sub(" ", text)))
