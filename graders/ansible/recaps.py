"""The last words of `ansible-playbook`: what it says to have done on each host.

They are said in a container in which the candidate's code runs, so that they decide nothing that facts can decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r"^PLAY RECAP \*+\s*$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAILURES = ("fatal: [", "failed: [", "[ERROR]", "ERROR!")
_ROW = re.compile(
    r"^(?P<host>\S+)\s*: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)"
    r"\s+unreachable=(?P<unreachable>\d+)\s+failed=(?P<failed>\d+)"
)


@dataclass(frozen=True, slots=True)
class Recap:
    """Numbers of tasks on one host."""

    ok: int
    changed: int
    unreachable: int
    failed: int


def recaps(output: str) -> dict[str, Recap]:
    r"""The recap of each host, from the last one that was printed; none when there is none.

    >>> recaps("PLAY RECAP ****\nweb : ok=4    changed=1    unreachable=0    failed=0    skipped=1\n")["web"].changed
    1
    """
    plain = _COLOUR.sub("", output)
    headings = list(_HEADING.finditer(plain))
    if not headings:
        return {}
    rows = [_ROW.match(line) for line in plain[headings[-1].end() :].splitlines()]
    return {row["host"]: _recap(row) for row in rows if row}


def _recap(row: re.Match[str]) -> Recap:
    return Recap(int(row["ok"]), int(row["changed"]), int(row["unreachable"]), int(row["failed"]))


def changes_told(output: str) -> str:
    r"""The lines of an output that tell of changes or failures, for a person to read.

    >>> changes_told("TASK [Settings] ***\nok: [a]\nTASK [Token] ***\nchanged: [b]\n")
    'TASK [Token] ***\nchanged: [b]'
    """
    told: list[str] = []
    heading = ""
    for line in _COLOUR.sub("", output).splitlines():
        if line.startswith(("TASK [", "RUNNING HANDLER [")):
            heading = line
        elif line.startswith(("changed: [", *_FAILURES)):
            told += [heading, line] if heading else [line]
            heading = ""
    return "\n".join(told)


def first_failure(output: str) -> str:
    r"""The first line that tells of a failure, cut to a sentence's length; empty when there is none.

    >>> first_failure("TASK [a] ***\nfatal: [web]: FAILED! => {}\n")
    'fatal: [web]: FAILED! => {}'
    """
    lines = _COLOUR.sub("", output).splitlines()
    return next((line[:300] for line in lines if line.startswith(_FAILURES)), "")
