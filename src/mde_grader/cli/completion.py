"""`mde-grade completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mde_grader.cli.app import app
from mde_grader.cli.ending import COMPLETION
from mde_grader.cli.terminal import say

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the shell's completion script.

    \b
    bash: mde-grade completion bash > ~/.local/share/bash-completion/completions/mde-grade
    zsh:  mde-grade completion zsh  > a file named _mde-grade in a folder of $fpath
    fish: mde-grade completion fish > ~/.config/fish/completions/mde-grade.fish
    """  # noqa: D301 - click wants the backspace itself
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    say(found(app, {}, "mde-grade", COMPLETION).source())
