"""Arguments and options that several commands share, with their completion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from mde_grader.model import Dialect, Lab, Requirement

Command = Callable[..., Any]


class LabName(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """A lab's id, or the path of its folder; whether there is such a lab is said by `load_lab`."""

    name = "lab"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer the labs' ids."""
        from mde_grader.labs import find_labs  # noqa: PLC0415 - only while completing

        labs = find_labs(ctx.params.get("labs"))
        return [
            CompletionItem(folder.root.name, help=folder.lab.title)
            for folder in labs
            if folder.root.name.startswith(incomplete)
        ]


class _PartOfLab(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """The id of something in the lab that stands before it on the command line."""

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer what the lab has, with its title."""
        from mde_grader.labs import load_lab  # noqa: PLC0415

        # An option that still waits for its value keeps click from reading the arguments: then they are left in `args`.
        name = ctx.params.get("lab") or next(iter(ctx.args), "")
        if not name:
            return []
        parts = self.parts(load_lab(name, ctx.params.get("labs")).lab)
        return [CompletionItem(part.id, help=part.title) for part in parts if part.id.startswith(incomplete)]

    def parts(self, lab: Lab) -> Sequence[Requirement | Dialect]:
        """Those of the lab."""
        raise NotImplementedError


class RequirementName(_PartOfLab):
    """The id of a requirement."""

    name = "requirement"

    def parts(self, lab: Lab) -> Sequence[Requirement | Dialect]:
        """The lab's requirements."""
        return lab.requirements


class DialectName(_PartOfLab):
    """The id of a dialect."""

    name = "dialect"

    def parts(self, lab: Lab) -> Sequence[Requirement | Dialect]:
        """The lab's dialects."""
        return lab.dialects


class RunName(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """A run: its name, the beginning of it, its path, or `last`."""

    name = "run"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer `last` and the runs, the newest first."""
        from mde_grader.runs import LATEST, run_names  # noqa: PLC0415

        return [CompletionItem(name) for name in [LATEST, *run_names()] if name.startswith(incomplete)]


def lab_argument(command: Command) -> Command:
    """`LAB`."""
    return click.argument("lab", type=LabName())(command)


def labs_option(command: Command) -> Command:
    """`--labs DIR`."""
    return click.option(
        "--labs",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="Look for labs in this folder too (or use the one lab that it is).",
    )(command)


def candidate_option(command: Command) -> Command:
    """`--candidate NAME`, for a lab of which each candidate gets a variant."""
    return click.option(
        "--candidate",
        metavar="NAME",
        help="Whose variant of the lab. [default: the practice variant]",
    )(command)


def loudness_options(command: Command) -> Command:
    """`-q` and `-v`."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing about the progress.")
    verbose = click.option("-v", "--verbose", count=True, help="Say more; -vv also shows our own log and tracebacks.")
    return quiet(verbose(command))
