"""`kill -9` at any moment, two graders at once, and sixty-four stacks: nothing of ours may stay."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from mde_grader.runtimes.base import Owner, ServiceSpec, StackSpec
from mde_grader.runtimes.docker import connect
from mde_grader.runtimes.docker.runtime import DockerRuntime
from mde_grader.runtimes.images import load_catalog, require
from mde_grader.runtimes.janitor import this_process
from tests.hostile.canaries import Canaries
from tests.hostile.cell import EngineUnderTest
from tests.hostile.engine_view import EngineView, settled, view
from tests.hostile.grading import DEADLINE, Desk, case_named
from tests.hostile.oracle import Case, broken_promises

pytestmark = [pytest.mark.engine, pytest.mark.slow]

KILLS = 20
SEED = 20261123
DEAD_WITHIN = 5.0
"""Seconds after the grader's end in which a candidate's processes must be dead, without anybody's help."""
STACKS = 64


def clean(desk: Desk) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-m", "mde_grader", "clean"],
        env=desk.environment(),
        cwd=desk.folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def fresh(desk: Desk, case: Case, token: str) -> Path:
    """The case's submission with a change, so that it is built and not taken from the cache."""
    target = desk.folder / "submission"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(case.folder / "submission", target)
    with (target / "app.py").open("a") as stream:
        stream.write(f"# {token}\n")
    return target


def begin(desk: Desk, case: Case, token: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        desk.command(case),
        cwd=fresh(desk, case, token),
        env=desk.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def alive(client: docker.DockerClient) -> list[str]:
    """Containers that run and were not there before; the cell holds none, and others' carry no label of ours."""
    return [entry["Id"] for entry in client.api.containers(filters={"label": "mde-grade.attempt"})]


def seconds_until_dead(client: docker.DockerClient, strangers: set[str]) -> float:
    started = time.monotonic()
    while set(alive(client)) - strangers and time.monotonic() < started + 4 * DEAD_WITHIN:
        time.sleep(0.02)
    return time.monotonic() - started


def without_images(before: EngineView, wrong: list[str]) -> list[str]:
    """A build that was cut off leaves loose images, which the janitor takes when they are old enough."""
    return [line for line in wrong if " image " not in line]


@pytest.mark.parametrize("name", ["P00-honest", "P00-honest-bare"])
@pytest.mark.parametrize("helper", ["clean", "grade"])
def test_nothing_is_left_after_kill_9(name: str, helper: str, engine: EngineUnderTest, tmp_path: Path) -> None:
    case, client, chance = case_named(name), engine.client(), random.Random(f"{SEED}{name}{helper}")  # noqa: S311
    desk = Desk(engine, tmp_path, {})
    started = time.monotonic()
    assert begin(desk, case, "measured").wait(DEADLINE) == 0
    length = time.monotonic() - started
    before, strangers, deaths, wrong = view(engine), set(alive(client)), [], []
    for number in range(KILLS // 4):
        delay = chance.uniform(0.05, length)
        process = begin(desk, case, f"{name} {helper} {number} {chance.random()}")
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        deaths.append(seconds_until_dead(client, strangers))
        if helper == "clean":
            done = clean(desk)
            assert done.returncode == 0, done.stderr
        else:
            assert begin(desk, case, "measured").wait(DEADLINE) == 0
        _, left = settled(engine, before)
        wrong += [f"killed after {delay:.2f} of {length:.2f} s: {line}" for line in without_images(before, left)]
        work = desk.folder / "state" / "mde-grade" / "work"
        wrong += [f"killed after {delay:.2f} s: work folder left" for _ in (work.iterdir() if work.is_dir() else ())]
    client.close()
    print(f"{name}/{helper}: attempt {length:.2f} s; dead after a kill in at most {max(deaths):.2f} s")  # noqa: T201
    assert not wrong, "\n" + "\n".join(wrong)
    assert max(deaths) < DEAD_WITHIN, [round(death, 2) for death in deaths]


def test_two_graders_and_a_janitor_do_not_touch_each_other(
    engine: EngineUnderTest, canaries: Canaries, tmp_path: Path
) -> None:
    desks = [Desk(engine, tmp_path / name, {}) for name in ("one", "two")]
    sweeper = Desk(engine, tmp_path / "sweeper", {})
    sweeper.folder.mkdir()
    honest, before, free = case_named("P00-honest"), view(engine), engine.free()
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(desk.grade, honest) for desk in desks]
        while not all(run.done() for run in runs):
            assert clean(sweeper).returncode == 0
    _, left = settled(engine, before)
    for desk, run in zip(desks, runs, strict=True):
        traces = desk.traces(disk_after=free - engine.free(), engine=left, secrets=canaries.secrets())
        assert not broken_promises(honest, run.result(), traces, deadline=DEADLINE)


@pytest.fixture
def runtime(engine: EngineUnderTest) -> Iterator[DockerRuntime]:
    made = connect({"DOCKER_HOST": engine.address} if engine.address else dict(os.environ))
    yield made
    made.close()


def small_stack(number: int, side: str) -> StackSpec:
    owner = Owner(f"hostile-64-{number}", this_process(), "sha256:none", time.time() + 600)
    sleeper = ServiceSpec("web", side, entrypoint=("/opt/mde/busybox", "sleep", "600"), command=(), user="10001")
    return StackSpec((sleeper,), owner, side_image=side)


def test_sixty_four_stacks_at_once(engine: EngineUnderTest, runtime: DockerRuntime) -> None:
    client = engine.client()
    side = require(("side",), client, load_catalog())["side"].tag
    before, stacks = view(engine), []
    try:
        with ThreadPoolExecutor(8) as pool:
            for stack in pool.map(lambda number: runtime.up(small_stack(number, side)), range(STACKS)):
                stacks.append(stack)  # noqa: PERF402 - those that are up are closed, whatever happens to the others
        addresses = {stack["web"].address for stack in stacks}
        assert len(addresses) == STACKS
        assert all(stack.session.call("hello")["pid"] for stack in stacks)
        assert len(view(engine).networks - before.networks) == STACKS or not engine.private
    finally:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda stack: stack.close(), stacks))
        client.close()
    _, left = settled(engine, before)
    assert not left
