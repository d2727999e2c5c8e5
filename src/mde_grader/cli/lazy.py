"""A click group whose commands are a table of names and modules: a module is imported when its command is called."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


class Entry:
    """One command of the table.

    Args:
        module: Module that holds it as `command`.
        help: Its one line in the group's help, so that the help needs no import.
    """

    __slots__ = ("help", "module")

    def __init__(self, module: str, help: str) -> None:  # noqa: A002 - click's word for it
        self.module = module
        self.help = help


class LazyGroup(click.Group):
    """Knows its commands by name; a first word that is none of them is an argument of the default command.

    Args:
        table: Name to entry, in the order of the help.
        default: Command that is meant when none is named; empty for none.
    """

    def __init__(self, *args: Any, table: Mapping[str, Entry], default: str = "", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.table = table
        self.default = default

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command of that name."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a click command")
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command's name in front where none was given."""
        if self.default and args and not self._is_ours(ctx, args[0]):
            ctx.meta[IMPLIED] = args[0]
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def _is_ours(self, ctx: click.Context, first: str) -> bool:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        return first in self.table or first in own

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, name the nearest."""
        if args[0] not in self.table:
            near = get_close_matches(args[0], self.table, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"there is no command `{args[0]}`{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.table.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the names (and, for the group with a default, what the default's first argument may be)."""
        found = [CompletionItem(name, help=e.help) for name, e in self.table.items() if name.startswith(incomplete)]
        if not self.default:
            return found + click.Command.shell_complete(self, ctx, incomplete)
        default = self.get_command(ctx, self.default)
        argument = next((p for p in default.params if isinstance(p, click.Argument)), None) if default else None
        labs = argument.shell_complete(ctx, incomplete) if argument else []
        return found + labs + click.Command.shell_complete(self, ctx, incomplete)


IMPLIED = "mde_grader.implied"
"""Key in the context's `meta`: the word that was taken for the default command's argument."""
