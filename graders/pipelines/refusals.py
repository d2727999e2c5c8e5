"""Why a pipeline is not run here: rules by name, and refusals as one line each, for the candidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mde_grader.checking import expect
from mde_grader.runtimes.policy.rules import shown

__all__ = ["MOST", "RULES", "Findings", "Refusal", "RefusedError", "insist_supported", "refuse", "shown"]

RULES: dict[str, str] = {
    "pipeline.missing": "The files that the dialect is read from are there, and are files.",
    "pipeline.text": "Files of a pipeline are UTF-8 text of at most 256 KiB, and there are at most 50.",
    "pipeline.yaml": "Each file is one YAML document with plain values, no key twice, within the reader's caps.",
    "pipeline.invalid": "The platform itself would take the file.",
    "pipeline.expression": "What decides when a pipeline runs is an expression that can be worked out beforehand.",
    "pipeline.key": "Keys are not newer than the runner in here.",
    "pipeline.services": "No job asks for services: the database is there already.",
    "pipeline.container": "No job asks for a container: there is no engine in here.",
    "pipeline.runs-on": "`runs-on` names a runner that is here.",
    "pipeline.action": "Actions are those that are shipped, at the tags that people write, or the repository's own.",
    "pipeline.docker": "No action is a container image.",
    "pipeline.python": "Python is the 3.11 that is here.",
    "pipeline.node": "Node.js is the one that is here.",
    "pipeline.reusable": "Reusable workflows are the repository's own.",
    "pipeline.continue-on-error": "`continue-on-error` stands at steps, not at jobs.",
    "pipeline.shell": "Steps run in a shell that is here.",
    "pipeline.include": "Included files are the repository's own.",
    "pipeline.trigger": "No job starts another pipeline.",
    "pipeline.rules": "When a job runs is said by `rules`, in words that the runner in here carries out.",
    "pipeline.image": "`image` stands for tools that are here.",
    "pipeline.make": "The Makefile has the target that is asked for.",
}
"""What each rule asks for, in a sentence, by its stable name."""

MOST = 20
"""Refusals that are told; a file with more is mended in turns."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that keeps a pipeline from being run.

    Attributes:
        rule: A key of `RULES`.
        message: What is wrong and why, one line.
        where: `file:line`.
        hint: What to write instead.
    """

    rule: str
    message: str
    where: str
    hint: str

    def __str__(self) -> str:
        """The whole in one line."""
        return f"{self.where}: {self.message}; {self.hint} [{self.rule}]"


class RefusedError(Exception):
    """Carries a refusal to where refusals are gathered."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Findings:
    """Gathers refusals, so that a candidate is told more than the first."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep what the block is refused for, and go on after it."""
        try:
            yield
        except RefusedError as error:
            self._found.append(error.refusal)

    def all(self) -> tuple[Refusal, ...]:
        """What was gathered, each once."""
        return tuple(dict.fromkeys(self._found))


def refuse(rule: str, message: str, *, where: str, hint: str) -> RefusedError:
    """The error for a broken rule, to be raised.

    Raises:
        KeyError: The rule is none of `RULES`, which is a mistake of ours.
    """
    if rule not in RULES:
        raise KeyError(rule)
    return RefusedError(Refusal(rule, message, where, hint))


def insist_supported(refusals: Iterable[Refusal]) -> None:
    """Go on when there are none.

    Raises:
        CheckFailedError: There are; each is told in a line of its own.
    """
    lines = [str(refusal) for refusal in refusals]
    expect(
        not lines,
        expected="a pipeline that can be run here",
        seen=lines[0] if lines else "",
        look="see what of each dialect is supported: docs/reference/pipelines.md",
        said="\n".join(lines[1:MOST]),
    )
