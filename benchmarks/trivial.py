"""(e) The smallest honest attempt: a page that is served, and ten checks."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.ground import ROOT, TRIVIAL, Ground, command, environment, ground
from benchmarks.pairs import Ceiling, by_turns
from benchmarks.raw import Rig
from mde_grader.attempts import AttemptRequest, grade
from mde_grader.model import Progress, Verdict

GOAL = 0.55
"""Seconds an attempt, in a process that grades one after the other."""

URL = "http://web:8080/"


def run(pairs: int = 20) -> list[Ceiling]:
    """Measure attempts within one process against the engine's work alone, and as whole processes for information."""
    found = ground(TRIVIAL)
    with tempfile.TemporaryDirectory(prefix="mde-runs-") as state:

        def within() -> None:
            card = grade(AttemptRequest(found.lab, found.folder, run_dir=Path(state)), _silent).card
            assert card.verdict is Verdict.PASSED, card.verdict

        def whole() -> None:
            line = command(TRIVIAL, found.folder)
            subprocess.run(line, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment(state))

        inner = by_turns(lambda: engine_alone(found), within, pairs)
        outer = by_turns(lambda: engine_alone(found), whole, pairs)
    found.engine.runtime.close()
    return [
        Ceiling("trivial lab, one process for all", inner[1], GOAL, "s", pairs, inner[0]),
        Ceiling("trivial lab, a process for each", outer[1], None, "s", pairs, outer[0]),
    ]


def engine_alone(found: Ground) -> None:
    """Build from the cache, start, ask ten things, take down."""
    rig = Rig(found)
    rig.up(rig.build(found.folder))
    container = rig.running["web"]
    for path in ("", "", "nothing-here"):
        rig.agent.http("GET", URL + path)
    for _ in range(2):
        rig.client.inspect_container(container)
    for path in ("/srv/page/index.html", "/srv/page/index.html", "/index.html"):
        rig.agent.ask("stat", service=container, path=path)
    rig.agent.ask("sockets", service=container, listening=True)
    rig.agent.ask("processes", service=container)
    rig.down()


def _silent(_: Progress) -> None:
    return
