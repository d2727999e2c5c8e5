"""The scorecard as JSON: the record from which every other format can be made again.

Nothing is hidden here but what the caller asks to hide: whoever keeps this file keeps the whole result.
"""

from __future__ import annotations

import json

from mde_grader.codec.scorecards import scorecard_to
from mde_grader.model import Scorecard
from mde_grader.reporters.base import prepared


def render(card: Scorecard, *, reveal: bool = True) -> str:
    """JSON in ASCII, two spaces of indentation, a line feed at the end.

    Args:
        card: Any scorecard.
        reveal: Keep titles and evidence of hidden checks. Without it, every text is cleaned once more, too.
    """
    data = scorecard_to(card if reveal else prepared(card))
    return json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
