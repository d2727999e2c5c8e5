"""A scorecard as text in one of the formats of `FORMATS`.

Each format's module is loaded when it is first used, because the HTML's template engine takes longer to import than
all the rest of a command.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from mde_grader.model import Scorecard


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        name: What `--format` calls it.
        extension: Of the file that it is written to, with the dot.
        module: Where its `render(card, **options) -> str` stands.
        machine: Whether it is meant for programs.
    """

    name: str
    extension: str
    module: str
    machine: bool = False

    def render(self, card: Scorecard, **options: Any) -> str:  # noqa: ANN401 - each format has its own options
        """The scorecard in this format.

        Args:
            card: Any scorecard.
            options: The format's own, see its `render`.
        """
        text: str = import_module(self.module).render(card, **options)
        return text


FORMATS: dict[str, Format] = {
    "console": Format("console", ".txt", "mde_grader.reporters.console"),
    "json": Format("json", ".json", "mde_grader.reporters.json", machine=True),
    "junit": Format("junit", ".xml", "mde_grader.reporters.junit", machine=True),
    "markdown": Format("markdown", ".md", "mde_grader.reporters.markdown"),
    "html": Format("html", ".html", "mde_grader.reporters.html"),
}
"""The formats that `--format` knows. Annotations for GitHub Actions stand in `reporters.github`."""
