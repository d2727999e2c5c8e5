"""A Dockerfile against the lab's rules, and its text as the lab's builder gets it."""

from __future__ import annotations

import fnmatch
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mde_grader.errors import ImageMissingError
from mde_grader.runtimes.policy.folder import Folder
from mde_grader.runtimes.policy.instructions import Instruction, bare, parse, words
from mde_grader.runtimes.policy.references import lookup, pinned
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.runs import DEFAULT_SHELL, run_line
from mde_grader.runtimes.policy.stages import PLATFORM, Stage, find, named, needed, split, wanted_stage

MAX_BUILT = 60
"""Instructions of the stages that are built; 140 of them end in "max depth" after 43 s, so the cap is well below."""

MAX_LINE = 60_000
"""Bytes of one instruction: the engine's own reader ends at 64 KiB a line."""

MAX_SOURCES = 100
"""Sources of one ADD: each is looked for in the context."""

SCRATCH = "scratch"
_ALLOWED_FLAGS = {
    "COPY": {"from", "chown", "link"},
    "ADD": {"chown", "link"},
    "HEALTHCHECK": {"interval", "timeout", "start-period", "retries", "start-interval"},
}
_DROPPED_FLAGS = {"link", "start-interval"}
_FLAG_HINTS = {
    "chmod": "set the mode in the submission's files, or write a RUN chmod after it",
    "parents": "COPY each folder to its place",
    "exclude": "name the files in .dockerignore instead",
    "checksum": "put the file into the submission and COPY it",
    "keep-git-dir": "put the files into the submission and COPY them",
}
_ARCHIVE_STARTS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_ADDRESS = re.compile(r"://|^git@")
_OUR_LABEL = "mde-grade"


@dataclass(frozen=True, slots=True)
class Asked:
    """A build as the submission asks for it.

    Attributes:
        text: The Dockerfile as handed in.
        file: Its name, for errors.
        context: Folder that is sent to the engine.
        arguments: Build arguments.
        target: Stage to build, None for the last.
        where: Which line asks for the stage.
        first_line: Where the text begins in `file`.
    """

    text: str
    file: str
    context: str = "."
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    where: str = ""
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An accepted Dockerfile.

    Attributes:
        text: For the builder.
        bases: Public names of its bases, each once.
        base: Public name under the stage that is built.
        written: What each FROM that is built, and each COPY --from of another image, names, as it was written.
        target: Name of the stage that is built; it is the text's last.
    """

    text: str
    bases: tuple[str, ...]
    base: str
    written: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a Dockerfile is held against.

    Attributes:
        accepted: Public names that FROM may use.
        bases: Public name to our tag on this engine.
        label: Value of our label after each FROM.
        note: Told what is accepted and left out.
    """

    accepted: tuple[str, ...]
    bases: Mapping[str, str]
    label: str
    note: Callable[[str], None]


@dataclass(slots=True)
class _Writer:
    """Writes the stages that are built, one line an instruction."""

    rules: Rules
    stages: list[Stage]
    folder: Folder
    context: str
    escape: str
    lines: list[str] = field(default_factory=list)
    below: dict[str, str] = field(default_factory=dict)
    shells: dict[str, tuple[str, ...]] = field(default_factory=dict)
    copied: list[str] = field(default_factory=list)


def rewrite(asked: Asked, folder: Folder, rules: Rules) -> Rewritten:
    """Check a Dockerfile and write it for the lab's builder.

    Stages that the wanted one does not need are left out, as BuildKit leaves them out.

    Raises:
        SubmissionRefusedError: A rule is broken.
        ImageMissingError: A base that the lab accepts is not on this engine.
    """
    instructions, escape = parse(asked.text, asked.file, asked.first_line)
    before, stages = split(instructions, asked.arguments, asked.file)
    last = wanted_stage(stages, asked.target, asked.where or asked.file)
    built = needed(stages, last)
    if sum(1 + len(stage.body) for stage in built) > MAX_BUILT:
        message = f"more than {MAX_BUILT} instructions are built"
        raise refuse(
            "dockerfile.too-many", message, where=asked.file, hint="join RUN and COPY instructions that belong together"
        )
    writer = _Writer(rules, stages, folder, asked.context, escape)
    writer.lines += [f"# escape={escape}"] if escape != "\\" else []
    for argument in before:
        _emit(writer, argument.rest, argument)
    for stage in built:
        _write_stage(writer, stage)
    bases = tuple(dict.fromkeys(base for base in writer.below.values() if base))
    written = tuple(stage.written for stage in built if named(stage.written, stages[: stage.index]) is None)
    written = tuple(dict.fromkeys((*written, *writer.copied)))
    return Rewritten("\n".join(writer.lines) + "\n", bases, writer.below[last.name], written, last.name)


def _write_stage(writer: _Writer, stage: Stage) -> None:
    below = named(stage.written, writer.stages[: stage.index])
    if below is not None:
        source, base = below.name, writer.below[below.name]
        writer.shells[stage.name] = writer.shells[below.name]
    else:
        base = _base(stage.written, writer.rules, stage.where, "dockerfile.base")
        source = _tag(base, writer.rules)
        writer.shells[stage.name] = DEFAULT_SHELL
    writer.below[stage.name] = base
    writer.lines.append(f"FROM {source} AS {stage.name}")
    writer.lines.append(f'LABEL mde-grade.cache="{writer.rules.label}"')
    for instruction in stage.body:
        _write(writer, stage, instruction)


def _base(written: str, rules: Rules, where: str, rule: str) -> str:
    base = lookup(written, rules.accepted)
    if base is None:
        unpinned = "" if "@" not in written else " (behind a digest, write the tag too: name:tag@sha256:...)"
        raise refuse(
            rule,
            f"{shown(written, 120)} is not one of the images that this lab accepts",
            where=where,
            hint=f"accepted are {', '.join(pinned(rules.accepted))}{unpinned}",
        )
    return base


def _tag(base: str, rules: Rules) -> str:
    if base == SCRATCH:
        return SCRATCH
    if base not in rules.bases:
        raise ImageMissingError(f"the base image {base} is not on this engine")
    return rules.bases[base]


def _write(writer: _Writer, stage: Stage, line: Instruction) -> None:
    if line.keyword == "RUN":
        _line(writer, run_line(line, writer.shells[stage.name], writer.rules.note), line)
        return
    flags = _checked_flags(writer, stage, line)
    if line.heredocs:
        raise refuse(
            "dockerfile.heredoc",
            f"{line.keyword} with a here-document is not accepted",
            where=line.where,
            hint="put the text into a file of the submission and COPY it",
        )
    if line.keyword == "SHELL":
        writer.shells[stage.name] = tuple(line.exec_form() or ())
    elif line.keyword == "LABEL":
        _check_labels(line, writer.escape)
    elif line.keyword == "ADD":
        _check_add(writer, line)
    _emit(writer, f"{flags} {_with_platform(line)}".strip(), line)


def _emit(writer: _Writer, rest: str, line: Instruction) -> None:
    # An ADD that is accepted neither fetches nor unpacks, and that is what COPY is.
    keyword = "COPY" if line.keyword == "ADD" else line.keyword
    _line(writer, f"{keyword} {rest}", line)


def _line(writer: _Writer, text: str, line: Instruction) -> None:
    if len(text.encode()) > MAX_LINE:
        message = f"{line.keyword} has more than {MAX_LINE} bytes"
        raise refuse(
            "dockerfile.too-long", message, where=line.where, hint="put scripts and data into files and COPY them"
        )
    if text.rstrip().endswith((writer.escape, "\\")) or "\n" in text or "\r" in text:
        message = f"{line.keyword} ends in an escape character or has a carriage return inside"
        raise refuse("dockerfile.syntax", message, where=line.where, hint="mend the end of the line")
    writer.lines.append(text)


def _checked_flags(writer: _Writer, stage: Stage, line: Instruction) -> str:
    kept: list[str] = []
    for name, value in line.flags:
        if name not in _ALLOWED_FLAGS.get(line.keyword, set()):
            raise refuse(
                "dockerfile.flag",
                f"{line.keyword} --{shown(name, 30)} is not known to the lab's builder",
                where=line.where,
                hint=_FLAG_HINTS.get(name, "remove it"),
            )
        if name in _DROPPED_FLAGS:
            writer.rules.note(f"{line.where}: {line.keyword} --{name} is left out; it changes nothing in the image")
        else:
            kept.append(f"--{name}={_copy_source(writer, stage, line, value) if name == 'from' else value}")
    return " ".join(kept)


def _copy_source(writer: _Writer, stage: Stage, line: Instruction, value: str) -> str:
    """The stage or image that COPY --from names: an earlier stage, or one of the lab's bases."""
    earlier = find(value, writer.stages[: stage.index])
    if earlier is not None:
        return earlier.name
    if find(value, writer.stages) is not None:
        message = f"COPY --from={shown(value)} names a stage that is not an earlier one"
        raise refuse("dockerfile.copy-from", message, where=line.where, hint="move that stage up")
    if value.isdigit() or lookup(value, writer.rules.accepted) in {None, SCRATCH}:
        raise refuse(
            "dockerfile.copy-from",
            f"COPY --from={shown(value)} is neither an earlier stage nor one of the lab's bases",
            where=line.where,
            hint="name a stage of this file (FROM ... AS name)",
        )
    writer.copied.append(value)
    return _tag(_base(value, writer.rules, line.where, "dockerfile.copy-from"), writer.rules)


def _check_labels(line: Instruction, escape: str) -> None:
    for word in words(line.rest, escape):
        key = bare(word.partition("=")[0], escape)
        if key.lower().startswith(_OUR_LABEL) or ("$" in key and "=" in word):
            message = f"the label {shown(key)} is not accepted"
            raise refuse(
                "dockerfile.label", message, where=line.where, hint="write label names out, with a prefix of your own"
            )
        if "=" not in word:  # the old form `LABEL key value`: one key, the rest is its value
            if "$" in key:
                raise refuse("dockerfile.label", "a label's name is a variable", where=line.where, hint="write it out")
            return


def _check_add(writer: _Writer, line: Instruction) -> None:
    sources = (line.exec_form() or [bare(word, writer.escape) for word in words(line.rest, writer.escape)])[:-1]
    if len(sources) > MAX_SOURCES:
        message = f"ADD names more than {MAX_SOURCES} sources"
        raise refuse("dockerfile.too-long", message, where=line.where, hint="COPY a folder")
    for source in sources:
        if _ADDRESS.search(source):
            message = f"ADD {shown(source)} would be fetched from another machine"
            raise refuse(
                "dockerfile.add-url", message, where=line.where, hint="put the file into the submission and COPY it"
            )
        for path in _matching(writer, source):
            if _is_archive(path):
                raise refuse(
                    "dockerfile.add-archive",
                    f"ADD would unpack {shown(source)} outside the limits of the build",
                    where=line.where,
                    hint="COPY the archive and unpack it with RUN tar",
                )


def _matching(writer: _Writer, source: str) -> list[Path]:
    """Files of the context that an ADD source can mean; a `*` may match too much here, never too little."""
    top = writer.folder.path(writer.context)
    if top is None:
        return []
    wanted = source.strip("/").removeprefix("./")
    if not any(sign in wanted for sign in "*?[$"):
        place = writer.folder.path(f"{writer.context}/{wanted}")
        return [place] if place is not None and place.is_file() else []
    pattern = re.sub(r"\$(\{[^}]*\}|\w+)", "*", wanted)
    if len(re.findall(r"\*+", pattern)) > 4:  # noqa: PLR2004 - more would take long to match
        return [path for path in top.rglob("*") if path.is_file()]
    match = re.compile(fnmatch.translate(pattern)).match
    return [path for path in top.rglob("*") if match(str(path.relative_to(top))) and path.is_file()]


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(tarfile.BLOCKSIZE)
    if start.startswith(_ARCHIVE_STARTS):
        return True
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _with_platform(line: Instruction) -> str:
    """An instruction's rest; an ARG for what BuildKit gives by itself is given its value."""
    if line.keyword != "ARG":
        return line.rest
    return " ".join(f"{word}={PLATFORM[word]}" if word in PLATFORM else word for word in words(line.rest))
