"""The steps before and beside the checks: from an accepted plan to built images and a running stack."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from mde_grader.checking.context import Change
from mde_grader.environments import Environment
from mde_grader.model import Lab
from mde_grader.plans import BuildPlan, Plan
from mde_grader.runtimes.base import BuildSpec, BuiltImage, Owner, Runtime, ServiceSpec, Stack, StackSpec
from mde_grader.timeline import Timeline
from mde_grader.variables import filled

BUILD_PREFIX = "build:"
"""How a planned service names an image that is still to be built."""


@dataclass
class Preparation:
    """Builds and starts one accepted submission; remembers what it made, so that it can be taken down.

    Attributes:
        runtime: The engine.
        lab: Whose submission it is.
        environment: What the lab declares.
        plan: What the policy made of the submission.
        source: The staged submission.
        work: Folder for changed copies.
        owner: Labels of everything that is made.
        tags: Engine tags of grader-owned images, by the names that environment.yaml uses.
        timeline: Where the phases are kept.
        values: This attempt's values of the lab's variables.
    """

    runtime: Runtime
    lab: Lab
    environment: Environment
    plan: Plan
    source: Path
    work: Path
    owner: Owner
    tags: Mapping[str, str]
    timeline: Timeline
    values: Mapping[str, str] = field(default_factory=dict)
    built: list[BuiltImage] = field(default_factory=list)
    _copies: itertools.count[int] = field(default_factory=itertools.count)

    def images(self, pool: Executor) -> dict[str, BuiltImage]:
        """Build every image of the plan, side by side; images by service.

        Raises:
            BuildFailedError: The candidate's fault.
            EngineError: Ours.
        """
        with self.timeline.phase("build"):
            builds: dict[str, Future[BuiltImage]] = {
                key: pool.submit(self._build, plan, self.source) for key, plan in self.plan.builds.items()
            }
            done = {key: future.result() for key, future in builds.items()}
        return {
            service.name: done[service.image.removeprefix(BUILD_PREFIX)]
            for service in self.plan.services
            if service.image.startswith(BUILD_PREFIX)
        }

    def stack(self, images: Future[dict[str, BuiltImage]], pool: Executor) -> Stack:
        """Start the lab's services and the candidate's, and wait until they are ready.

        What needs none of the images starts while they are built.

        Raises:
            BuildFailedError: There are no images, through the candidate's fault.
            StartFailedError: The candidate's fault.
            EngineError: Ours.
        """
        services = tuple(self._with_image(service) for service in self.plan.services)
        spec = StackSpec(
            services=(*services, *map(self._own, self.environment.services)),
            owner=self.owner,
            network=self.environment.network,
            side_image=self.tags["side"],
            workspaces=tuple(map(self._own, self.environment.workspaces)),
        )
        up = pool.submit(self.runtime.up, spec, images)
        wait([images])
        if images.exception() is not None:
            return up.result()
        with self.timeline.phase("start"):
            return up.result()

    def rebuild(self, service: str, change: Change) -> BuiltImage:
        """Build one service's image again from a changed copy of the submission.

        Raises:
            BuildFailedError: It no longer builds.
            KeyError: That service is not built from the submission.
        """
        image = next(spec.image for spec in self.plan.services if spec.name == service)
        plan = self.plan.builds[image.removeprefix(BUILD_PREFIX)]
        copy = self.work / f"rebuild-{next(self._copies)}"
        shutil.copytree(self.source, copy, symlinks=True)
        change(copy)
        return self._build(plan, copy, lasting=False)

    def discard(self) -> None:
        """Forget the images, but for what the lab's build cache may keep."""
        for image in self.built:
            self.runtime.discard(image)

    def _with_image(self, service: ServiceSpec) -> ServiceSpec:
        if service.image.startswith(BUILD_PREFIX):
            return replace(
                service,
                image="",
                requires=self._requires(service),
                may_end=service.name not in self.environment.required and not service.ready,
            )
        return replace(service, image=self.tags.get(service.image, service.image))

    def _own(self, service: ServiceSpec) -> ServiceSpec:
        """What the lab brings, with this attempt's values."""
        environment = {name: filled(text, self.values) for name, text in service.environment.items()}
        return replace(service, image=self.tags[service.image], environment=environment)

    def _requires(self, service: ServiceSpec) -> tuple[str, ...]:
        """The lab's own services of the plan come first for everybody.

        A program that ends when its database is not there yet, and relies on its restart, is right on a real platform;
        restarts are ours here, so it never gets to see that.
        """
        own = [spec.name for spec in self.plan.services if not spec.candidate]
        return tuple(dict.fromkeys((*service.requires, *own)))

    def _build(self, plan: BuildPlan, source: Path, *, lasting: bool = True) -> BuiltImage:
        spec = BuildSpec(
            name=plan.key,
            lab=self.lab.id,
            context=source / plan.context,
            dockerfile=plan.text,
            excludes=plan.excludes,
            target=plan.target,
            arguments=plan.arguments,
            index=self.tags.get(self.environment.index) if self.environment.index else None,
            limits=self.environment.build,
            lasting=lasting,
        )
        image = self.runtime.build(spec, self.owner)
        self.built.append(image)
        return image
