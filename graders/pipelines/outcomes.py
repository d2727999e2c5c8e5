"""What became of a push: how the run ended, what the target was told, what passengers saw. Pure."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from graders.pipelines.stores import Request
from graders.pipelines.targets import State, Verb
from mde_grader.checking.workspace import Ran

Key = TypeVar("Key")

GREEN, RED, NOTHING = "green", "red", "not run"
_NOTHING_TO_RUN = 5
TOUCHING = frozenset({"migrate", "start", "stop", "switch"})
"""Verbs that change what passengers have; to upload, to look and to lock does no harm."""
SHOWN = 12
PLAIN_LIMIT = 16 << 20
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Crowd:
    """What many requests to a front saw.

    Attributes:
        statuses: Status to number of answers.
        errors: Kind to number of requests without an answer.
        versions: Content of `VERSION` to number of answers by such a release.
        first_error: The first request without an answer, in words.
    """

    statuses: Mapping[int, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    first_error: str = ""

    @property
    def total(self) -> int:
        """Requests in all."""
        return sum(self.statuses.values()) + sum(self.errors.values())

    @property
    def failed(self) -> str:
        """Requests that were not answered well, in words; empty when there were none."""
        bad = [f"{count} with {status}" for status, count in sorted(self.statuses.items()) if status >= 400]  # noqa: PLR2004
        bad += [f"{count} not at all ({kind})" for kind, count in sorted(self.errors.items())]
        return f"of {self.total} requests, {', '.join(bad)}" if bad else ""

    def __add__(self, other: Crowd) -> Crowd:
        """Both together."""
        return Crowd(
            _sum(self.statuses, other.statuses),
            _sum(self.errors, other.errors),
            _sum(self.versions, other.versions),
            self.first_error or other.first_error,
        )


def _sum(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one push.

    Attributes:
        sha: The pushed commit.
        notice: What passengers are told from that commit on.
        fault: What was seeded, in words; empty for a good commit.
        secrets: What must be in no log: the run's token and key.
        files: The files of the pipeline that the event started.
        why_not: Why it started none.
        ran: How the run ended; None when nothing was started.
        verbs: What the target was told meanwhile.
        before: The target before.
        state: The target afterwards.
        version: What the front says under `/version` afterwards, or why it says nothing.
        told: The same of `/notice`.
        page: The same of `/`.
        stored: Files in the store afterwards, `builds/NAME` to SHA-256.
        requests: What the store was asked by then.
        crowd: What people who looked at the front all the time saw.
    """

    sha: str
    notice: str
    fault: str
    secrets: tuple[str, ...]
    files: tuple[str, ...]
    why_not: str
    ran: Ran | None
    verbs: tuple[Verb, ...]
    before: State
    state: State
    version: str
    told: str
    page: str
    stored: Mapping[str, str]
    requests: tuple[Request, ...]
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def colour(self) -> str:
        """Green, red, or not run."""
        if self.ran is None or self.ran.exit_code == _NOTHING_TO_RUN:
            return NOTHING
        return GREEN if self.ran.ok else RED

    @property
    def end(self) -> str:
        """How the run ended, in words."""
        if self.ran is None:
            return f"nothing was run: {self.why_not}"
        refused = self.ran.err.strip().splitlines()[-1:] if (self.ran.exit_code or 0) > 1 else []
        late = f" ({self.ran.end})" if self.ran.exit_code is None else ""
        return f"the run was {self.colour}{late}{': ' + refused[0] if refused else ''}"

    @property
    def log(self) -> str:
        """What it printed: the candidate's words."""
        return f"{self.ran.out}\n{self.ran.err}" if self.ran else ""

    @property
    def said(self) -> str:
        """The log's end, and what the target was told, to be shown."""
        if not self.ran:
            return ""
        told = "\n".join(f"  {verb_line(verb)}" for verb in self.verbs[-2 * SHOWN :])
        return f"{self.log.strip()[-3_000:]}\n\nThe target was told:\n{told or '  nothing'}"

    @property
    def touched(self) -> list[Verb]:
        """What changed what passengers have, or tried to."""
        return [verb for verb in self.verbs if verb.verb in TOUCHING]

    @property
    def served(self) -> bool:
        """Whether the front serves this commit now: its version by its own word and the target's, and its notice."""
        live = self.state.serving
        return bool(live and live.version == self.version == self.sha and self.told == self.notice)

    @property
    def serves(self) -> str:
        """What the front serves, in words."""
        if self.version == self.sha:
            return f"the front says version {short(self.sha)}" + (
                "" if self.told == self.notice else f", and “{self.told}” where this commit says “{self.notice}”"
            )
        return f"the front says version {short(self.version)}"

    @property
    def kept(self) -> bool:
        """Whether the front serves what it served before."""
        return self.version == self.version_before

    @property
    def version_before(self) -> str:
        """The version that was live before; empty for none."""
        return self.before.serving.version if self.before.serving else ""

    @property
    def shown(self) -> int:
        """Requests that a release of this commit answered."""
        names = {verb.release for verb in self.verbs if verb.version == self.sha}
        answered = sum(sum(self.state.answered.get(name, {}).values()) for name in names)
        return answered + self.crowd.versions.get(self.sha, 0)

    @property
    def released(self) -> bool:
        """Whether it is served, after a green run."""
        return self.served and self.colour == GREEN

    @property
    def build(self) -> str:
        """SHA-256 of what the store has for this commit; empty when it has nothing."""
        return self.stored.get(build_of(self.sha), "")


def build_of(sha: str) -> str:
    """Where in the store the archive of a commit is."""
    return f"builds/ferry-{sha}.tar.gz"


def plain(archive: bytes) -> bytes:
    """What a gzip-compressed file holds, up to 16 MiB; other bytes as they are."""
    try:
        return zlib.decompressobj(_GZIP).decompress(archive, PLAIN_LIMIT)
    except zlib.error:
        return archive


def packed(archive: bytes) -> dict[str, bytes]:
    """The regular files of a release archive, without `./` in front; what cannot be read is left out."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain(archive)), mode="r:") as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    found[entry.name.removeprefix("./")] = content.read()
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return found
    return found


def short(version: str) -> str:
    """A SHA as people write it; other texts as they are, cut."""
    return version[:8] if len(version) == 40 else f"“{version[:60]}”"  # noqa: PLR2004 - digits of a SHA


def verb_line(verb: Verb) -> str:
    """One verb, and how it ended."""
    said = f": {verb.said.strip().splitlines()[0][:100]}" if verb.exit and verb.said.strip() else ""
    return f"{verb.verb} {' '.join(verb.arguments)}".strip() + (f"  (exit code {verb.exit}{said})" if verb.exit else "")


def lines(verbs: Iterable[Verb]) -> str:
    """Some verbs in one line, the first ones."""
    told = [f"{verb.verb} {' '.join(verb.arguments)}".strip() for verb in verbs]
    return ", ".join(told[:4]) + (f" and {len(told) - 4} more" if len(told) > 4 else "")  # noqa: PLR2004
