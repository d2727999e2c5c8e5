"""What a service finds around it: its variables, and the files of its secrets and configs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mde_grader.runtimes.policy.dotenv import MAX_BYTES, read_env
from mde_grader.runtimes.policy.folder import Folder, inside
from mde_grader.runtimes.policy.keys import check_known
from mde_grader.runtimes.policy.mounts import target_path
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.values import Notes, Value

MAX_VARIABLES = 64 * 1024
"""Bytes of one service's variables together; the kernel's own cap on one is 128 KiB."""

MAX_FILE = 256 * 1024
MAX_FILES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,199}")
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_SOURCE_KEYS = {"file", "environment", "content", "external", "name", "labels", "template_driver", "driver"}


@dataclass(frozen=True, slots=True)
class Given:
    """What the submission and the lab give to every service.

    Attributes:
        folder: The submission.
        values: The lab's values over the submission's `.env`.
        notes: Told of what has no effect.
    """

    folder: Folder
    values: Mapping[str, str]
    notes: Notes


def read_environment(env_file: Value, environment: Value, given: Given) -> dict[str, str]:
    """A service's variables: those of its files, and over them those that stand in the Compose file.

    Raises:
        SubmissionRefusedError: A file is missing or wrong, a name is not valid, or all are too large.
    """
    found: dict[str, str] = {}
    for element in env_file.elements():
        found.update(_env_file(element, given))
    for name, value in environment.pairs().items():
        if not _NAME.fullmatch(name):
            message = f"{shown(name)} is no name for a variable"
            raise refuse("compose.environment", message, where=value.where, hint="use letters, digits and _")
        if value.data is not None:
            found[name] = value.text()
        elif name in given.values:
            found[name] = given.values[name]
        else:
            given.notes.add(f"{value.where}: the variable {shown(name)} is not set here and is left out")
    if sum(len(name.encode()) + len(value.encode()) for name, value in found.items()) > MAX_VARIABLES:
        message = f"the variables have more than {MAX_VARIABLES // 1024} KiB"
        raise refuse("compose.environment", message, where=environment.where, hint="hand large texts over in a file")
    return found


def read_sources(section: Value, kind: str, given: Given) -> dict[str, bytes]:
    """Contents of the top-level `secrets` or `configs`, by name.

    Raises:
        SubmissionRefusedError: A source is external, missing or too large.
    """
    return {name: _content(name, source, kind, given) for name, source in section.items()}


def read_files(entries: Value, kind: str, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of one service's `secrets` or `configs`, by their path inside it.

    Raises:
        SubmissionRefusedError: One is not declared, or its target is not accepted.
    """
    found: dict[str, bytes] = {}
    for entry in entries.elements():
        fields = dict(entry.items()) if isinstance(entry.data, dict) else {"source": entry}
        check_known(entry, {"source", "target", "uid", "gid", "mode"}, f"this {kind}") if len(fields) > 1 else None
        source = fields["source"].text() if "source" in fields else ""
        if source not in sources:
            message = f"the {kind} {shown(source)} is not declared"
            hint = f"add it under the top-level `{kind}s:`"
            raise refuse("compose.secret", message, where=entry.where, hint=hint)
        base = "/run/secrets" if kind == "secret" else "/"
        target = fields["target"].text() if "target" in fields and fields["target"].data is not None else source
        found[target_path(posixpath.join(base, target), entry)] = sources[source]
    if sum(map(len, found.values())) > MAX_FILES:
        message = f"{kind}s of more than {MAX_FILES >> 20} MiB in all"
        raise refuse("compose.files-size", message, where=entries.where, hint="COPY large files into the image")
    return found


def _env_file(element: Value, given: Given) -> dict[str, str]:
    fields = dict(element.items()) if isinstance(element.data, dict) else {"path": element}
    if isinstance(element.data, dict):
        check_known(element, {"path", "required", "format"}, "this env_file")
    if "path" not in fields:
        element.wrong("a path, or a mapping with one")
    name = inside(".", fields["path"].text(), where=element.where)
    optional = "required" in fields and not fields["required"].boolean()
    if optional and not given.folder.is_file(name):
        return {}
    raw = "format" in fields and fields["format"].data == "raw"
    return read_env(given.folder.text(name, where=element.where, limit=MAX_BYTES), name, given.values, raw=raw)


def _content(name: str, source: Value, kind: str, given: Given) -> bytes:
    if not _SOURCE_NAME.fullmatch(name):
        raise refuse("compose.secret", f"{shown(name)} is no name for a {kind}", where=source.where, hint="use letters")
    check_known(source, _SOURCE_KEYS, f"{kind} {shown(name)}")
    fields = {key: value for key, value in source.items() if value.data not in (None, False)}
    ways = [key for key in ("file", "environment", "content") if key in fields]
    if len(ways) != 1 or not fields.keys() <= {*ways, "name", "labels"}:
        raise refuse(
            "compose.secret",
            f"the {kind} {shown(name)} must come from `file:`, `environment:` or `content:`",
            where=source.where,
            hint="external ones and drivers are not there when the lab runs",
        )
    value = fields[ways[0]]
    if ways[0] == "file":
        path = inside(".", value.text(), where=value.where)
        return given.folder.read(path, where=value.where, limit=MAX_FILE)
    if ways[0] == "content":
        content = value.text().encode()
        if len(content) > MAX_FILE:
            raise refuse(
                "compose.files-size", f"the {kind} {shown(name)} is too large", where=value.where, hint="shorten it"
            )
        return content
    if value.text() not in given.values:
        message = f"the {kind} {shown(name)} comes from {shown(value.text())}, which is not set here"
        raise refuse("compose.secret", message, where=value.where, hint="use a variable that the lab sets")
    return given.values[value.text()].encode()
