"""`mde-grade doctor`."""

from __future__ import annotations

import json
import sys
import textwrap

import click

from mde_grader.cli.terminal import note, say, speaks_unicode, wants_colour, width
from mde_grader.doctor.examination import examine
from mde_grader.doctor.findings import Diagnosis, Finding
from mde_grader.errors import EngineError

TITLE_COLUMNS = 30
MARKS = {True: ("✔", "ok  ", "green"), False: ("✘", "FAIL", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about the progress.")
def command(*, as_json: bool, quiet: bool) -> int:
    """Measure whether this machine can grade, and how well it isolates.

    Every limit is run into, in throw-away containers: nothing is believed because a setting says so. Ends with 0 when
    all of it holds, with 3 otherwise.
    """
    if not quiet:
        note("measuring; this takes a few seconds")
    diagnosis = examine()
    if as_json:
        say(json.dumps(diagnosis.plain(), indent=2, ensure_ascii=False))
    else:
        unicode, colour = speaks_unicode(sys.stdout), wants_colour(sys.stdout)
        say(report(diagnosis, columns=width(), unicode=unicode, colour=colour))
    return 0 if diagnosis.held else EngineError.exit_code


def report(diagnosis: Diagnosis, *, columns: int = 80, unicode: bool = True, colour: bool = False) -> str:
    """The table, what was reached, and what to do about what does not hold.

    Args:
        diagnosis: What was found.
        columns: Width of the screen.
        unicode: Whether it shows more than ASCII.
        colour: Whether it shows colours.
    """
    rows = [line for one in diagnosis.findings for line in _row(one, columns, unicode=unicode, colour=colour)]
    return "\n".join([*_head(diagnosis), *rows, "", _foot(diagnosis)])


def _head(diagnosis: Diagnosis) -> list[str]:
    about = diagnosis.engine
    if not about:
        return []
    told = f"{about['endpoint']}, Docker {about['version']} (API {about['api']}), {about['storage']}, "
    filters = f", with {about['filters']}" if about.get("filters") else ""
    return [f"{told}cgroup v{about['cgroup']}, {about['kernel']}", f"isolation: {diagnosis.isolation}{filters}", ""]


def _row(finding: Finding, columns: int, *, unicode: bool, colour: bool) -> list[str]:
    fancy, plain, hue = MARKS[finding.held]
    mark = fancy if unicode else plain
    indent = " " * (len(mark) + 1)
    head = f"{finding.title:<{TITLE_COLUMNS}} "
    lines = textwrap.wrap(f"{head}{finding.seen}", columns - len(indent), subsequent_indent=" " * len(head)) or [head]
    lines = [head + lines[0].removeprefix(finding.title).lstrip(), *lines[1:]]
    hint = [f"{indent}{' ' * len(head)}{finding.hint}"] if finding.hint and not finding.held else []
    shown = click.style(mark, fg=hue) if colour else mark
    return [f"{shown} {lines[0]}", *(f"{indent}{line}" for line in lines[1:]), *hint]


def _foot(diagnosis: Diagnosis) -> str:
    failed = sum(not finding.held for finding in diagnosis.findings)
    told = f"{failed} of {len(diagnosis.findings)} do not hold" if failed else "all of it holds: this machine can grade"
    return f"{told} ({diagnosis.seconds:.1f} s)"
