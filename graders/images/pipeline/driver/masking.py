"""Secrets taken out of a log as the platforms do it.

GitHub masks a secret and each line of one with several:
https://docs.github.com/en/actions/reference/security/secure-use#redacting-secrets-from-workflow-run-logs. GitLab masks
a variable of one line, 8 characters or more, without white space: https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .orders import Order

GITHUB_MASK, GITLAB_MASK = "***", "[MASKED]"
LEAST = 8
"""Characters of a variable that GitLab can mask."""
SHORTEST_LINE = 4
"""Characters of a line below which masking it would only make the log unreadable."""


class Mask:
    """Replaces words, the longest first.

    Args:
        words: What is taken out.
        sign: What stands in its place.
    """

    def __init__(self, words: Iterable[str], sign: str) -> None:
        self._words = sorted({word for word in words if word}, key=len, reverse=True)
        self._sign = sign

    def __call__(self, text: str) -> str:
        """The text without them."""
        for word in self._words:
            text = text.replace(word, self._sign)
        return text


def mask_for(order: Order) -> Mask:
    """The mask of a dialect."""
    if order.dialect == "github":
        return Mask(_lines(order.secrets), GITHUB_MASK)
    fit = (text for text in order.secrets.values() if len(text) >= LEAST and not any(map(str.isspace, text)))
    return Mask(fit if order.dialect == "gitlab" else (), GITLAB_MASK)


def _lines(secrets: Mapping[str, str]) -> Iterable[str]:
    for text in secrets.values():
        lines = [line.strip() for line in text.splitlines()]
        yield text
        yield from (line for line in lines if len(line) >= SHORTEST_LINE)
