"""All measurements, side by side."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from mde_grader.doctor import builds, limits, networks
from mde_grader.doctor.bench import Bench, measuring_image
from mde_grader.doctor.findings import Diagnosis, Finding
from mde_grader.doctor.stock import stock
from mde_grader.errors import MdeGradeError
from mde_grader.runtimes.docker.client import Engine, RefusalError, connect_engine
from mde_grader.runtimes.docker.isolation import filters_of, isolation_of
from mde_grader.runtimes.docker.logs import LateError

Measure = Callable[[Bench], "Finding | list[Finding]"]

MEASURES: dict[str, Measure] = {
    "memory": limits.memory,
    "pids": limits.pids,
    "log": limits.log,
    "file": limits.file,
    "privileges": limits.privileges,
    "network": networks.ways_out,
    "build-file": builds.file_size,
    "cancel": builds.cancelled,
    "disk": limits.disk,
}
"""In the order of the table."""
SIDE_BY_SIDE = 5


def examine(listener: Callable[[str], None] = lambda _: None) -> Diagnosis:
    """Measure everything.

    Args:
        listener: Told the name of each measurement as it ends.

    Returns:
        What was found; an engine that does not answer is a finding, too.
    """
    began = time.monotonic()
    try:
        engine = connect_engine(os.environ, Path.home())
        info = engine.ask("GET", "/info")
    except MdeGradeError as error:
        found = Finding(
            "engine", "an engine answers", held=False, wanted="an answer", seen=error.message, hint=error.hint
        )
        return Diagnosis(findings=(found,), seconds=time.monotonic() - began)
    about = _about(engine, info)
    answered = Finding("engine", "an engine answers", held=True, wanted="an answer", seen=f"Docker {about['version']}")
    findings = [replace(answered, seconds=time.monotonic() - began), *_measured(engine, listener), *stock(engine)]
    return Diagnosis(about, isolation_of(info), tuple(findings), time.monotonic() - began)


def _measured(engine: Engine, listener: Callable[[str], None]) -> list[Finding]:
    try:
        bench = Bench(engine, measuring_image(engine))
    except MdeGradeError as error:
        return [_unmeasured("limits", error.message, error.hint)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = [pool.submit(_timed, name, measure, bench, listener) for name, measure in MEASURES.items()]
        return [finding for future in running for finding in future.result()]


def _timed(name: str, measure: Measure, bench: Bench, listener: Callable[[str], None]) -> list[Finding]:
    began = time.monotonic()
    try:
        found = measure(bench)
    except (MdeGradeError, RefusalError, LateError, ValueError, KeyError, IndexError, OSError) as error:
        found = _unmeasured(
            name, str(error) or type(error).__name__, "run it again; if it stays, look at the engine's log"
        )
    listener(name)
    seconds = time.monotonic() - began
    return [replace(one, seconds=seconds) for one in (found if isinstance(found, list) else [found])]


def _unmeasured(name: str, why: str, hint: str) -> Finding:
    return Finding(name, f"{name} could be measured", held=False, wanted="a measurement", seen=why, hint=hint)


def _about(engine: Engine, info: dict[str, Any]) -> dict[str, str]:
    return {
        "endpoint": engine.endpoint.url,
        "version": str(info.get("ServerVersion", "?")),
        "api": str(engine.api_version),
        "storage": str(info.get("Driver", "?")),
        "cgroup": str(info.get("CgroupVersion", "1")),
        "kernel": str(info.get("KernelVersion", "?")),
        "host": str(info.get("OperatingSystem", "?")),
        "filters": ", ".join(filters_of(info)),
    }
