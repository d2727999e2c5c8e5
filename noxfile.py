"""The developers' jobs, in the order in which `make test` runs them; each uses the environment of `scripts/setup`.

`nox -l` lists them, `nox -s unit` runs one, and what follows `--` goes to its tool.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "coverage", "conformance", "labs", "hostile", "e2e", "browser"]
nox.options.stop_on_first_error = False

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # the tools of nox's own

ROOT = Path(__file__).parent
FOLDERS = ("src", "tests", "graders", "labs", "benchmarks", "scripts", "noxfile.py")
CODE = [name for name in FOLDERS if (ROOT / name).exists()]
SHELL = ("scripts/*", ".ci/*", "graders/images/*/*.sh")

NO_ENGINE = ("tests/unit", "tests/golden", "tests/conformance", "-m", "not engine")
"""What runs anywhere."""

SLOWEST = ("--durations=10", "--durations-min=0.15")
"""Shows what takes long: `unit` has a budget of 10 s on two idle cores, so a test of it takes milliseconds."""

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes folders of its own in it
ROOM = 1 << 30
"""Bytes that have to be free there before tests keep their files in memory; they make thirty thousand small ones."""

BRANCHES = 90
"""Least coverage of lines and branches over the package, in percent, by tests that need no engine."""

PURE = (
    *("model.py", "scoring.py", "clean.py", "plans.py", "environments.py", "checking/ordering.py"),
    *("checking/judging.py", "runtimes/failures.py", "codec/*", "reporters/*", "runtimes/policy/*"),
)
"""What decides a grade without any I/O, or reads what a candidate wrote: covered wholly."""


def pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest; compiled tests are kept, whatever the machine's settings say."""
    environment = {"PYTHONDONTWRITEBYTECODE": "", **environment}
    session.run("python", "-m", "pytest", *arguments, *session.posargs, env=environment)


def side_by_side(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest in several processes; with arguments of the caller's own in one, which can be talked to."""
    if session.posargs:
        pytest(session, *arguments, **environment)
    else:
        environment = {"PYTHONDONTWRITEBYTECODE": "", **environment}
        session.run("python", "-m", "tests.side_by_side", *arguments, env=environment)


def in_memory() -> dict[str, str]:
    """Environment that keeps temporary files in memory, where that is possible."""
    room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
    return {"TMPDIR": str(MEMORY)} if room > ROOM else {}


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and of shell scripts."""
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    scripts = [str(path) for pattern in SHELL for path in sorted(ROOT.glob(pattern)) if _is_shell(path)]
    session.run("shellcheck", *scripts)


def _is_shell(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:40].splitlines()[0].endswith(b"sh")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly; checks of two labs may have one name, so each lab is a run of its own."""
    session.run("mypy", "src", "tests", "graders", "benchmarks", "scripts", "noxfile.py")
    for lab in sorted({path.parent for path in ROOT.rglob("lab-*/checks/*.py")}):
        session.run("mypy", *map(str, sorted(lab.glob("*.py"))))


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Everything that needs no engine."""
    side_by_side(session, *NO_ENGINE, *SLOWEST, **in_memory())


@nox.session
def coverage(session: nox.Session) -> None:
    """The same with branch coverage, held to two figures: the whole package's and that of its pure centre."""
    side_by_side(session, *NO_ENGINE, "-ppytest_cov", "--cov", "--cov-report=", **in_memory())
    if not session.posargs:
        session.run("coverage", "combine", "--quiet", *(path.name for path in ROOT.glob(".coverage-*")))
    session.run("coverage", "report", "--skip-covered", f"--fail-under={BRANCHES}")
    pure = ",".join(f"src/mde_grader/{name}" for name in PURE)
    session.run("coverage", "report", "--skip-covered", "--fail-under=100", f"--include={pure}")


@nox.session(default=False)
def thorough(session: nox.Session) -> None:
    """Property tests with very many examples, as every night; takes about half an hour."""
    options = ("-m", "not engine", "-n", "2", "--durations=20")
    session.run(
        *("python", "-m", "pytest", "tests/unit", *options, *session.posargs),
        env={"PYTHONDONTWRITEBYTECODE": "", "MDE_HYPOTHESIS": "thorough"},
    )


@nox.session(default=False)
def golden(session: nox.Session) -> None:
    """Reports, byte for byte; MDE_UPDATE_GOLDEN=1 writes them anew."""
    pytest(session, "tests/golden")


@nox.session
def conformance(session: nox.Session) -> None:
    """One suite, every runtime; the one in memory is a part of `coverage` already."""
    pytest(session, "tests/conformance", "-m", "engine")


@nox.session
def labs(session: nox.Session) -> None:
    """Every lab against its own solutions."""
    pytest(session, "tests/labs", MDE_PROVE="all")


@nox.session
def hostile(session: nox.Session) -> None:
    """Submissions that attack the grader."""
    pytest(session, "tests/hostile")


@nox.session
def e2e(session: nox.Session) -> None:
    """The command line and the built wheel, as a user has them."""
    pytest(session, "tests/e2e")


@nox.session
def browser(session: nox.Session) -> None:
    """HTML reports in headless Chromium."""
    pytest(session, "tests/browser")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The generated part of the reference."""
    session.run("python", "scripts/reference.py", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """What is claimed about speed, as ratios; names of benchmarks after `--` for a part."""
    session.run("python", "-m", "benchmarks", *session.posargs)
