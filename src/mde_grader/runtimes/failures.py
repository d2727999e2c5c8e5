"""Whose fault a failure is. Pure; the engine's own messages, as they were seen, are the tests' data.

The rule behind the table: what a submission can bring about is the candidate's, everything else is ours. A message
that nobody knows is ours too, for a candidate must never lose points to something that nobody understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

KILLED = 137
"""Exit code after SIGKILL: the kernel's out-of-memory killer, the engine's own end, or us."""

FILE_TOO_LARGE = 153
"""Exit code after SIGXFSZ: a file passed the file size limit."""


class Stage(StrEnum):
    """What we were doing."""

    BUILD = "build"
    START = "start"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is known when something went wrong.

    Attributes:
        stage: What we were doing.
        service: Name of the service concerned.
        candidate: Whether that service is the candidate's.
        message: The engine's own words, if it refused.
        exit_code: The container's exit code, if it ended.
        oom: Whether the engine told of an out-of-memory kill.
        layer: Whether we killed it because it wrote more than it may.
        engine_alive: Whether the engine still answers.
        said: The last lines of the container's output.
        last: What the last look at readiness saw.
        seconds: How long was waited.
    """

    stage: Stage
    service: str = ""
    candidate: bool = True
    message: str = ""
    exit_code: int | None = None
    oom: bool = False
    layer: bool = False
    engine_alive: bool = True
    said: str = ""
    last: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Blame:
    """Who is at fault (`candidate` or `grader`), by which rule, in which words, and what to do."""

    owner: str
    rule: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    pattern: re.Pattern[str]
    owner: str
    rule: str
    message: str
    hint: str = ""


def _known(pattern: str, owner: str, rule: str, message: str, hint: str = "") -> _Known:
    return _Known(re.compile(pattern, re.IGNORECASE | re.DOTALL), owner, rule, message, hint)


_ENGINE = (
    _known(r"no space left on device", "grader", "engine.disk", "the grading machine's disk is full"),
    _known(r"cannot allocate memory|resource temporarily unavailable", "grader", "engine.exhausted",
           "the grading machine is out of memory or processes"),
    _known(r"pull access denied|lookup registry|manifest unknown|dial tcp|No such image",
           "grader", "engine.image-missing", "an image that the grader should have is not on the engine"),
    _known(r"cannot connect to the docker daemon|containerd.*(unavailable|not running)|context canceled|shim.*ttrpc: closed",
           "grader", "engine.gone", "the container engine went away"),
)  # fmt: skip

_BUILD = (
    _known(r"^dockerfile parse error line (?P<line>\d+): (?P<rest>[^\n]*)|^(Syntax error[^\n]*)", "candidate", "build.syntax",
           "the Dockerfile cannot be read: {rest}"),
    _known(r"cannot be empty|no build stage in current context|file with no instructions", "candidate", "build.syntax",
           "the Dockerfile has no instructions"),
    _known(r"failed to reach build target (?P<rest>\S+)", "candidate", "build.target",
           "there is no build stage named {rest}", "compare `target:` with the names after AS"),
    _known(r"(COPY|ADD) failed: (file not found in build context[^:]*: stat |)(?P<rest>[^:\n]*)", "candidate",
           "build.copy", "a file that the Dockerfile copies is not in the build context: {rest}",
           "check its path, which starts at the build context, and .dockerignore"),
    _known(r"invalid from flag value (?P<rest>[^:\s]+)", "candidate", "build.copy",
           "`--from={rest}` names no earlier build stage"),
    _known(r"unable to find user (?P<rest>[^:]+)", "candidate", "build.user",
           "the image has no user {rest}", "create the user before USER and RUN name it"),
    _known(r"exec: \"?(?P<rest>[^\":]+)\"?: (stat|executable file not found|permission denied)", "candidate",
           "build.shell", "a RUN step cannot start: {rest} is not in the image or may not be run",
           "a base without a shell can only be copied into"),
    _known(r"max depth exceeded", "candidate", "build.layers", "the image has too many layers", "join RUN and COPY steps"),
    _known(r"file too large", "candidate", "build.file-size", "a file of the build is larger than the limit"),
    _known(r"The command '(?P<rest>.*)' returned a non-zero code: 137", "candidate", "build.memory",
           "a build step was killed, most likely because it needed more memory than the build may use: {rest}"),
    _known(r"The command '(?P<rest>.*)' returned a non-zero code: 153", "candidate", "build.file-size",
           "a build step wrote a file larger than the limit: {rest}"),
    _known(r"The command '(?P<rest>.*)' returned a non-zero code: (?P<code>\d+)", "candidate", "build.failed",
           "a build step ended with exit code {code}: {rest}", "run `docker build .` and look at its last lines"),
    _known(r"cannot mkdir: (?P<rest>[^\n]*)", "candidate", "build.failed", "WORKDIR cannot be made: {rest}"),
    _known(r"(?P<rest>[^\n]+)", "candidate", "build.failed", "the Dockerfile does not build: {rest}",
           "run `docker build .` and look at its last lines"),
)  # fmt: skip

_START = (
    _known(r"(unable to find user|no matching entries in passwd file)( (?P<rest>[^:]+))?", "candidate", "start.user",
           "the image has no user {rest}", "create the user in the Dockerfile, or name it by number"),
    _known(r"unable to find group (?P<rest>[^:]+)", "candidate", "start.user", "the image has no group {rest}"),
    _known(r"exec: \"?(?P<rest>[^\":]+)\"?: (executable file not found|stat |no such file)", "candidate",
           "start.command", "its command {rest} is not in the image", "compare ENTRYPOINT, CMD and `command:` with the image"),
    _known(r"no command specified|No command", "candidate", "start.command", "neither the image nor compose.yaml says what to run",
           "add a CMD"),
    _known(r"exec: \"?(?P<rest>[^\":]+)\"?: (permission denied|is a directory)", "candidate", "start.command",
           "its command {rest} may not be executed", "check the file's x bit and its owner"),
    _known(r"exec format error", "candidate", "start.command", "its command is not a program for this machine",
           "a script needs `#!` in its first line; a binary the right architecture"),
    _known(r"exec (?P<rest>\S+): no such file or directory|(?P<other>no such file or directory: unknown)", "candidate",
           "start.command", "its command cannot be started: the program or its interpreter is not in the image"),
    _known(r"(chdir to cwd|mkdir |working dir)[^\n]*?(\"(?P<rest>[^\"]+)\"|not a directory|permission denied)", "candidate",
           "start.working-dir", "its working directory cannot be used"),
    _known(r"cannot mkdir: (?P<rest>[^\n]*)|(?P<other>not a directory)", "candidate", "start.working-dir",
           "a path that should be a folder is something else: {rest}"),
    _known(r"(error mounting|rootfs_linux|read-only file system|mount destination)[^\n]*", "candidate", "start.mount",
           "a volume or tmpfs cannot be mounted where compose.yaml wants it",
           "the folder must be in the image when the root is read-only"),
    _known(r"minimum memory limit|container init was OOM-killed", "candidate", "start.oom",
           "it needs more memory than its limit even to start"),
)  # fmt: skip

_CONFIGURATION = re.compile(
    r"superuser password is not specified|POSTGRES_PASSWORD|MYSQL_ROOT_PASSWORD|password option is not specified",
    re.IGNORECASE,
)
"""What grader-owned images say when the candidate's compose.yaml did not give them what they must be given."""

_HINT_EXIT = "look at its output below; `docker compose up` shows the same"


def blame(trouble: Trouble) -> Blame:
    """Decide whose fault it is."""
    if not trouble.engine_alive:
        return Blame("grader", "engine.gone", "the container engine went away while the attempt ran")
    if trouble.message:
        return _from_message(trouble)
    found = _from_end(trouble)
    if trouble.candidate or found.owner == "grader" or _CONFIGURATION.search(trouble.said):
        return found
    return Blame("grader", f"lab.{found.rule}", f"the lab's own {found.message}")


_QUOTING = re.compile(
    r"The command '|dockerfile parse error|invalid from flag|failed to reach build target|unable to find (user|group)"
    r"|cannot mkdir|(COPY|ADD) failed: file not found",
    re.IGNORECASE,
)
"""Messages that repeat the candidate's own words, unquoted, so that nothing in them may pass for ours."""


def _from_message(trouble: Trouble) -> Blame:
    bare = re.sub(r'"[^"]*"', '""', trouble.message)
    if not _QUOTING.match(trouble.message):
        for known in _ENGINE:
            if known.pattern.search(bare):
                return Blame("grader", known.rule, known.message)
    for known in _BUILD if trouble.stage is Stage.BUILD else _START:
        match = known.pattern.search(trouble.message)
        if match:
            return _blame(known, match, trouble)
    return Blame("grader", "engine.refused", f"the engine refused: {_line(trouble.message)}")


def _blame(known: _Known, match: re.Match[str], trouble: Trouble) -> Blame:
    groups = {key: _line(value or "") for key, value in match.groupdict().items()}
    message = known.message.format_map({"rest": "", "code": "", **groups}).rstrip(": ")
    if trouble.stage is Stage.BUILD:
        return Blame("candidate", known.rule, message, known.hint)
    if not trouble.candidate:
        return Blame("grader", f"lab.{known.rule}", f"the lab's own service {trouble.service}: {message}")
    return Blame("candidate", known.rule, f"service {trouble.service} cannot start: {message}", known.hint)


def _from_end(trouble: Trouble) -> Blame:
    """A container that ended, or that is up and not ready."""
    who = f"service {trouble.service}"
    if trouble.layer:
        return Blame("candidate", "start.layer", f"{who} wrote more to its root file system than it may and was stopped",
                     "write to a volume or a tmpfs, or write less")  # fmt: skip
    if trouble.oom:
        return Blame("candidate", "start.oom", f"{who} needed more memory than its limit and was killed",
                     "use less memory: fewer workers, smaller caches")  # fmt: skip
    if trouble.exit_code == KILLED:
        return Blame("grader", "engine.killed", f"{who} was killed by something that is not the submission's")
    if trouble.exit_code == FILE_TOO_LARGE:
        return Blame("candidate", "start.file-size", f"{who} wrote a file larger than the limit and was stopped")
    if trouble.exit_code is not None:
        return Blame("candidate", "start.exited", f"{who} ended with exit code {trouble.exit_code}", _HINT_EXIT)
    seen = f"; the last look saw: {_line(trouble.last)}" if trouble.last else ""
    return Blame("candidate", "start.not-ready", f"{who} was not ready within {trouble.seconds:.0f} s{seen}",
                 "check that it listens on all addresses (0.0.0.0) and on the port that the brief names")  # fmt: skip


def _line(text: str) -> str:
    """The first line, in a length that fits a sentence."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= 200 else first[:197] + "..."  # noqa: PLR2004
