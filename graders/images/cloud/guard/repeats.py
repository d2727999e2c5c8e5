"""What was answered, for callers that ask again because they did not hear it.

On a machine that is too busy an answer can be lost after the call was carried out. AWS's SDKs then send the call
again, with the same `amz-sdk-invocation-id`. Carried out twice, "create" finds its own thing in the way and "revoke"
finds nothing to revoke, and an honest configuration would be blamed for that.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from .answers import Answer

KEPT = 512
"""Answers that are kept, the newest; a call is sent again within seconds."""
LARGEST = 256 * 1024
"""Bytes of a body that is kept; those of calls that change something have a few thousand."""


@dataclass
class Repeats:
    """The newest answers, by call; who uses it sees to it that one call is looked at at a time."""

    _answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)

    def of(self, call: str) -> Answer | None:
        """What was answered to that very call; None for a new one, and for one without a mark."""
        return self._answers.get(call)

    def keep(self, call: str, answer: Answer) -> None:
        """Remember an answer."""
        if call and len(answer.body) <= LARGEST:
            self._answers[call] = answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()


def mark(invocation: str, *parts: str, body: bytes) -> str:
    """Stands for one call of one caller; empty where the SDK gave it no id.

    Args:
        invocation: The SDK's id of the call, the same each time that it is sent.
        parts: Who asks, and for what: an id alone would let one call be answered like another.
        body: The request's body.
    """
    if not invocation:
        return ""
    told = "\0".join((invocation, *parts)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(told + b"\0" + hashlib.sha256(body).digest()).hexdigest()
