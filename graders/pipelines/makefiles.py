"""Makefiles as pipelines: whether there is one with the target `pipeline`. What it does is between make and itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from graders.pipelines.events import Event
from graders.pipelines.refusals import Findings, Refusal, refuse
from graders.pipelines.runs import Run
from mde_grader.codec.documents import MAX_BYTES

NAMES = ("GNUmakefile", "makefile", "Makefile")
"""In the order in which GNU make looks for them."""

TARGET = "pipeline"
_INCLUDE = re.compile(r"^-?s?include\s", re.MULTILINE)


@dataclass(frozen=True)
class MakePipeline:
    """The Makefile of one repository.

    Attributes:
        file: Its path.
        refusals: Why it is not run here; empty when it is.
        actions: Always empty.
    """

    file: str
    refusals: tuple[Refusal, ...]
    actions: tuple[str, ...] = ()

    def runs(self, event: Event) -> tuple[Run, ...]:
        """One run for each push of a branch or a tag: what it is to do about it, the Makefile decides."""
        return () if self.why_not(event) else (Run(self.file, event, name="make"),)

    def why_not(self, event: Event) -> str:
        """In a sentence why the event starts nothing; empty when it starts something."""
        if self.refusals:
            return "it is refused"
        return "" if event.name == "push" else f"`make {TARGET}` is run for pushes, and this is `{event.name}`"


def read_make(files: Mapping[str, bytes]) -> MakePipeline:
    """Find the Makefile of a repository; what is wrong with it is among its refusals."""
    findings = Findings()
    name = next((name for name in NAMES if name in files), NAMES[-1])
    with findings.gathered():
        _check(name, files.get(name))
    return MakePipeline(name, findings.all())


def _check(name: str, content: bytes | None) -> None:
    if content is None:
        raise refuse("pipeline.missing", "there is no Makefile", where=name, hint=f"write one with a target `{TARGET}`")
    if len(content) > MAX_BYTES:
        message, hint = f"the file has more than {MAX_BYTES >> 10} KiB", "take out what is no part of the pipeline"
        raise refuse("pipeline.text", message, where=name, hint=hint)
    text = content.decode(errors="replace")
    if not any(_makes_target(line) for line in text.splitlines()) and not _INCLUDE.search(text):
        raise refuse(
            "pipeline.make", f"there is no target `{TARGET}`", where=name, hint=f"write `{TARGET}:` and its steps"
        )


def _makes_target(line: str) -> bool:
    """Whether a line is a rule for the target, among others perhaps; not a recipe, a remark or a variable."""
    head, sign, rest = line.partition(":")
    targets = head.split()
    return (
        bool(sign) and not line[:1].isspace() and "=" not in head + rest[:1] and "#" not in head and TARGET in targets
    )
