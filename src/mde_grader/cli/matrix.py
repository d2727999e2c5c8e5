"""The proof of a lab as a matrix: a solution a line, a requirement a column."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from mde_grader.proving import Proof, SolutionProof


@dataclass(frozen=True, slots=True)
class Symbols:
    """What stands in a cell; the two that are wrong must catch the eye."""

    kept: str
    lost: str
    also_lost: str
    not_lost: str
    unknown: str
    ok: str
    wrong: str


FANCY = Symbols("·", "○", "✘", "!", "?", "✔", "✘")
PLAIN = Symbols(".", "o", "X", "!", "?", "ok", "WRONG")
NAME_COLUMNS = 26
NARROW_NAME = 10
TAIL_COLUMNS = 20
GLUE = "\0"
"""Room for points, seconds and the mark at the end of a line."""


def matrix(proof: Proof, *, columns: int = 80, unicode: bool = True, brief: bool = False) -> str:
    """The matrix with its legend; what is not as declared is told under it, one line each.

    Args:
        proof: What to show.
        columns: Width of the screen.
        unicode: Whether the screen shows more than ASCII.
        brief: Leave out the rows that are as declared, and all but the heading when every one is.
    """
    symbols = FANCY if unicode else PLAIN
    shown = [row for row in proof.rows if not (brief and row.ok)]
    if not shown:
        return "\n".join(_heading(proof, columns))
    name, cell = _widths(proof, columns)
    head = " " * name + "".join(f"{number:>{cell}}" for number in _numbers(proof, cell)) + "  points  time"
    lines = [_line(row, proof, symbols, name, cell) for row in shown]
    wrong = [f"  {row.name}: {row.why}" for row in proof.rows if not row.ok]
    return "\n".join([*_heading(proof, columns), head, *lines, *_legend(proof, symbols, columns), *wrong])


def _heading(proof: Proof, columns: int) -> list[str]:
    """The lab, and of a lab with parameters the variant and its values."""
    if proof.variant is None:
        return [proof.lab]
    whose = f"variant {proof.variant.id}, for {proof.candidate}" if proof.candidate else "the practice variant"
    values = "  ".join(f"{name}={value}" for name, value in proof.variant.values.items())
    return [f"{proof.lab}, {whose}", *_wrapped(values, columns)]


def _widths(proof: Proof, columns: int) -> tuple[int, int]:
    """Columns of the names and of one cell; names give way last."""
    name = min(NAME_COLUMNS, max((len(row.name) for row in proof.rows), default=8))
    room = columns - TAIL_COLUMNS
    cell = 3 if name + 3 * len(proof.requirements) <= room else 2
    return max(min(name, room - cell * len(proof.requirements)), NARROW_NAME), cell


def _numbers(proof: Proof, cell: int) -> list[str]:
    """Columns are numbered from 1; where two digits do not fit, by their last."""
    return [str(n) if len(str(n)) < cell else str(n)[-1] for n in range(1, len(proof.requirements) + 1)]


def _line(row: SolutionProof, proof: Proof, symbols: Symbols, name: int, cell: int) -> str:
    shown = row.name if len(row.name) <= name else row.name[: name - 1] + "…"
    cells = "".join(f"{_cell(row, requirement, symbols):>{cell}}" for requirement in proof.requirements)
    mark = symbols.ok if row.ok else symbols.wrong
    return f"{shown:<{name}}{cells}  {row.points:>6.4g} {row.seconds:>4.0f}s {mark}"


def _cell(row: SolutionProof, requirement: str, symbols: Symbols) -> str:
    lost = requirement in row.lost
    if row.graded is not None and requirement not in row.graded:
        return " "
    if row.verdict in {"", "incomplete"}:
        return symbols.unknown
    if row.declares is None:
        return symbols.lost if lost else symbols.kept
    declared = requirement in row.declares
    if lost:
        return symbols.lost if declared else symbols.also_lost
    return symbols.not_lost if declared else symbols.kept


def _legend(proof: Proof, symbols: Symbols, columns: int) -> list[str]:
    named = "  ".join(f"{n} {requirement}" for n, requirement in enumerate(proof.requirements, 1))
    marks = (
        f"{symbols.kept} kept  {symbols.lost} lost as declared  {symbols.also_lost} lost, not declared  "
        f"{symbols.not_lost} declared, not lost  {symbols.unknown} unknown"
    )
    if any(row.graded is not None for row in proof.rows):
        marks += "  blank: not graded"
    return [line for text in (named, marks) for line in _wrapped(text, columns)]


def _wrapped(text: str, columns: int) -> list[str]:
    """Break at double spaces only, so that a number stays with its name."""
    glued = text.replace("  ", "\n").replace(" ", GLUE).replace("\n", " ")
    lines = textwrap.wrap(glued, columns - 4, break_on_hyphens=False, break_long_words=False)
    return [f"  {line.replace(' ', '  ').replace(GLUE, ' ')}" for line in lines]


def summary(proof: Proof) -> str:
    """One line: how many are as declared, and whether the lab is proven."""
    good = sum(row.ok for row in proof.rows)
    seconds = sum(row.seconds for row in proof.rows)
    proven = "proven" if all(row.graded is None for row in proof.rows) else "proven, as far as it was graded"
    verdict = proven if proof.ok else ("not proven: something of ours failed" if proof.incomplete else "not proven")
    return f"{proof.lab}: {good} of {len(proof.rows)} solutions as declared, {seconds:.0f} s of grading: {verdict}"
