"""The error tree: each class owns its exit code and its hint, so that one place can turn any of them into a line.

Exit codes (also in docs/reference): 0 passed, 1 graded and not passed, 2 usage, 3 incomplete or our fault,
4 the lab is invalid, 130 interrupted.
"""

from __future__ import annotations

from typing import ClassVar


class MdeGradeError(Exception):
    """Anything that ends a command with one line instead of a traceback.

    Args:
        message: One sentence that says what is wrong, without a trailing stop.
        hint: The next step for the reader; the class's own when empty.
    """

    exit_code: ClassVar[int] = 3
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class UsageError(MdeGradeError):
    """The command was called with something that cannot be worked with."""

    exit_code = 2
    default_hint = "see `mde-grade --help`"


class LabInvalidError(MdeGradeError):
    """The lab's own files contradict their schema or each other."""

    exit_code = 4
    default_hint = "run `mde-grade lab lint` and mend what it names"


class EngineError(MdeGradeError):
    """The container engine did something that no submission can be blamed for."""

    default_hint = "run `mde-grade doctor`; the attempt was not scored"


class EngineUnavailableError(EngineError):
    """No container engine answers."""

    default_hint = "start Docker, or set DOCKER_HOST; `mde-grade doctor` shows what was tried"


class ImageMissingError(EngineError):
    """A grader-owned image is not on this engine."""

    default_hint = "run `mde-grade images build`"


class InterruptedAttemptError(MdeGradeError):
    """The user or the system asked us to stop."""

    exit_code = 130
    default_hint = "nothing was left behind; run the same command again"


class SubmissionError(Exception):
    """The candidate's fault: becomes a `Fault` on the scorecard, never an exit by itself.

    Args:
        rule: Stable name of the rule that was broken, such as `compose.privileged`.
        message: What is wrong, in words for the candidate.
        where: `file` or `file:line` inside the submission; empty when no file is to blame.
        hint: What to do instead.
        said: What the engine or the build printed, raw; cleaned at the border.
    """

    def __init__(self, rule: str, message: str, *, where: str = "", hint: str = "", said: str = "") -> None:
        super().__init__(f"{where + ': ' if where else ''}{message} [{rule}]")
        self.rule = rule
        self.message = message
        self.where = where
        self.hint = hint
        self.said = said


class SubmissionRefusedError(SubmissionError):
    """A file or a setting that we do not build or start; known before anything runs."""


class BuildFailedError(SubmissionError):
    """The candidate's Dockerfile did not build, or passed a limit of the build."""


class StartFailedError(SubmissionError):
    """The candidate's services did not start or did not become ready."""
