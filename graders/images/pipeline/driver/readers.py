"""What the runners print, line by line, for the log. All of it may be the candidate's and is for showing only."""

from __future__ import annotations

import json
import re
from typing import Any

from .folding import Log
from .masking import Mask

_NOISE = (
    *("LocalRepositoryCache", "Cleaning up container", "Reevaluate condition", "Result condition"),
    *("\N{WHITE MEDIUM STAR} Run ", "  \N{GEAR}  ::set-output::", "\N{TEST TUBE}  Matrix: "),
)
_SKIPPED = "\N{CONSTRUCTION SIGN}  Skipping unsupported platform"
_HOUSEKEEPING = {"Set up job", "Complete job"}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_JOB_LINE = re.compile(
    r"(?P<job>\S.*?) +(?P<what>(?:> |>$|\$ |starting |finished in|exported |imported |copied |Running |cache ).*)"
)
_RESULT = re.compile(r" (?P<result>PASS|FAIL|WARN) +(?P<job>\S.*?)(?:  .*)?")
_WORDS = {"PASS": "success", "FAIL": "failure", "WARN": "warning"}
_WIDEST = 100


class ActReader:
    """Reads act's `--json` lines.

    Args:
        log: Where they go.
        mask: Takes secrets out.
        workflow: Path of the workflow that runs.
    """

    def __init__(self, log: Log, mask: Mask, workflow: str) -> None:
        self._log = log
        self._mask = mask
        self._workflow = workflow
        self.started = False
        self.said: list[str] = []
        self.left_out: list[str] = []

    def line(self, text: str, now: float) -> None:
        """Take one line."""
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            self.said.append(self._mask(text))
        elif event.get("jobID"):
            self._of_job(event, now)

    def _of_job(self, event: dict[str, Any], now: float) -> None:
        matrix = ", ".join(str(value) for value in (event.get("matrix") or {}).values())
        job = self._mask(f"{self._workflow}: {str(event.get('job', '')).strip()}{f' ({matrix})' if matrix else ''}")
        step = self._mask(str(event.get("step") or "").strip().partition("\n")[0])[:_WIDEST] or "-"
        message = self._mask(_ESCAPES.sub("", str(event.get("msg", "")).rstrip("\r\n")))
        inner = len(event.get("stepID") or ()) > 1
        if message.startswith(_SKIPPED):
            # act goes on and calls the run a success.
            self.left_out.append(f"{job} is not run: there is no such runner as its runs-on names")
        elif event.get("jobResult"):
            self._log.finish(job, str(event["jobResult"]))
        elif step in _HOUSEKEEPING or event.get("stage") == "Pre" or message.startswith(_NOISE):
            return
        elif event.get("stepResult"):
            took = int(event.get("executionTime") or 0) / 1e9
            if not inner:
                self._log.end(job, step, f"{event['stepResult']} in {took:.1f} s", quiet=event.get("stage") == "Post")
        else:
            self._log.line(job, step, message, now)
        self.started = self.started or step != "-"


class GitlabReader:
    """Reads gitlab-ci-local's lines.

    Args:
        log: Where they go.
        mask: Takes secrets out.
    """

    def __init__(self, log: Log, mask: Mask) -> None:
        self._log = log
        self._mask = mask
        self._jobs: set[str] = set()
        self.said: list[str] = []

    def line(self, text: str, now: float) -> None:
        """Take one line."""
        text = self._mask(_ESCAPES.sub("", text).rstrip())
        of_job, result = _JOB_LINE.fullmatch(text), _RESULT.fullmatch(text)
        if result:
            self._log.finish(result["job"], _WORDS[result["result"]])
        elif of_job and (of_job["job"] in self._jobs or of_job["what"].startswith("starting ")):
            self._of_job(of_job["job"], of_job["what"], now)
        elif text:
            self.said.append(text)

    @property
    def started(self) -> bool:
        """Whether any job has begun."""
        return bool(self._jobs)

    def _of_job(self, job: str, what: str, now: float) -> None:
        if what.startswith("starting "):
            self._jobs.add(job)
        elif what.startswith("finished in"):
            self._log.end(job, "script", what)
        else:
            self._log.line(job, "script", what.removeprefix(">").removeprefix(" "), now)


class PlainReader:
    """Reads what make prints, which has no parts.

    Args:
        log: Where it goes.
        mask: Takes secrets out.
    """

    def __init__(self, log: Log, mask: Mask) -> None:
        self._log = log
        self._mask = mask
        self.started = False
        self.said: list[str] = []

    def line(self, text: str, now: float) -> None:
        """Take one line."""
        self.said = [text]
        self.started = self.started or not text.startswith("make: ***")
        self._log.line("pipeline", "make", self._mask(text), now)
