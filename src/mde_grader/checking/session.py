"""Runs pytest over a lab's checks in this process, shut off from the place where it was called.

No configuration, plug-in, `conftest.py` or environment variable of the place where the grader was called takes part: a
submission's `conftest.py` that flips results was seen to work against a plain `pytest` there.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mde_grader.checking.context import CheckContext
from mde_grader.checking.ordering import Planned
from mde_grader.checking.plugin import Collector, Fixtures, Judge
from mde_grader.errors import InterruptedAttemptError, LabInvalidError
from mde_grader.model import Lab, Outcome
from mde_grader.places import data_root

_INI = Path(__file__).with_name("checks.ini")
_UNUSED = (
    *("cacheprovider", "doctest", "faulthandler", "junitxml", "legacypath"),
    *("pastebin", "setuponly", "setupplan", "stepwise"),
    # These two collect garbage five times over at the end, which took 0.1 s, to warn of what no check is judged by.
    *("threadexception", "unraisableexception"),
)
"""Plug-ins of pytest's own that a check has no use for; each costs its part of every attempt's start."""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """Outcomes in the order they came, and notes for the log."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectedCheck:
    """One check as `collect` finds it."""

    check: str
    title: str
    planned: Planned


def run_checks(  # noqa: PLR0913
    checks: Path,
    lab: Lab,
    context: CheckContext,
    *,
    only: tuple[str, ...],
    listener: Callable[[Outcome], None],
    log: Path,
) -> CheckRun:
    """Run the checks of a lab.

    Args:
        checks: Folder with the lab's `test_*.py`.
        lab: The lab.
        context: What the checks may look at.
        only: Requirements that are wanted; all when empty.
        listener: Told each outcome as it is known.
        log: File that gets pytest's own output, with tracebacks.

    Raises:
        LabInvalidError: A check cannot be read, or belongs to no requirement.
        InterruptedAttemptError: The user asked to stop.
    """
    collector = Collector(lab, only)
    judge = Judge(collector, lab, context, listener)
    code = _pytest([], checks, [collector, judge, Fixtures(context)], log)
    if judge.interrupted:
        raise InterruptedAttemptError("stopped before all checks had run")
    _insist(collector, code, log)
    return CheckRun(tuple(judge.outcomes), tuple(judge.notes))


def collect(checks: Path, lab: Lab, *, log: Path) -> list[CollectedCheck]:
    """Find the checks of a lab without running them.

    Raises:
        LabInvalidError: A check cannot be read, or belongs to no requirement.
    """
    collector = Collector(lab)
    code = _pytest(["--collect-only"], checks, [collector], log)
    _insist(collector, code, log)
    return [CollectedCheck(name, collector.titles[name], planned) for name, planned in collector.planned.items()]


def _insist(collector: Collector, code: int, log: Path) -> None:
    if collector.problem is not None:
        raise collector.problem
    if not collector.planned:
        raise LabInvalidError("no check could be collected", hint=f"pytest's own words are in {log}")
    if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED}:
        raise LabInvalidError("the lab's checks cannot be run", hint=f"pytest's own words are in {log}")


def _pytest(options: list[str], checks: Path, plugins: list[object], log: Path) -> int:
    arguments = [
        *options,
        "-c",
        str(_INI),
        f"--rootdir={checks}",
        f"--confcutdir={checks}",
        "--import-mode=importlib",
        "--disable-plugin-autoload",
        *(f"-pno:{name}" for name in _UNUSED),
        "--capture=no",
        "--color=no",
        "-q",
        "-rN",  # its summary cuts lines, and what is left of a secret that was cut could no longer be masked
        "--tb=native",  # the others read the whole source of each function that a traceback goes through
        str(checks),
    ]
    with (
        _shut_off(checks),
        _collected_quickly(),
        log.open("a", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
    ):
        return int(pytest.main(arguments, plugins=plugins))


@contextlib.contextmanager
def _collected_quickly() -> Iterator[None]:
    """Keep pytest's garbage collection at its end from going through all that was there before it began."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def _shut_off(checks: Path) -> Iterator[None]:
    """Hide what pytest would read from the environment, and let checks import `graders`.

    Modules of the checks are forgotten at the end: another lab's may have the same names.
    """
    hidden = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    root = str(data_root())
    sys.path.insert(0, root)
    try:
        yield
    finally:
        sys.path.remove(root)
        os.environ.update(hidden)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(f"{checks}{os.sep}"):
                del sys.modules[name]
