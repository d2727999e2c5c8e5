"""What a measurement found, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was measured.

    Attributes:
        name: Stable, `memory`.
        title: What it is about.
        held: Whether it is as grading needs it.
        wanted: What grading needs.
        seen: What was measured, with its figures.
        hint: The next step where it does not hold.
        seconds: Time of the measurement.
    """

    name: str
    title: str
    held: bool
    wanted: str
    seen: str
    hint: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was measured.

    Attributes:
        engine: What the engine says of itself.
        isolation: The level of isolation that was reached.
        findings: In the order of the table.
        seconds: Wall time of it all.
    """

    engine: Mapping[str, str] = field(default_factory=dict)
    isolation: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        """Whether everything is as grading needs it."""
        return bool(self.findings) and all(finding.held for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "schema": "mde-grade/doctor/1",
            "held": self.held,
            "engine": dict(self.engine),
            "isolation": self.isolation,
            "seconds": round(self.seconds, 3),
            "findings": [asdict(finding) for finding in self.findings],
        }
