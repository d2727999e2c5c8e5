"""Reports are what they were. `MDE_UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew; read the difference.

A file is named after its story and the exit code that `mde-grade` gives for it, as in `fail-1.md`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mde_grader.model import Scorecard, Verdict
from mde_grader.reporters import FORMATS, github
from tests.golden.cards import CARDS

HERE = Path(__file__).parent
UPDATE = os.environ.get("MDE_UPDATE_GOLDEN") == "1"
EXITS = {Verdict.PASSED: "0", Verdict.FAILED: "1", Verdict.INCOMPLETE: "3"}

RENDERERS: dict[str, Callable[[Scorecard], str]] = {
    **{each.extension: each.render for each in FORMATS.values()},
    ".80x24.txt": lambda card: FORMATS["console"].render(card, height=24, html="scorecard.html"),
    ".ascii.txt": lambda card: FORMATS["console"].render(card, unicode=False),
    ".github": lambda card: github.render(card, token="0123456789abcdef", root="amina", text="as printed\n"),
}
"""Ending of a golden file to what writes it."""


@pytest.mark.parametrize("ending", RENDERERS)
@pytest.mark.parametrize("name", CARDS)
def test_a_report_is_what_it_was(name: str, ending: str) -> None:
    text = RENDERERS[ending](CARDS[name]())
    path = HERE / "reports" / f"{name}{ending}"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    assert path.read_bytes() == text.encode(), f"{path.name} differs; MDE_UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("name", CARDS)
def test_the_names_exit_code_is_that_of_the_verdict(name: str) -> None:
    assert name.rsplit("-", 1)[1] == EXITS[CARDS[name]().verdict]


def test_no_golden_file_is_left_over() -> None:
    found = {path.name for path in (HERE / "reports").iterdir()}
    assert found == {f"{name}{ending}" for name in CARDS for ending in RENDERERS}
