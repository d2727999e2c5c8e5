"""Writes docs/reference/cli.md from the commands themselves; with `--check` it only compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mde_grader.cli.app import app

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"
WIDTH = 100

HEAD = """\
# Command line

Made from the commands by `scripts/cli_reference.py`; a test fails when the two differ.

`mde-grade LAB [PATH]` is short for `mde-grade grade LAB [PATH]`. Results go to stdout, progress to stderr. Colour and
live progress appear only on a terminal; `NO_COLOR` is honoured.

## Exit codes

| code | meaning |
|---|---|
| 0 | passed, or done |
| 1 | graded and not passed |
| 2 | the command was called with something that cannot be worked with |
| 3 | incomplete, or our fault: one line, and where the log is |
| 4 | the lab is invalid, or was proven wrong |
| 130 | interrupted: the first signal clears up, the third leaves at once |

## Environment

| variable | meaning |
|---|---|
| `DOCKER_HOST`, `DOCKER_CONTEXT` | which container engine; otherwise the usual sockets are tried |
| `XDG_STATE_HOME` | runs and crash logs are kept in `mde-grade/` under it (`~/.local/state`); 50 runs stay |
| `MDE_GRADE_HOME` | another folder with `labs/` and `graders/` in it |
| `MDE_GRADE_DEBUG` | anything but `0`: an unexpected error shows its traceback (so does `-vv`) |
| `NO_COLOR`, `COLUMNS` | no colour; the width of the screen |
| `GITHUB_ACTIONS` | `true`: the Markdown report goes to `$GITHUB_STEP_SUMMARY`, what failed becomes annotations |

## Shell completion

```sh
mde-grade completion bash > ~/.local/share/bash-completion/completions/mde-grade
mde-grade completion zsh > "${fpath[1]}/_mde-grade"
mde-grade completion fish > ~/.config/fish/completions/mde-grade.fish
```

Commands, labs, the requirements after `--only`, and runs are completed. Start a new shell afterwards.
"""


def reference() -> str:
    """The page."""
    sections = (f"## `{path}`\n\n```text\n{text.rstrip()}\n```\n" for path, text in helps(app, "mde-grade", None))
    return "\n".join([HEAD, *sections])


def helps(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """Every command's path and help, groups before their own."""
    name = path.rpartition(" ")[2]
    settings = command.context_settings
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, **settings)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None:
                yield from helps(child, f"{path} {child_name}", context)


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    text = reference()
    if "--check" in arguments:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{TARGET.name} is out of date: run python scripts/cli_reference.py")
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
