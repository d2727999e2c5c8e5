"""The public attacks, each held to the same oracle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mde_grader.labs import load_lab
from tests.hostile.canaries import CANARY_IMAGE, DOOR, Canaries
from tests.hostile.cell import EngineUnderTest
from tests.hostile.engine_view import settled, view
from tests.hostile.grading import DEADLINE, LABS, Desk, case_named, read_cases
from tests.hostile.oracle import Case, broken_promises

REQUIRED = [f"P{number:02}" for number in (*range(1, 20), 22, *range(24, 29))]


@pytest.mark.parametrize("lab", sorted(path.name for path in LABS.iterdir()))
def test_deadline_is_the_labs(lab: str) -> None:
    assert load_lab(lab, LABS).environment().deadline == DEADLINE


def test_every_public_case_is_there() -> None:
    assert {case.name[:3] for case in read_cases()} >= set(REQUIRED)


@pytest.mark.engine
def test_the_door_hears_who_knocks(engine: EngineUnderTest, canaries: Canaries) -> None:
    knock = f"import socket; socket.create_connection(('172.17.0.1', {DOOR}), 5)"
    bridge = engine.client().networks.get("bridge").attrs["IPAM"]["Config"][0]
    address = bridge.get("Gateway") or "172.17.0.1"
    command = ["python3", "-c", knock.replace("172.17.0.1", address)]
    engine.client().containers.run(canaries.image, command, entrypoint=[], network="bridge", remove=True)
    heard = canaries.harmed()
    canaries.heard.write_text("")
    assert len(heard) == 1
    assert "knocked" in heard[0]


@pytest.mark.engine
@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case.name)
def test_case(case: Case, engine: EngineUnderTest, canaries: Canaries, tmp_path: Path) -> None:
    extra = {"MDE_CANARY": canaries.variable, "MDE_CANARY_FILE": str(canaries.file)}
    attack = Desk(engine, tmp_path / "attack", extra)
    beside = Desk(engine, tmp_path / "beside", extra)
    honest = case_named("P00-honest")
    before, free = view(engine), engine.free()
    with ThreadPoolExecutor() as pool:
        attacking = pool.submit(attack.grade, case)
        neighbour = pool.submit(beside.grade, honest) if case.told.get("neighbour") else None
        runs = [(attack, case, attacking.result())]
        runs += [(beside, honest, neighbour.result())] if neighbour else []
    _, wrong = settled(engine, before)
    wrong += canaries.harmed()
    if engine.client().images.get(CANARY_IMAGE).id != canaries.image:
        wrong.append("the canary's image was replaced")
    for desk, graded, seen in runs:
        traces = desk.traces(disk_after=free - engine.free(), engine=wrong, secrets=canaries.secrets())
        wrong = [f"{graded.name}: {line}" for line in broken_promises(graded, seen, traces, deadline=DEADLINE)]
        assert not wrong, "\n" + "\n".join(wrong)
        wrong = []
