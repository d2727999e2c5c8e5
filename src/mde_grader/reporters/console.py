"""The scorecard for a terminal: the verdict, a line a requirement, then what to fix, best first.

With a height it keeps to one screen, step by step: requirements that passed fold into one line, failures beyond the
screen are only counted, texts keep one line each. The HTML has them all.
"""

from __future__ import annotations

from dataclasses import dataclass

from mde_grader.model import Outcome, RequirementResult, Scorecard, Status, Verdict
from mde_grader.reporters.base import (
    VERDICTS,
    Fix,
    dialect,
    fixes,
    headline,
    lost_gates,
    needed,
    notes,
    points,
    prepared,
    seconds,
    span,
    stopped,
    unchecked,
    variant,
    waits_for,
)
from mde_grader.reporters.cells import cells, fit, pad, paint, plain, wrap

_MARKS = {Status.PASSED: "✔", Status.FAILED: "✘", Status.SKIPPED: "∅", Status.ERRORED: "!"}
_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.SKIPPED: "dim", Status.ERRORED: "yellow"}
_VERDICT_STYLES = {
    Verdict.PASSED: ("✔", "bold green"),
    Verdict.FAILED: ("✘", "bold red"),
    Verdict.INCOMPLETE: ("!", "bold yellow"),
}
_NARROWEST = 40
_WIDEST = 110
_LABEL = 10
_TIGHTEST = 3
_FEWEST_ROWS = 6


@dataclass(frozen=True, slots=True)
class _Screen:
    """What the terminal can do (cells across, colour), and how tightly to use it.

    `tight`: 0 tells everything, 1 folds what passed and counts the fixes that find no room, 2 keeps every text to one
    line, 3 cuts the list of requirements as well.
    """

    width: int
    color: bool
    tight: int = 0

    def paint(self, text: str, style: str) -> str:
        return paint(text, style, color=self.color)


def render(  # noqa: PLR0913 - the terminal's properties, each by name
    card: Scorecard,
    *,
    width: int = 80,
    height: int = 0,
    color: bool = False,
    unicode: bool = True,
    html: str = "",
    reveal: bool = False,
) -> str:
    """The report for a terminal.

    Args:
        card: Any scorecard.
        width: Cells across; 40 to 110 are used.
        height: Lines of the screen, 0 for a report of any length.
        color: Use ANSI colours.
        unicode: False writes ASCII only.
        html: Where the full report is, for the last line.
        reveal: Keep titles and evidence of hidden checks.
    """
    card = prepared(card, reveal=reveal)
    across = min(max(width, _NARROWEST), _WIDEST)
    # One line is left for the prompt.
    lines = next(
        lines
        for tight in range(_TIGHTEST + 1)
        if len(lines := _report(card, _Screen(across, color, tight), height - 1, html)) < height
        or tight == _TIGHTEST
        or not height
    )
    text = "\n".join(lines) + "\n"
    return text if unicode else plain(text)


def _report(card: Scorecard, screen: _Screen, height: int, html: str) -> list[str]:
    head = [*_header(card, screen), "", *_fault(card, screen)]
    tail = _footer(card, screen, html)
    return [*head, *_body(card, screen, height - len(head) - len(tail)), *tail]


def _header(card: Scorecard, screen: _Screen) -> list[str]:
    mark, style = _VERDICT_STYLES[card.verdict]
    name = fit(card.submission.name, screen.width // 3)
    title = fit(f"{card.lab.id} · {card.lab.title}", screen.width - cells(name) - 2)
    gap = " " * (screen.width - cells(title) - cells(name))
    score = f"{span(card.points, card.points_high)} of {card.possible}"
    left = f"{mark} {VERDICTS[card.verdict].upper()}"
    right = f"{score} points{_goal(card) if screen.width >= 60 else ''}"  # noqa: PLR2004 - the rest fills 40 cells
    bar = _bar(card, max(screen.width - cells(left) - cells(right) - 4, 0))
    return [
        f"{screen.paint(title, 'bold')}{gap}{screen.paint(name, 'dim')}",
        _joined(screen.paint(left, style), screen.paint(bar, style.split()[-1]), right),
    ]


def _goal(card: Scorecard) -> str:
    """What the points are measured by; a part has no pass mark of its own."""
    return " of this part" if card.partial else f", {points(needed(card))} to pass"


def _joined(left: str, bar: str, right: str) -> str:
    """Verdict, bar and points on one line; without the bar where the screen is too narrow for one."""
    return "  ".join(part for part in (left, bar, right) if part)


def _bar(card: Scorecard, width: int) -> str:
    """Full blocks for points that are certain; nothing on a screen with no room."""
    if width < 6:  # noqa: PLR2004 - a shorter bar says nothing
        return ""
    full = int(width * card.percent / 100)
    return "█" * full + "░" * (width - full)


def _fault(card: Scorecard, screen: _Screen) -> list[str]:
    fault = card.fault
    if fault is None:
        return []
    whose = "yellow" if fault.owner != "candidate" else "red"
    lines = [screen.paint(line, f"bold {whose}") for line in wrap(stopped(fault), screen.width)]
    for label, text in (("problem", fault.message), ("where", fault.where), ("do this", fault.hint)):
        lines += _labelled(label, text, screen, most=6)
    lines += _printed(fault.said, screen)
    lines.append(screen.paint(f"  rule      {fault.rule}", "dim"))
    return [*lines, ""]


def _printed(said: str, screen: _Screen) -> list[str]:
    """The last lines that a program printed, each on a line of its own: the very last one tells the most."""
    last = [line for line in said.split("\n") if line.strip()][-6 if screen.tight <= 1 else -1 :]
    shown = [fit(line, screen.width - _LABEL - 2) for line in last]
    tags = [screen.paint(f"  {'printed':<{_LABEL}}", "dim"), *[" " * (_LABEL + 2)] * len(shown)]
    return [tag + line for tag, line in zip(tags, shown, strict=False)]


def _body(card: Scorecard, screen: _Screen, room: int) -> list[str]:
    """Rows and fixes; when it is tight, within `room` lines as far as that goes."""
    if not any(row.outcomes for row in card.results):
        return []
    found = [fix for fix in fixes(card) if fix.outcomes]
    rows = [*_rows(card, screen), *_unchecked(card, screen)]
    return [*rows, *_fixes(found, screen, room - len(rows))]


def _rows(card: Scorecard, screen: _Screen) -> list[str]:
    by_id = {row.requirement.id: row for row in card.results}
    passed = [row for row in card.results if row.status is Status.PASSED]
    shown = [row for row in card.results if not (screen.tight and row.status is Status.PASSED)]
    cut = shown[:_FEWEST_ROWS] if screen.tight == _TIGHTEST else shown
    lines = [_row(row, by_id, screen) for row in cut]
    if len(shown) > len(cut):
        lines.append(f"  … and {len(shown) - len(cut)} more that did not pass")
    if screen.tight and passed:
        text = f"{len(passed)} passed: {', '.join(row.requirement.id for row in passed)}"
        folded = wrap(text, screen.width - 2, most=2 if screen.tight == 1 else 1)
        lines.append(f"{screen.paint('✔', 'green')} {folded[0]}")
        lines += [f"  {line}" for line in folded[1:]]
    return [*lines, ""]


def _row(row: RequirementResult, rows: dict[str, RequirementResult], screen: _Screen) -> str:
    score = f"{span(row.points, row.points_high)}/{row.requirement.points}"
    waiting = ", ".join(need.id for need in waits_for(row, rows))
    title = row.requirement.title + (f" (waits for {waiting})" if waiting else "")
    style = _STYLES[row.status]
    text = pad(title, screen.width - 2 - max(cells(score), 7) - 1)
    shown = screen.paint(text, "dim") if row.status is Status.SKIPPED else text
    return f"{screen.paint(_MARKS[row.status], style)} {shown} {score:>7}"


def _unchecked(card: Scorecard, screen: _Screen) -> list[str]:
    """Why something could not be checked: the first two reasons."""
    texts = unchecked(card)[: 2 if screen.tight <= 1 else 1]
    lines = [line for text in texts for line in wrap(text, screen.width - 2, most=2 if screen.tight <= 1 else 1)]
    if not lines:
        return []
    return [screen.paint("Not checked, through no fault of yours", "bold yellow"), *[f"  {line}" for line in lines], ""]


def _fixes(found: list[Fix], screen: _Screen, room: int) -> list[str]:
    """As many as the room has; the first one always."""
    if not found:
        return []
    lines = [screen.paint("Best to fix first", "bold")]
    for number, fix in enumerate(found, 1):
        block = _fix(number, fix, screen)
        left = len(found) - number
        # The line that counts the rest, and the blank line after it, need their place too.
        if screen.tight and number > 1 and len(lines) + len(block) + (1 if left else 0) + 1 > room:
            lines.append(f"… and {left + 1} more in the full report")
            break
        lines += block
    return [*lines, ""]


def _fix(number: int, fix: Fix, screen: _Screen) -> list[str]:
    gain = f"+{points(fix.gain)}"
    gate = "must hold; " if fix.row.requirement.gate else ""
    opens = f", opens {len(fix.unblocks)} more" if fix.unblocks else ""
    right = f"  ({gate}{gain}{opens})"
    title = fit(f"{number}. {fix.row.requirement.title}", screen.width - cells(right))
    lines = [screen.paint(title, "bold") + screen.paint(right, "cyan")]
    lines += _outcome(fix.outcomes[0], screen)
    more = len(fix.outcomes) - 1
    lines += _labelled("also", f"{more} more check{'s' * (more > 1)} of this requirement" if more else "", screen)
    return lines + _labelled("hint", fix.row.requirement.hint, screen)


def _outcome(outcome: Outcome, screen: _Screen) -> list[str]:
    """What the first check that did not pass has to say, in short."""
    evidence = outcome.evidence
    if evidence is None:
        return _labelled("why", outcome.reason, screen)
    lines = []
    for label, text in (("expected", evidence.expected), ("seen", evidence.seen), ("see it", evidence.look)):
        lines += _labelled(label, text, screen)
    return lines


def _labelled(label: str, text: str, screen: _Screen, *, most: int = 2) -> list[str]:
    """A label and its text beside it, on few lines; nothing when the text is empty."""
    if not text.strip():
        return []
    first, *rest = wrap(text.strip("\n"), screen.width - _LABEL - 2, most=most if screen.tight <= 1 else 1)
    tag = screen.paint(f"  {label:<{_LABEL}}", "dim")
    return [tag + first, *[" " * (_LABEL + 2) + line for line in rest]]


def _footer(card: Scorecard, screen: _Screen, html: str) -> list[str]:
    count, most = (3, 2) if screen.tight <= 1 else (1, 1)
    lines = [line for note in notes(card)[:count] for line in wrap(f"Note: {note}", screen.width, most=most)]
    for label, text in [*dialect(card), *variant(card)]:
        lines += [screen.paint(line, "dim") for line in wrap(f"{label} {text}", screen.width, most=most)]
    if card.fault is None and (card.verdict is Verdict.INCOMPLETE or lost_gates(card)):
        lines += wrap(f"{VERDICTS[card.verdict]}: {headline(card)}", screen.width)
    lines.append(screen.paint(f"Graded in {seconds(card.seconds)}.", "dim") + (f" Full report: {html}" if html else ""))
    return lines
