"""The stages of a Dockerfile: what each stands on, and which of them the wanted one needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mde_grader.runtimes.policy.instructions import Instruction, bare, words
from mde_grader.runtimes.policy.interpolate import VariableError, substitute
from mde_grader.runtimes.policy.rules import refuse, shown

PLATFORM = {
    "BUILDARCH": "amd64",
    "BUILDOS": "linux",
    "BUILDPLATFORM": "linux/amd64",
    "BUILDVARIANT": "",
    "TARGETARCH": "amd64",
    "TARGETOS": "linux",
    "TARGETPLATFORM": "linux/amd64",
    "TARGETVARIANT": "",
}
"""What BuildKit gives to every build by itself, and the lab's builder does not."""

_NAME = re.compile(r"[a-z][a-z0-9._-]*")


@dataclass(slots=True)
class Stage:
    """One FROM and what follows it.

    Attributes:
        index: Its number, from 0.
        name: `AS` name in lower case, or one of ours.
        written: What FROM names, variables replaced.
        where: `file:line` of its FROM.
        body: Its instructions.
    """

    index: int
    name: str
    written: str
    where: str
    body: list[Instruction] = field(default_factory=list)


def split(
    instructions: Iterable[Instruction], arguments: Mapping[str, str], file: str
) -> tuple[list[Instruction], list[Stage]]:
    """The ARGs before the first FROM, and the stages.

    Raises:
        SubmissionRefusedError: Another instruction stands before FROM, or a FROM is not written correctly.
    """
    before: list[Instruction] = []
    stages: list[Stage] = []
    given: dict[str, str] = dict(PLATFORM)
    for instruction in instructions:
        if instruction.keyword == "FROM":
            stages.append(_stage(instruction, len(stages), given))
        elif stages:
            stages[-1].body.append(instruction)
        elif instruction.keyword == "ARG":
            before.append(instruction)
            given.update(_defaults(instruction, arguments, given))
        else:
            message = f"{instruction.keyword} stands before the first FROM"
            raise refuse("dockerfile.syntax", message, where=instruction.where, hint="begin with FROM")
    if not stages:
        raise refuse(
            "dockerfile.syntax", "there is no FROM", where=file, hint="begin with FROM and one of the lab's bases"
        )
    names = [stage.name for stage in stages]
    twice = next((stage for stage in stages if stage.name in names[: stage.index]), None)
    if twice is not None:
        raise refuse("dockerfile.syntax", f"two stages are called {twice.name}", where=twice.where, hint="rename one")
    return before, stages


def find(name: str, stages: list[Stage]) -> Stage | None:
    """The stage of that name or number among `stages`."""
    wanted = name.lower()
    for stage in stages:
        if stage.name == wanted or str(stage.index) == wanted:
            return stage
    return None


def wanted_stage(stages: list[Stage], target: str | None, where: str) -> Stage:
    """The stage that is to be built.

    Raises:
        SubmissionRefusedError: There is none of that name.
    """
    if target is None:
        return stages[-1]
    stage = find(target, stages)
    if stage is None:
        names = ", ".join(stage.name for stage in stages)
        message = f"the Dockerfile has no stage {shown(target)}"
        raise refuse("dockerfile.target", message, where=where, hint=f"its stages are {shown(names, 200)}")
    return stage


def needed(stages: list[Stage], target: Stage) -> list[Stage]:
    """`target` and every earlier stage that it stands on or copies from, in the file's order."""
    seen: set[int] = set()
    open_stages = [target]
    while open_stages:
        stage = open_stages.pop()
        if stage.index in seen:
            continue
        seen.add(stage.index)
        sources = [value for line in stage.body for name, value in line.flags if name == "from"]
        earlier = stages[: stage.index]
        below = [named(stage.written, earlier), *(find(source, earlier) for source in sources)]
        open_stages += [other for other in below if other is not None]
    return [stage for stage in stages if stage.index in seen]


def named(name: str, stages: list[Stage]) -> Stage | None:
    """The stage of that name; a FROM never goes by number."""
    return next((stage for stage in stages if stage.name == name.lower()), None)


def _stage(line: Instruction, index: int, given: Mapping[str, str]) -> Stage:
    parts = words(line.rest)
    if len(parts) not in {1, 3} or (len(parts) > 1 and parts[1].upper() != "AS"):
        raise refuse(
            "dockerfile.syntax", "FROM is `FROM image` or `FROM image AS name`", where=line.where, hint="mend it"
        )
    name = parts[2].lower() if len(parts) > 1 else f"mde-stage-{index}"
    if not _NAME.fullmatch(name) or name == "scratch":
        raise refuse("dockerfile.syntax", f"{shown(name)} is no name for a stage", where=line.where, hint="use letters")
    _check_platform(line, given)
    return Stage(index, name, _expanded(bare(parts[0], ""), given, line.where), line.where)


def _check_platform(line: Instruction, given: Mapping[str, str]) -> None:
    for name, value in line.flags:
        if name != "platform":
            raise refuse(
                "dockerfile.flag", f"FROM --{shown(name, 30)} is not known", where=line.where, hint="remove it"
            )
        if _expanded(value, given, line.where) not in {"linux/amd64", "linux/x86_64", "linux"}:
            message = f"the platform {shown(value)} is not built here"
            raise refuse("dockerfile.platform", message, where=line.where, hint="remove --platform")


def _expanded(text: str, given: Mapping[str, str], where: str) -> str:
    unset: list[str] = []
    try:
        result = substitute(text, given, unset.append)
    except VariableError as error:
        raise refuse("dockerfile.base-variable", str(error), where=where, hint="write the image's name out") from None
    if unset:
        raise refuse(
            "dockerfile.base-variable",
            f"{shown(unset[0])} has no value in this FROM",
            where=where,
            hint=f"give it a default before the first FROM: ARG {shown(unset[0])}=...",
        )
    return result


def _defaults(line: Instruction, arguments: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Values of one ARG line; a build argument wins over the default. One that has neither stays unset."""
    found: dict[str, str] = {}
    for word in words(line.rest):
        name, sign, default = bare(word, "").partition("=")
        if name in arguments:
            found[name] = arguments[name]
        elif sign:
            found[name] = _expanded(default, {**given, **found}, line.where)
    return found
