"""Terraform's commands in a workspace, each with what a candidate is told when it fails."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from graders.terraform.failures import cause, errors, lock_id
from graders.terraform.plans import Plan, read_plan
from mde_grader.checking import expect, fail

PLAIN = ("-input=false", "-no-color")
PLAN_LIMIT = 8 << 20
"""Bytes of a plan in JSON; that of 30 resources has about 200 kB."""

SAID = 2_000
"""Characters of an output's end that a candidate is shown."""

QUICK_SECONDS = 240.0
"""For what only reads, 1 to 15 s; a right submission must not fail because twenty others are graded beside it."""

SLOW_SECONDS = 420.0
"""For what changes the cloud, 15 to 30 s; the lab's own deadline ends what hangs."""

CHANGES = 2
"""Exit code of `plan -detailed-exitcode` when something is to be changed."""


class Ran(Protocol):
    """The part of a command's end that is read here."""

    @property
    def exit_code(self) -> int | None:
        """None when it was ended by the grader."""
        ...

    @property
    def out(self) -> str:
        """Standard output."""
        ...

    @property
    def err(self) -> str:
        """Standard error."""
        ...

    @property
    def end(self) -> str:
        """How it ended, in words."""
        ...


class Workspace(Protocol):
    """Where commands run, each in a container of its own."""

    def run(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        limit: int = ...,
    ) -> Ran:
        """Run one command to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform in one folder of a workspace, for one environment.

    Attributes:
        workspace: Where it runs.
        folder: Holds the configuration.
        variables: Values of the root module's variables.
        backend: Settings that `init` gives to the backend.
        environment: Of every command; the cloud's address and keys.
    """

    workspace: Workspace
    folder: str
    variables: Mapping[str, str]
    backend: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def given(self, **variables: str) -> Terraform:
        """The same with other values of some variables."""
        return replace(self, variables={**self.variables, **variables})

    def run(self, *words: str, seconds: float, limit: int = 1 << 20) -> Ran:
        """Run a command, however it ends."""
        values = {f"TF_VAR_{name}": value for name, value in self.variables.items()}
        return self.workspace.run(
            ["terraform", *words],
            seconds=seconds,
            folder=self.folder,
            environment={**self.environment, **values},
            limit=limit,
        )

    def init(self, *, seconds: float = QUICK_SECONDS) -> None:
        """Make the folder ready, in which nothing but the configuration lies."""
        settings = [f"-backend-config={name}={value}" for name, value in self.backend.items()]
        self._insist(self.run("init", *PLAIN, *settings, seconds=seconds), "terraform init", settings)

    def plan(self, out: str, *, seconds: float = QUICK_SECONDS) -> None:
        """Plan into the file `out`."""
        self._insist(self.run("plan", *PLAIN, f"-out={out}", seconds=seconds), "terraform plan", self._typed())

    def changes(self, out: str, *, seconds: float = QUICK_SECONDS) -> tuple[bool, str]:
        """Plan into the file `out`; whether anything is to be changed, and the plan's own words.

        Nobody else works on the state by then: a lock that is found is one that a run has left, cut off or unanswered.
        """
        words = ("plan", *PLAIN, "-detailed-exitcode", f"-out={out}")
        ran = self.run(*words, seconds=seconds)
        lock = lock_id(f"{ran.out}\n{ran.err}")
        if lock:
            self.run("force-unlock", "-force", lock, seconds=seconds)
            ran = self.run(*words, seconds=seconds)
        if ran.exit_code not in {0, CHANGES}:
            self._insist(ran, "terraform plan", self._typed())
        return ran.exit_code == CHANGES, ran.out

    def show(self, plan: str, *, seconds: float = QUICK_SECONDS) -> tuple[Plan, str]:
        """A plan in JSON, parsed and as it is."""
        ran = self.run("show", "-json", "-no-color", plan, seconds=seconds, limit=PLAN_LIMIT)
        self._insist(ran, "terraform show -json", [plan])
        try:
            return read_plan(ran.out), ran.out
        except ValueError:
            fail(
                expected=f"a plan of at most {PLAN_LIMIT >> 20} MiB in JSON", seen=f"{len(ran.out)} characters of none"
            )

    def apply(self, plan: str, *, seconds: float = SLOW_SECONDS) -> None:
        """Carry a plan out."""
        self._insist(self.run("apply", *PLAIN, plan, seconds=seconds), "terraform apply", self._typed())

    def destroy(self, *, seconds: float = SLOW_SECONDS) -> None:
        """Take everything down that the state claims."""
        ran = self.run("destroy", *PLAIN, "-auto-approve", seconds=seconds)
        self._insist(ran, "terraform destroy", self._typed())

    def look(self, command: str) -> str:
        """A command as a candidate can type it."""
        return f"{command} {' '.join(self._typed())}"

    def _typed(self) -> list[str]:
        return [f"-var {shlex.quote(f'{name}={value}')}" for name, value in self.variables.items()]

    def _insist(self, ran: Ran, command: str, words: Sequence[str]) -> None:
        told = f"{ran.out}\n{ran.err}"
        found, why = errors(told), cause(told)
        seen = "; ".join(([f"{why}"] if why else []) + (found or [ran.end]))
        expect(
            ran.exit_code == 0 or (command == "terraform plan" and ran.exit_code == CHANGES),
            expected=f"{command} ends well",
            seen=seen,
            look=f"{command} {' '.join(words)}",
            said=told.strip()[-SAID:],
        )
