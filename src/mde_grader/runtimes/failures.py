"""Whose fault a failure is. Pure; the engine's own messages, as they were seen, are the tests' data.

The rule behind the table: what a submission can bring about is the candidate's, everything else is ours. A message
that nobody knows is ours too, for a candidate must never lose points to something that nobody understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

KILLED = 137
"""Exit code after SIGKILL: the kernel's out-of-memory killer, an engine that was itself killed, or a program that does
it to itself. The first comes with an event, the second is known by the engine's connection; the rest is the third."""

FILE_TOO_LARGE = 153
"""Exit code after SIGXFSZ: a file passed the file size limit."""


REFUSED = "connection refused"
"""What a look at readiness saw where nothing listens."""


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
        invalid: Whether it refused because of bad values (HTTP 400).
        exit_code: The container's exit code, if it ended.
        oom: Whether the engine told of an out-of-memory kill.
        layer: Whether we killed it because it wrote more than it may.
        engine_alive: Whether the engine still answers.
        said: The last lines of the container's output, or of the build's.
        last: What the last look at readiness saw.
        port: Where readiness was looked for, 0 when it is not known.
        memory_mb: The service's limit, 0 when it is not known.
        seconds: How long was waited.
    """

    stage: Stage
    service: str = ""
    candidate: bool = True
    message: str = ""
    invalid: bool = False
    exit_code: int | None = None
    oom: bool = False
    layer: bool = False
    engine_alive: bool = True
    said: str = ""
    last: str = ""
    port: int = 0
    memory_mb: int = 0
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
    rule: str
    message: str
    hint: str = ""


def _candidate(pattern: str, rule: str, message: str, hint: str = "") -> _Known:
    return _Known(re.compile(pattern, re.IGNORECASE | re.DOTALL), rule, message, hint)


def _grader(pattern: str, rule: str, message: str) -> _Known:
    return _candidate(pattern, rule, message)


_LOOK = "run `docker build .` and look at its last lines"
_MISSING = "compare ENTRYPOINT, CMD and `command:` with the image"

_ENGINE = (
    _grader(r"no space left on device", "engine.disk", "the grading machine's disk is full"),
    _grader(
        r"cannot allocate memory|resource temporarily unavailable|too many open files",
        "engine.exhausted",
        "the grading machine is out of memory, processes or files",
    ),
    _grader(
        r"pull access denied|lookup registry|manifest unknown|dial tcp|no such image",
        "engine.image-missing",
        "an image that the grader should have is not on the engine",
    ),
    _grader(
        r"cannot connect to the docker daemon|containerd.*(unavailable|not running)|context canceled|ttrpc: closed",
        "engine.gone",
        "the container engine went away",
    ),
    _grader(
        r"cannot join (network|pid|ipc)|non.running container|no such container|is not running",
        "engine.side-gone",
        "the grader's side container is gone",
    ),
)

_BUILD = (
    _candidate(
        r"^dockerfile parse error line \d+: (?P<rest>[^\n]*)", "build.syntax", "the Dockerfile cannot be read: {rest}"
    ),
    _candidate(r"cannot be empty|no build stage|no instructions", "build.syntax", "the Dockerfile has no instructions"),
    _candidate(
        r"failed to reach build target (?P<rest>\S+)",
        "build.target",
        "there is no build stage named {rest}",
        "compare `target:` with the names after AS",
    ),
    _candidate(
        r"(COPY|ADD) failed: (file not found in build context[^:]*: stat |)(?P<rest>[^:\n]*)",
        "build.copy",
        "a file that the Dockerfile copies is not in the build context: {rest}",
        "check its path, which starts at the build context, and .dockerignore",
    ),
    _candidate(r"invalid from flag value (?P<rest>[^:\s]+)", "build.copy", "`--from={rest}` names no earlier stage"),
    _candidate(
        r"unable to find (user|group) (?P<rest>[^:]+)",
        "build.user",
        "the image has no user or group {rest}",
        "create the user before USER and RUN name it",
    ),
    _candidate(
        r"exec: \"?(?P<rest>[^\":]+)\"?: (stat|executable file not found|permission denied)",
        "build.shell",
        "a RUN step cannot start: {rest} is not in the image or may not be run",
        "a base without a shell can only be copied into",
    ),
    _candidate(r"max depth exceeded", "build.layers", "the image has too many layers", "join RUN and COPY steps"),
    _candidate(r"file too large", "build.file-size", "a file of the build is larger than the limit"),
    _candidate(
        r"The command '(?P<rest>.*)' returned a non-zero code: 137$",
        "build.memory",
        "a build step was killed, most likely because it needed more memory than the build may use: {rest}",
    ),
    _candidate(
        r"The command '(?P<rest>.*)' returned a non-zero code: 153$",
        "build.file-size",
        "a build step wrote a file larger than the limit: {rest}",
    ),
    _candidate(
        r"The command '(?P<rest>.*)' returned a non-zero code: (?P<code>\d+)$",
        "build.failed",
        "a build step ended with exit code {code}: {rest}",
        _LOOK,
    ),
    _candidate(r"cannot mkdir: (?P<rest>[^\n]*)", "build.failed", "WORKDIR cannot be made: {rest}"),
    _candidate(r"(?P<rest>[^\n]+)", "build.failed", "the Dockerfile does not build: {rest}", _LOOK),
)

_ABSENT = re.compile(
    r"No matching distribution found for (?P<project>\S+)|Could not find a version that satisfies the requirement "
    r"(?P<version>\S+)|Temporary failure resolving '(?P<mirror>[^'\n]+)'|Could not resolve host: (?P<host>\S+)"
    r"|(?P<any>Temporary failure in name resolution)",
    re.IGNORECASE,
)
"""What pip, apt, curl and Python say of what only the internet has."""

_STEP = re.compile(r"^(?:\x1b\[[0-9;]*m)*Step \d+/\d+ : ", re.MULTILINE)

_START = (
    _candidate(
        r"unable to find (?P<rest>(user|group) [^:]+)|no matching entries in passwd file",
        "start.user",
        "the image has no {rest}",
        "create the user in the Dockerfile, or name it by number",
    ),
    _candidate(
        r"exec: \"?(?P<rest>[^\":]+)\"?: (executable file not found|stat |no such file)",
        "start.command",
        "its command {rest} is not in the image",
        _MISSING,
    ),
    _candidate(
        r"no command specified", "start.command", "neither the image nor compose.yaml says what to run", "add a CMD"
    ),
    _candidate(
        r"exec: \"?(?P<rest>[^\":]+)\"?: (permission denied|is a directory)",
        "start.command",
        "its command {rest} may not be executed",
        "check the file's x bit and its owner",
    ),
    _candidate(
        r"exec format error",
        "start.command",
        "its command is not a program for this machine",
        "a script needs `#!` in its first line; a binary the right architecture",
    ),
    _candidate(
        r"exec (?P<rest>\S+): no such file or directory",
        "start.command",
        "its command {rest} cannot be started: the program or its interpreter is not in the image",
        _MISSING,
    ),
    _candidate(
        r"failed to copy files",
        "start.volume",
        "what the image holds at a volume's place is more than the volume may hold",
        "mount the volume at a folder that is empty in the image",
    ),
    _candidate(
        r"error mounting|invalid mount|mount destination|read-only file system",
        "start.mount",
        "a volume or tmpfs cannot be mounted where compose.yaml wants it",
        "its target must be an absolute path of a folder",
    ),
    _candidate(
        r"cannot mkdir: (?P<rest>[^\n]*)|working directory '(?P<other>[^']*)'|chdir to cwd",
        "start.working-dir",
        "its working directory cannot be used: {rest}{other}",
    ),
    _candidate(
        r"minimum memory limit|init was OOM-killed",
        "start.oom",
        "it needs more memory than its limit even to start",
    ),
    _candidate(r"invalid signal: (?P<rest>\S+)", "start.stop-signal", "there is no signal {rest}"),
    _candidate(
        r"invalid environment variable: (?P<rest>[^\n]*)", "start.environment", "a variable has no name: {rest}"
    ),
)

_INVALID = _candidate(r"(?P<rest>[^\n]+)", "start.refused", "the engine refuses its settings: {rest}")
"""For bad values that nobody foresaw: all values that differ between services are a submission's."""

_CONFIGURATION = re.compile(
    r"superuser password is not specified|POSTGRES_PASSWORD|MYSQL_ROOT_PASSWORD|password option is not specified",
    re.IGNORECASE,
)
"""What grader-owned images say when the candidate's compose.yaml did not give them what they must be given."""

_HINT_EXIT = "read the last lines that it printed; `docker compose up` shows the same"


def blame(trouble: Trouble) -> Blame:
    """Decide whose fault it is."""
    if not trouble.engine_alive:
        return Blame("grader", "engine.gone", "the container engine went away while the attempt ran")
    if trouble.message:
        return _from_message(trouble)
    found = _from_end(trouble)
    if trouble.candidate or _CONFIGURATION.search(trouble.said):
        return found
    return Blame("grader", f"lab.{found.rule}", f"the lab's own {found.message}")


_QUOTING = re.compile(
    r"The command '|dockerfile parse error|invalid from flag|failed to reach build target|unable to find (user|group)"
    r"|cannot mkdir|(COPY|ADD) failed: file not found|failed to copy files|invalid ",
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
    match = _INVALID.pattern.search(trouble.message) if trouble.invalid else None
    if match:
        return _blame(_INVALID, match, trouble)
    return Blame("grader", "engine.refused", f"the engine refused: {_line(trouble.message)}")


def _blame(known: _Known, match: re.Match[str], trouble: Trouble) -> Blame:
    groups = {key: _line(value or "") for key, value in match.groupdict().items()}
    message = known.message.format_map({"rest": "", "other": "", **groups}).rstrip(": ")
    if trouble.stage is Stage.BUILD:
        absent = _absent(trouble.said) if known.rule == "build.failed" else None
        return absent or Blame("candidate", known.rule, message, known.hint)
    if not trouble.candidate:
        return Blame("grader", f"lab.{known.rule}", f"the lab's own service {trouble.service}: {message}")
    return Blame("candidate", known.rule, f"service {trouble.service} cannot start: {message}", known.hint)


def _absent(said: str) -> Blame | None:
    """The fault of a build whose last step asks for what only the internet has; it may well build elsewhere."""
    found = list(_ABSENT.finditer(_STEP.split(said)[-1]))
    if not found:
        return None
    name = next((text for key, text in found[-1].groupdict().items() if text and key != "any"), "an address")
    return Blame(
        "candidate",
        "build.network",
        f"the build asks for something that is not there when you are graded: {_line(name)}",
        "a build reaches only the packages that the brief lists; bring everything else in the submission",
    )


def _from_end(trouble: Trouble) -> Blame:
    """A container that ended, or that is up and not ready."""
    who = f"service {trouble.service}"
    if trouble.layer:
        return Blame("candidate", "start.layer", f"{who} wrote more to its root than it may and was stopped",
                     "write to a volume or a tmpfs, or write less")  # fmt: skip
    if trouble.oom:
        limit = f"{trouble.memory_mb} MB" if trouble.memory_mb else "limit"
        return Blame("candidate", "start.oom", f"{who} needed more memory than its {limit} and was killed",
                     "use less memory: fewer workers, smaller caches")  # fmt: skip
    if trouble.exit_code == KILLED:
        return Blame(
            "candidate", "start.exited", f"{who} was killed (exit code 137), and not by the grader", _HINT_EXIT
        )
    if trouble.exit_code == FILE_TOO_LARGE:
        return Blame("candidate", "start.file-size", f"{who} wrote a file larger than the limit and was stopped")
    if trouble.exit_code is not None:
        return Blame("candidate", "start.exited", f"{who} ended with exit code {trouble.exit_code}", _HINT_EXIT)
    return Blame("candidate", "start.not-ready", f"{who} was not ready within {trouble.seconds:.0f} s{_seen(trouble)}",
                 "check that it listens on all addresses (0.0.0.0) and on the port that the brief names")  # fmt: skip


def _seen(trouble: Trouble) -> str:
    """What is known of a service that runs and is not ready; one that listens on 127.0.0.1 refuses, too."""
    if trouble.last == REFUSED and trouble.port:
        return f"; it runs, and nothing answers on its port {trouble.port} from outside the container: {REFUSED}"
    return f"; it runs, and the last look saw: {_line(trouble.last)}" if trouble.last else ""


def _line(text: str) -> str:
    """The first line, in a length that fits a sentence."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= 200 else first[:197] + "..."  # noqa: PLR2004
