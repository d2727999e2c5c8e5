"""Dockerfile text into instructions: directives, comments, continuation lines, flags and here-documents.

The engine never reads the candidate's layout: what is accepted is written anew, one line an instruction, so that two
parsers cannot disagree about where an instruction ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mde_grader.runtimes.policy.rules import refuse, shown

KEYWORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
MAX_INSTRUCTIONS = 500
"""Instructions of all stages together, the ones that are not built included."""

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_MAX_FLAGS = 30
_MAX_FLAG = 4096
_SPACE = " \t\r\f\v"
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
"""Characters that one reader takes for white space or a line's end and another does not: nobody needs them here."""


@dataclass(frozen=True, slots=True)
class Heredoc:
    """One here-document: its delimiter, its text (leading tabs gone for `<<-`), and the word that opened it."""

    name: str
    body: str
    word: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: In capitals.
        flags: `--name=value` pairs; the value is empty for a bare flag.
        rest: What follows the flags, continuation lines joined.
        where: `file:line` of its first line.
        heredocs: Here-documents, in order.
    """

    keyword: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    where: str
    heredocs: tuple[Heredoc, ...] = ()

    def exec_form(self) -> list[str] | None:
        """The words of a JSON form, None when the rest is not one."""
        try:
            words = json.loads(self.rest) if self.rest.startswith("[") else None
        except (ValueError, RecursionError):
            return None
        return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def parse(text: str, file: str, first_line: int = 1) -> tuple[list[Instruction], str]:
    """The instructions of a Dockerfile, and its escape character.

    Args:
        text: The Dockerfile.
        file: Its name, for errors.
        first_line: Where the text begins in that file.

    Raises:
        SubmissionRefusedError: An instruction is unknown or not written correctly.
    """
    lines = text.split("\n")
    odd = next((number for number, line in enumerate(lines, first_line) if _ODD.search(line)), None)
    if odd is not None:
        raise refuse(
            "dockerfile.syntax",
            "a control character, or a line break that is not a plain one",
            where=f"{file}:{odd}",
            hint="write the line anew in a plain-text editor",
        )
    escape = _escape(lines, file)
    numbered = iter(enumerate(lines, first_line))
    found: list[Instruction] = []
    for number, line in numbered:
        if _is_blank(line):
            continue
        where = f"{file}:{number}"
        found.append(_instruction(_joined(line, numbered, escape), numbered, where, escape))
        if len(found) > MAX_INSTRUCTIONS:
            raise refuse(
                "dockerfile.too-many", f"more than {MAX_INSTRUCTIONS} instructions", where=where, hint="use fewer"
            )
    return found, escape


def words(text: str, escape: str = "\\") -> list[str]:
    """Words of a shell-form instruction, split at white space outside quotes; quotes and escapes stay in them."""
    found: list[str] = []
    word: list[str] = []
    quote = ""
    letters = iter(text)
    for letter in letters:
        if letter == escape and quote != "'":
            word += [letter, next(letters, "")]
        elif quote:
            word.append(letter)
            quote = "" if letter == quote else quote
        elif letter.isspace():
            found += ["".join(word)] if word else []
            word = []
        else:
            word.append(letter)
            quote = letter if letter in "\"'" else ""
    return found + (["".join(word)] if word else [])


def bare(word: str, escape: str = "\\") -> str:
    """A word without its quotes and escapes, as the builder will read it."""
    return "".join(letter for letter in word if letter not in {"'", '"', escape})


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _escape(lines: list[str], file: str) -> str:
    """Read the directives at the top. `syntax` is dropped: the lab's builder is the only one here."""
    for number, line in enumerate(lines, 1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        if match[1].lower() == "escape":
            if match[2] not in {"\\", "`"}:
                raise refuse(
                    "dockerfile.syntax", "the escape character is \\ or `", where=f"{file}:{number}", hint="use \\"
                )
            return match[2]
    return "\\"


def _joined(line: str, following: Iterator[tuple[int, str]], escape: str) -> str:
    """A line with its continuation lines; comments and blank lines among them do not count."""
    parts: list[str] = []
    line = line.lstrip()
    while True:
        end = line.rstrip(" \t\r")
        if not end.endswith(escape) or end.endswith(escape * 2):
            return "".join([*parts, line]).strip()
        parts.append(end[:-1])
        following_line = next((text for _, text in following if not _is_blank(text)), None)
        if following_line is None:
            return "".join(parts).strip()
        line = following_line


def _instruction(text: str, following: Iterator[tuple[int, str]], where: str, escape: str) -> Instruction:
    keyword, _, rest = text.replace("\t", " ", 1 if "\t" in text.split(" ", 1)[0] else 0).partition(" ")
    keyword = keyword.upper()
    if keyword == "ONBUILD":
        hint = "write the instruction itself where it is needed"
        raise refuse("dockerfile.instruction", "ONBUILD is not accepted", where=where, hint=hint)
    if keyword not in KEYWORDS:
        raise refuse(
            "dockerfile.instruction",
            f"`{shown(keyword, 30)}` is not an instruction",
            where=where,
            hint=f"instructions are {', '.join(sorted(KEYWORDS))}",
        )
    flags, rest = _flags(rest.strip(_SPACE), where, escape)
    if not rest:
        raise refuse("dockerfile.syntax", f"{keyword} says nothing", where=where, hint="complete or remove it")
    draft = Instruction(keyword, flags, rest, where)
    if keyword not in {"RUN", "COPY", "ADD"} or draft.exec_form() is not None:
        return draft
    return Instruction(keyword, flags, rest, where, _heredocs(rest, following, where, escape))


def _flags(rest: str, where: str, escape: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Split `--name=value` words off the front."""
    found: list[tuple[str, str]] = []
    while rest.startswith("--"):
        # The first word is within the first kilobytes, or it is no flag that anybody means.
        word = words(rest[:_MAX_FLAG], escape)[0]
        rest = rest[len(word) :].strip(_SPACE)
        if word == "--":
            break
        name, _, value = bare(word, "").removeprefix("--").partition("=")
        if escape in word or any(letter.isspace() for letter in value):
            raise refuse(
                "dockerfile.syntax", f"the flag {shown(word)} is not read here", where=where, hint="write it plainly"
            )
        found.append((name, value))
        if len(found) > _MAX_FLAGS:
            raise refuse("dockerfile.syntax", f"more than {_MAX_FLAGS} flags", where=where, hint="use fewer")
    return tuple(found), rest


def _heredocs(rest: str, following: Iterator[tuple[int, str]], where: str, escape: str) -> tuple[Heredoc, ...]:
    found = []
    for word in words(rest, escape) if "<<" in rest else ():
        match = _HEREDOC.fullmatch(word)
        if match is not None:
            name = bare(match[2], escape)
            found.append(Heredoc(name, _body(name, following, where, tabs=bool(match[1])), word))
    return tuple(found)


def _body(name: str, following: Iterator[tuple[int, str]], where: str, *, tabs: bool) -> str:
    lines: list[str] = []
    for _, line in following:
        text = line.lstrip("\t") if tabs else line
        if text == name:
            return "".join(f"{line}\n" for line in lines)
        lines.append(text)
    raise refuse(
        "dockerfile.heredoc",
        f"the here-document <<{shown(name)} is not ended",
        where=where,
        hint=f"end it with {shown(name)}",
    )
