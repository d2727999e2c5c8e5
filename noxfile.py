"""The developers' jobs, in the order in which `make test` runs them; each uses the environment of `scripts/setup`.

`nox -l` lists them, `nox -s unit` runs one, and what follows `--` goes to its tool.
"""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "unit", "golden", "conformance", "labs", "hostile", "e2e", "browser"]
nox.options.stop_on_first_error = False

ROOT = Path(__file__).parent
FOLDERS = ("src", "tests", "graders", "labs", "benchmarks", "scripts", "noxfile.py")
CODE = [name for name in FOLDERS if (ROOT / name).exists()]
SHELL = ("scripts/*", ".ci/*", "graders/images/*/*.sh")


def pytest(session: nox.Session, folder: str, *options: str) -> None:
    """Run one folder of tests; a folder that has none yet is skipped, so that the list can stand before they do."""
    if not any((ROOT / folder).rglob("test_*.py")):
        session.skip(f"{folder} has no tests yet")
    session.run("python", "-m", "pytest", folder, *options, *session.posargs)


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
    """Types, strictly."""
    session.run("mypy", "src", "tests", "noxfile.py")


@nox.session
def unit(session: nox.Session) -> None:
    """Everything that needs no engine, with branch coverage."""
    pytest(session, "tests/unit", "--cov", "--cov-report=term:skip-covered")


@nox.session
def golden(session: nox.Session) -> None:
    """Reports, byte for byte."""
    pytest(session, "tests/golden")


@nox.session
def conformance(session: nox.Session) -> None:
    """One suite, every runtime."""
    pytest(session, "tests/conformance")


@nox.session
def labs(session: nox.Session) -> None:
    """Every lab against its own solutions."""
    pytest(session, "tests/labs")


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
    for script in ("scripts/cli_reference.py", "scripts/reference.py"):
        session.run("python", script, *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """What is claimed about speed; give names of benchmarks after `--` for a part."""
    session.run("python", "-m", "benchmarks", *session.posargs)
