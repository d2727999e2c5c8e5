"""Sessions; without environments of their own, for the tools are there."""

import nox

nox.options.default_venv_backend = "none"


@nox.session
def lint(session):
    session.run("ruff", "check", ".")


@nox.session
def unit(session):
    session.run("pytest", "-q", "--junitxml=report.xml")
