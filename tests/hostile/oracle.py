"""What must hold for every attack, whatever it is: one function, applied to all.

The documented promises: an exit code of the table and no traceback; an end by the lab's deadline and half a minute;
less than 256 MB of memory; less than 1 GB of disk while it runs and 50 MB after; nothing left on the engine; no more
points than an honest failure gets; canaries untouched; every output file valid.
"""

from __future__ import annotations

import html.parser
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from mde_grader.codec.schemas import problems
from tests.hostile.watching import Observed

MB = 1_000_000
LATE = 30.0
MEMORY = 256 * MB
DISK_PEAK = 1_000 * MB
DISK_AFTER = 50 * MB
EXIT_CODES = {0, 1, 2, 3, 4, 130}
FILES = ("scorecard.json", "scorecard.xml", "scorecard.md", "scorecard.html")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_OWN_FRAME = re.compile(r'File "[^"]*mde_grader/')
_FORBIDDEN_TAGS = {"script", "iframe", "object", "embed", "base", "form", "link", "foreignobject"}


@dataclass(frozen=True)
class Case:
    """One attack, as its `expected.json` tells it."""

    name: str
    folder: Path
    told: dict[str, Any]

    @property
    def lab(self) -> str:
        """Id of the lab that it is handed in for."""
        return str(self.told["lab"])


@dataclass(frozen=True)
class Traces:
    """What one run left: its folders for output, state and temporary files, disk lost, the engine's left-overs."""

    output: Path
    state: Path
    temporary: Path
    disk_after: int
    engine: list[str]
    secrets: tuple[str, ...]


def broken_promises(case: Case, seen: Observed, traces: Traces, *, deadline: float) -> list[str]:
    """Every promise that this run broke, in words; empty when all held."""
    return [
        *_end(case, seen, deadline),
        *_resources(seen, traces),
        *_leftovers(seen, traces),
        *_files(case, traces),
        *_words(case, seen, traces),
        *_score(case, traces),
    ]


def _end(case: Case, seen: Observed, deadline: float) -> Iterator[str]:
    wanted = case.told["exit"]
    if seen.exit not in EXIT_CODES:
        yield f"ended with {seen.exit}, which is no documented exit code"
    if wanted is not None and seen.exit != wanted:
        yield f"ended with {seen.exit}, not {wanted}: {seen.stderr.decode(errors='replace')[-600:]}"
    if wanted is None and seen.exit not in {0, 1}:
        yield f"ended with {seen.exit}, neither 0 nor 1"
    if seen.seconds > deadline + LATE:
        yield f"took {seen.seconds:.1f} s, the deadline is {deadline:.0f} s"


def _resources(seen: Observed, traces: Traces) -> Iterator[str]:
    if seen.peak_memory >= MEMORY:
        yield f"held {seen.peak_memory / MB:.0f} MB of memory"
    if seen.peak_disk >= DISK_PEAK:
        yield f"took {seen.peak_disk / MB:.0f} MB of disk at its peak"
    if traces.disk_after >= DISK_AFTER:
        yield f"kept {traces.disk_after / MB:.0f} MB of disk"


def _leftovers(seen: Observed, traces: Traces) -> Iterator[str]:
    yield from traces.engine
    yield from (f"process left: {name}" for name in seen.left_processes)
    work = traces.state / "mde-grade" / "work"
    yield from (f"work folder left: {path.name}" for path in (work.iterdir() if work.is_dir() else ()))
    yield from (f"temporary file left: {path.name}" for path in traces.temporary.iterdir())


def _files(case: Case, traces: Traces) -> Iterator[str]:
    missing = [name for name in FILES if not (traces.output / name).is_file()]
    if missing:
        yield f"not written: {', '.join(missing)}"
        return
    card = json.loads((traces.output / "scorecard.json").read_text(), parse_constant=_refuse)
    yield from (f"scorecard.json: {line}" for line in problems("scorecard", card))
    try:
        ET.parse(traces.output / "scorecard.xml")  # noqa: S314 - our own file; a bomb in it would be a finding
    except ET.ParseError as error:
        yield f"scorecard.xml: {error}"
    yield from _page((traces.output / "scorecard.html").read_text(encoding="utf-8"))
    for name in FILES[1:]:
        text = (traces.output / name).read_text(encoding="utf-8")
        yield from (f"{name} holds {word!r}" for word in case.told.get("absent", ()) if word in text.casefold())


def _refuse(name: str) -> None:
    raise ValueError(f"{name} in scorecard.json")


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("http-equiv", "") == "Content-Security-Policy":
            self.policy = given.get("content") or ""
        if tag in _FORBIDDEN_TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in given.items():
            address = name in {"href", "src", "action", "data", "srcset"} and not str(value).startswith(
                ("#", "data:image/")
            )
            if name.startswith("on") or address:
                self.wrong.append(f"<{tag} {name}={value!r}>")


def _page(text: str) -> Iterator[str]:
    tags = _Tags()
    tags.feed(text)
    yield from (f"scorecard.html: {what}" for what in tags.wrong)
    if "default-src 'none'" not in tags.policy:
        yield f"scorecard.html: its content security policy is {tags.policy!r}"


def _words(case: Case, seen: Observed, traces: Traces) -> Iterator[str]:
    """No traceback of ours, no control sequence, and none of the host's secrets in anything that a person reads."""
    texts = {"stdout": seen.stdout.decode(errors="replace"), "stderr": seen.stderr.decode(errors="replace")}
    runs = traces.state / "mde-grade" / "runs"
    for path in [*traces.output.rglob("*"), *(runs.rglob("*") if runs.is_dir() else ())]:
        if path.is_file():
            texts[path.name] = path.read_text(encoding="utf-8", errors="replace")
    if (traces.output / "scorecard.json").is_file():
        texts["the scorecard's texts"] = "\n".join(_strings(json.loads((traces.output / "scorecard.json").read_text())))
    for name, text in texts.items():
        yield from (f"{name} tells a secret of the host" for secret in traces.secrets if secret in text)
        if name.endswith(".log") or name == "log.txt":
            continue
        if (name == "stderr" and _TRACEBACK.search(text)) or _OWN_FRAME.search(text):
            yield f"{name} holds a traceback: {text[:300]}"
        found = _CONTROL.search(text)
        if found:
            yield f"{name} holds {found[0]!r} near {text[max(0, found.start() - 30) : found.end() + 30]!r}"
    yield from _workflow_commands(texts["stdout"] + texts["stderr"])


def _strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield str(name)
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def _workflow_commands(text: str) -> Iterator[str]:
    if re.search(r"^::(?!stop-commands)", text, re.MULTILINE):
        yield "a line of the output is a workflow command"


def _score(case: Case, traces: Traces) -> Iterator[str]:
    if not (traces.output / "scorecard.json").is_file():
        return
    card = json.loads((traces.output / "scorecard.json").read_text())
    points, high = card["points"], card["points_high"]
    if case.told["verdict"] is not None and card["verdict"] != case.told["verdict"]:
        yield f"the verdict is {card['verdict']}, not {case.told['verdict']}: {_summary(card)}"
    if card["verdict"] == "incomplete" or points != high or "errored" in _statuses(card):
        yield f"something errored: {_summary(card)}"
    if "score" in case.told and points != case.told["score"]:
        yield f"{points} points, not {case.told['score']}: {_summary(card)}"
    if points > case.told.get("max_score", 100):
        yield f"{points} points, at most {case.told['max_score']} are honest: {_summary(card)}"
    fault = card.get("fault") or {}
    if "rule" in case.told and fault.get("rule") != case.told["rule"]:
        yield f"the rule is {fault.get('rule')}, not {case.told['rule']}: {fault.get('message')}"
    if fault.get("owner") == "grader":
        yield f"our own fault: {fault}"


def _statuses(card: dict[str, Any]) -> set[str]:
    return {outcome["status"] for row in card["results"] for outcome in row["outcomes"]}


def _summary(card: dict[str, Any]) -> str:
    rows = {row["requirement"]: row["status"] for row in card["results"]}
    errored = [o.get("reason") for row in card["results"] for o in row["outcomes"] if o["status"] == "errored"]
    fault = card.get("fault") or {}
    return f"{rows} {fault.get('rule', '')} {fault.get('message', '')} {errored[:2]}"
