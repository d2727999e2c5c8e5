"""`mde-grade lab`: the commands for lab authors."""

from __future__ import annotations

import click

from mde_grader.cli.lazy import Entry, LazyGroup

COMMANDS = {
    "verify": Entry("mde_grader.cli.lab_verify", "Prove a lab: grade its solutions, compare with what they declare."),
    "lint": Entry("mde_grader.cli.lab_lint", "Check a lab's files against each other, without an engine."),
}


@click.group("lab", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """For lab authors: prove a lab or lint it."""
