"""What Terraform says with `-json`: one JSON object a line.

The format: https://developer.hashicorp.com/terraform/internals/machine-readable-ui. A provisioner's output is among the
lines as text of theirs, so that nothing said here decides a grade: it explains one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.terraform.values import Object, mapping, parsed

SHOWN = 400
"""Characters of an explanation."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning.

    Attributes:
        severity: `error` or `warning`.
        summary: In a few words.
        detail: The rest; empty for many.
        address: Resource that it is about; empty for none.
        where: `main.tf:12`; empty for none.
    """

    severity: str
    summary: str
    detail: str
    address: str
    where: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        place = " ".join(part for part in (self.where, self.address and f"({self.address})") if part)
        detail = " ".join(self.detail.split())
        told = ": ".join(part for part in (place, self.summary, detail) if part)
        return told if len(told) <= SHOWN else f"{told[: SHOWN - 1]}…"


@dataclass(frozen=True, slots=True)
class Hook:
    """Something that happened to one resource: `apply_start`, `apply_complete`, `apply_errored`, `refresh_start`..."""

    kind: str
    address: str
    action: str
    seconds: float


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Every diagnostic of an output with `-json`; also of `validate -json`, whose output is one object."""
    found = [mapping(row.get("diagnostic")) for row in _rows(text) if row.get("type") == "diagnostic"]
    if not found:
        try:
            listed = parsed(text).get("diagnostics")
        except ValueError:
            listed = None
        found = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return tuple(_diagnostic(row) for row in found)


def first_error(text: str, otherwise: str = "") -> str:
    """The first error in one line, for an output with `-json` or for people; `otherwise` when there is none."""
    errors = [found for found in diagnostics(text) if found.severity == "error"]
    if errors:
        return errors[0].line
    lines = [" ".join(line.strip(" ╷│╵").split()) for line in text.splitlines()]
    plain = [line for line in lines if line.startswith("Error:")]
    return plain[0].removeprefix("Error:").strip()[:SHOWN] if plain else otherwise


def hooks(text: str) -> tuple[Hook, ...]:
    """What happened, in order."""
    rows = [(row, mapping(row.get("hook"))) for row in _rows(text) if "hook" in row]
    return tuple(
        Hook(
            str(row.get("type", "")),
            str(mapping(hook.get("resource")).get("addr", "")),
            str(hook.get("action", "")),
            float(seconds) if isinstance(seconds := hook.get("elapsed_seconds", 0), int | float) else 0.0,
        )
        for row, hook in rows
    )


def _rows(text: str) -> Iterator[Object]:
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield parsed(line)
            except ValueError:
                continue


def _diagnostic(row: Object) -> Diagnostic:
    span = mapping(row.get("range"))
    start = mapping(span.get("start")).get("line")
    where = f"{span['filename']}:{start}" if isinstance(span.get("filename"), str) and start else ""
    severity, summary, detail, address = (
        str(row.get(name) or "") for name in ("severity", "summary", "detail", "address")
    )
    return Diagnostic(severity, summary, detail, address, where)
