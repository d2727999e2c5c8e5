"""What the benchmarks stand on: a lab, its engine, and what a solution of it becomes. Nothing here is timed."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from mde_grader.engines import Engine, connect
from mde_grader.labs import LabFolder, load_lab
from mde_grader.plans import BuildPlan, Plan
from mde_grader.preparation import BUILD_PREFIX
from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.docker.dockerfiles import labelled
from mde_grader.runtimes.docker.names import CACHE_LABEL
from mde_grader.runtimes.policy import plan as make_plan
from mde_grader.solutions import lay_out, read_solutions
from mde_grader.variables import make_values

ROOT = Path(__file__).resolve().parents[1]
TRIVIAL = ROOT / "benchmarks" / "labs" / "lab-trivial"
CONTAINERS = ROOT / "labs" / "lab-02"


@dataclass(frozen=True, slots=True)
class Ground:
    """A solution, and all that an attempt would first have to find out about it.

    Attributes:
        lab: The lab.
        folder: The solution's folder.
        engine: The engine with the lab's images.
        plan: What the policy makes of the solution.
    """

    lab: LabFolder
    folder: Path
    engine: Engine
    plan: Plan

    @property
    def build(self) -> BuildPlan:
        """The only image that is built; every solution that is measured has one."""
        (only,) = self.plan.builds.values()
        return only

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's text as an attempt sends it, so that both find the same build cache."""
        return labelled(self.build.text, CACHE_LABEL, self.lab.lab.id)

    def services(self, built: str) -> dict[str, ServiceSpec]:
        """The candidate's and the lab's services by name.

        Args:
            built: Id of the image that was built.
        """
        tags = self.engine.tags
        specs = (*self.plan.services, *self.lab.environment().services)
        return {
            spec.name: replace(
                spec, image=built if spec.image.startswith(BUILD_PREFIX) else tags.get(spec.image, spec.image)
            )
            for spec in specs
        }


def ground(lab: Path) -> Ground:
    """Look at a lab's reference solution."""
    found = load_lab(str(lab))
    environment, folder = found.environment(), reference(found)
    engine = connect(environment)
    values = make_values(environment.variables)
    plan = make_plan(folder, environment, values, engine.bases, label=found.lab.id)
    return Ground(found, folder, engine, plan)


@functools.cache
def reference(lab: LabFolder) -> Path:
    """The lab's reference, laid out for the practice variant; it is removed when the process ends."""
    place = tempfile.TemporaryDirectory(prefix="mde-reference-")
    atexit.register(place.cleanup)
    lay_out(lab, next(each for each in read_solutions(lab) if each.name == "reference"), Path(place.name))
    return Path(place.name)


def command(lab: Path, folder: Path, *options: str) -> list[str]:
    """The command line that grades a folder."""
    return [sys.executable, "-I", "-m", "mde_grader", str(lab), str(folder), "-q", *options]


def environment(state: str) -> dict[str, str]:
    """The environment of a measured command; its run folders go to `state`."""
    return {**os.environ, "XDG_STATE_HOME": state}
