"""Files of variables (`.env`, `env_file`): lines of NAME=value, in Compose's manner."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

from mde_grader.runtimes.policy.interpolate import VariableError, substitute
from mde_grader.runtimes.policy.rules import refuse, shown

MAX_BYTES = 64 * 1024
_MAX_LINES = 200
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])[ \t]*(.*))?", re.DOTALL)
_COMMENT = re.compile(r"(?<!\S)#")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "\\$": "$$"}
_ESCAPE = re.compile(r'\\[nrt"\\$]')


def read_env(text: str, file: str, values: Mapping[str, str], *, raw: bool = False) -> dict[str, str]:
    """The variables of one file, in order.

    Args:
        text: The file's content.
        file: Its name, for errors.
        values: What the lines may use, beside the lines before them; a NAME alone takes its value from here.
        raw: Take what is behind `=` as it stands (`format: raw`).

    Raises:
        SubmissionRefusedError: A line is not NAME=value, or its variables are wrong.
    """
    found: dict[str, str] = {}
    given = ChainMap(dict(values), found)
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{file}:{number}"
        match = _LINE.fullmatch(line)
        if match is None:
            raise refuse(
                "compose.env-file", f"`{shown(line)}` is not NAME=value", where=where, hint="use # for comments"
            )
        name, sign, value = match[1], match[2], match[3]
        if sign is None:
            found.update({name: values[name]} if name in values else {})
            continue
        while not raw and _open_quote(value):
            following = next(lines, None)
            if following is None or value.count("\n") > _MAX_LINES:
                raise refuse("compose.env-file", "a quote is not closed", where=where, hint="close it")
            value += "\n" + following[1]
        found[name] = value if raw else _value(value, given, where)
    return found


def _open_quote(value: str) -> bool:
    """Whether a quoted value goes on in the next line."""
    quote = value[:1]
    return quote in {'"', "'"} and _end(value) < 0


def _end(value: str) -> int:
    """Where the quote that opens a value is closed, -1 when nowhere."""
    pattern = r'"(?:[^"\\]|\\.)*+"' if value[0] == '"' else r"'[^']*+'"
    match = re.match(pattern, value, re.DOTALL)
    return match.end() if match else -1


def _value(value: str, values: Mapping[str, str], where: str) -> str:
    try:
        if value[:1] == "'":
            return value[1 : _end(value) - 1]
        if value[:1] == '"':
            inner = value[1 : _end(value) - 1]
            return substitute(_ESCAPE.sub(lambda match: _ESCAPES[match[0]], inner), values)
        return substitute(_COMMENT.split(value, maxsplit=1)[0].strip(), values)
    except VariableError as error:
        raise refuse("compose.env-file", str(error), where=where, hint="use single quotes for text as it is") from None
