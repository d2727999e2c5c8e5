"""The tokens of a small language, such as that of conditions and of expressions."""

from __future__ import annotations

import re


def tokens(text: str, form: re.Pattern[str], error: type[ValueError]) -> list[tuple[str, str]]:
    """The tokens of a text, each with its kind; white space at the end is none.

    Args:
        text: What is read.
        form: One token with the white space before it; which of its groups matched is its kind.
        error: What is raised.

    Raises:
        ValueError: As `error`, where no token begins.
    """
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = form.match(text, at)
        if match is None:
            raise error(f"cannot be read from `{text[at:].strip()[:20]}` on")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    return found
