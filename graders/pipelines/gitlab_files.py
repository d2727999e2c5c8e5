"""`.gitlab-ci.yml` as data: the files that it includes, jobs with what they extend, references followed.

A value that comes from elsewhere is said to stand where the job does that took it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graders.pipelines.globs import fits
from graders.pipelines.places import Place, read_place
from graders.pipelines.refusals import refuse, shown

FILE = ".gitlab-ci.yml"
MOST_FILES = 30
MOST_JOBS = 200
MOST_VALUES = 100_000
"""Values of all jobs together, with what they inherit and refer to."""

_DEEPEST = 10
_RESERVED = frozenset(
    ("default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script")
) | {"after_script", "spec", "types"}
_DEFAULTS = (
    *("image", "services", "before_script", "after_script", "cache", "artifacts", "retry", "timeout", "interruptible"),
    *("tags", "hooks", "id_tokens"),
)
_STAGES = (".pre", "build", "test", "deploy", ".post")
_MARK = "mde-reference"
_REFERENCE = re.compile(rb"!reference[ \t]*\[")


@dataclass(frozen=True)
class Configuration:
    """All files together.

    Attributes:
        root: The merged file.
        jobs: The jobs, in their order, with what they extend and inherit.
        stages: Names of the stages, in their order.
    """

    root: Place
    jobs: Mapping[str, Place]
    stages: tuple[str, ...]


def read_configuration(files: Mapping[str, bytes]) -> Configuration:
    """Read `.gitlab-ci.yml` and what it includes.

    Raises:
        RefusedError: It is not there, cannot be read, or includes what cannot be fetched.
    """
    if FILE not in files:
        raise refuse("pipeline.missing", "the file is not there", where=FILE, hint="write it at the repository's root")
    root = _Reader(files).read(FILE, 0)
    names = [name for name, _ in root.items() if name not in _RESERVED]
    if len(names) > MOST_JOBS:
        root.refuse("pipeline.invalid", f"has more than {MOST_JOBS} jobs", "take jobs out")
    follower = _Follower(root)
    stages = root.child("stages").texts() if root.child("stages").data is not None else _STAGES[1:-1]
    jobs = {name: follower.job(name) for name in names if not name.startswith(".")}
    root = root.with_data({**root.data, "workflow": follower.followed(root.child("workflow").data, 0)})
    return Configuration(root, jobs, (".pre", *(one for one in stages if one not in _STAGES[::4]), ".post"))


def merged(base: Any, over: Any) -> Any:  # noqa: ANN401 - JSON values
    """Two values as GitLab lays one over the other: mappings key by key, everything else whole.

    >>> merged({"a": {"b": 1}, "l": [1]}, {"a": {"c": 2}, "l": [2]})
    {'a': {'b': 1, 'c': 2}, 'l': [2]}
    """
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: merged(base[key], value) if key in base else value for key, value in over.items()}}


@dataclass
class _Reader:
    """Reads files, each with what it includes beneath it."""

    files: Mapping[str, bytes]
    count: int = 0

    def read(self, path: str, depth: int) -> Place:
        self.count += 1
        place = read_place(_REFERENCE.sub(f"[{_MARK}, ".encode(), self.files[path]), path)
        if not isinstance(place.data, Mapping):
            place.wrong("a mapping of jobs")
        if depth > _DEEPEST or self.count > MOST_FILES:
            place.refuse(
                "pipeline.include", f"is one of more than {MOST_FILES} files, or includes itself", "include fewer"
            )
        data: Any = {}
        for included in self._included(place):
            data = merged(data, self.read(included, depth + 1).data)
        return place.with_data(merged(data, place.data))

    def _included(self, place: Place) -> Iterator[str]:
        for entry in (
            place.child("include").elements()
            if not isinstance(place.child("include").data, Mapping)
            else [place.child("include")]
        ):
            yield from self._paths(entry)

    def _paths(self, entry: Place) -> list[str]:
        hint = "copy it into the repository, and write `local: PATH`"
        data = entry.data
        if isinstance(data, Mapping):
            others = [key for key in data if key not in {"local", "rules", "inputs"}]
            if others:
                entry.refuse(
                    "pipeline.include", f"includes by `{shown(others[0])}`, and nothing can be fetched in here", hint
                )
            if "rules" in data or "inputs" in data:
                entry.refuse(
                    "pipeline.include",
                    "includes with `rules` or `inputs`, which is not read here",
                    "put rules into the jobs",
                )
            data = data.get("local")
        if not isinstance(data, str):
            entry.wrong("the path of a file")
        if "://" in data:
            entry.refuse("pipeline.include", "includes an address, and nothing can be fetched in here", hint)
        wanted = data.removeprefix("/").removeprefix("./")
        found = sorted(path for path in self.files if path == wanted or ("*" in wanted and fits(wanted, path)))
        if not found:
            entry.refuse(
                "pipeline.invalid",
                f"includes `{shown(data)}`, which is not there",
                "write a path from the repository's root",
            )
        return found


@dataclass
class _Follower:
    """Makes jobs whole: with what they inherit and extend, and what references stand for."""

    root: Place
    values: int = field(default=0)
    _extended: dict[str, Any] = field(default_factory=dict)

    def job(self, name: str) -> Place:
        """A job with what it inherits from `default`, and all that it extends."""
        place = self.root.child(name)
        if not isinstance(place.data, Mapping):
            place.wrong("a mapping: every key at the top that GitLab does not know is a job")
        inherited = {key: self.root.data[key] for key in _DEFAULTS if key in self.root.data}
        inherited |= {key: value.data for key, value in self.root.child("default").items()}
        wanted = place.child("inherit").child("default").data
        if wanted is False:
            inherited = {}
        elif isinstance(wanted, list):
            inherited = {key: value for key, value in inherited.items() if key in wanted}
        return place.with_data(self.followed({**inherited, **self.extended(name, ())}, 0))

    def extended(self, name: str, chain: tuple[str, ...]) -> Any:  # noqa: ANN401
        """The data of a job or template over that of all that it extends."""
        place = self.root.child(name)
        if name in chain or len(chain) > _DEEPEST:
            place.refuse("pipeline.invalid", "extends itself, or more than ten levels", "take one `extends` out")
        if name not in self._extended:
            data: Any = {}
            for parent in place.child("extends").texts():
                if not isinstance(self.root.child(parent).data, Mapping):
                    hint = "name a job or a `.template`"
                    place.child("extends").refuse("pipeline.invalid", f"names `{shown(parent)}`, which is no job", hint)
                data = merged(data, self.extended(parent, (*chain, name)))
            self._extended[name] = merged(data, place.data)
        return self._extended[name]

    def followed(self, data: Any, depth: int) -> Any:  # noqa: ANN401
        self.values += 1
        if self.values > MOST_VALUES or depth > 4 * _DEEPEST:
            self.root.refuse(
                "pipeline.yaml", "has too many references, or one that leads to itself", "write values out"
            )
        if isinstance(data, Mapping):
            return {key: self.followed(value, depth + 1) for key, value in data.items()}
        if not isinstance(data, list):
            return data
        if data[:1] == [_MARK]:
            return self.followed(self._target(data[1:]), depth + 1)
        found: list[Any] = []
        for one in data:
            value = self.followed(one, depth + 1)
            found += value if isinstance(one, list) and one[:1] == [_MARK] and isinstance(value, list) else [value]
        return found

    def _target(self, keys: list[Any]) -> Any:  # noqa: ANN401
        data = self.root.data
        for key in keys:
            if not isinstance(data, Mapping) or str(key) not in data:
                told = ", ".join(str(one) for one in keys)
                self.root.refuse(
                    "pipeline.invalid", f"refers to [{shown(told)}], which is not there", "name a key of a job"
                )
            data = data[str(key)]
        return data
