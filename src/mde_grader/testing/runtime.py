"""The fake engine as a runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from mde_grader.runtimes.base import (
    KEPT,
    BuildSpec,
    BuiltImage,
    EngineInfo,
    LayerHit,
    Owner,
    Stack,
    StackSpec,
    Swept,
)
from mde_grader.runtimes.janitor import Here, is_dead
from mde_grader.testing.builds import fake_build
from mde_grader.testing.programs import FakeProgram
from mde_grader.testing.stacks import FakeStack


@dataclass(slots=True)
class FakeEngine:
    """What several fake runtimes share.

    Attributes:
        programs: What containers do, by image.
        images: What was built: id to Dockerfile.
        stacks: What is up.
    """

    programs: dict[str, FakeProgram] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    stacks: list[FakeStack] = field(default_factory=list)


class FakeRuntime:
    """See `base.Runtime`.

    Args:
        programs: What containers do, by image.
        engine: Shared with other runtimes; a new one when None.
        build: Makes the images; `fake_build` when None.
    """

    def __init__(
        self,
        programs: Mapping[str, FakeProgram] | None = None,
        *,
        engine: FakeEngine | None = None,
        build: Callable[[BuildSpec], BuiltImage] | None = None,
    ) -> None:
        self.engine = engine or FakeEngine()
        self.engine.programs.update(programs or {})
        self._build = build or fake_build
        self.closed = False

    def info(self) -> EngineInfo:
        """See `base.Runtime`."""
        return EngineInfo("fake", "1", "1.41", "memory", "none", "none", "memory", "none")

    def build(self, spec: BuildSpec, owner: Owner) -> BuiltImage:  # noqa: ARG002
        """See `base.Runtime`."""
        image = self._build(spec)
        self.engine.images[image.id] = spec.dockerfile.encode()
        self.engine.programs.setdefault(image.id, FakeProgram())
        return image

    def up(self, spec: StackSpec, images: Future[dict[str, BuiltImage]] | None = None) -> Stack:
        """See `base.Runtime`."""
        spec = spec if images is None else spec.with_images(images.result())
        stack = FakeStack(self.engine.programs, spec, self._gone)
        self.engine.stacks.append(stack)
        try:
            stack.start()
        except BaseException:
            stack.close()
            raise
        return stack

    def search(self, image: BuiltImage, needles: Mapping[str, bytes], *, seconds: float = 60.0) -> tuple[LayerHit, ...]:  # noqa: ARG002
        """See `base.Runtime`."""
        text = self.engine.images.get(image.id, b"")
        return tuple(
            LayerHit(name, "", "image configuration") for name, needle in needles.items() if needle and needle in text
        )

    def discard(self, image: BuiltImage) -> None:
        """See `base.Runtime`."""
        self.engine.images.pop(image.id, None)

    def sweep(self, *, everything_of: str | None = None, cache: bool = False) -> Swept:
        """See `base.Runtime`."""
        here, now = Here.look(), time.time()
        containers = networks = volumes = 0
        for stack in list(self.engine.stacks):
            owner = stack.spec.owner
            if owner.process == everything_of or is_dead(owner.process, str(int(owner.expires)), here=here, now=now):
                containers += len(stack.everything()) + 1
                networks += stack.spec.network
                volumes += len(stack.place.volumes)
                stack.vanish()
        images = len(self.engine.images) if cache else 0
        if cache:
            self.engine.images.clear()
        return Swept(containers, networks, volumes, images)

    def cancel(self, process: str) -> None:
        """See `base.Runtime`."""
        self.sweep(everything_of=process)

    def close(self) -> None:
        """See `base.Runtime`."""
        self.closed = True

    def _gone(self, stack: FakeStack) -> None:
        if stack in self.engine.stacks:
            self.engine.stacks.remove(stack)


def fake_owner(attempt: str = "attempt", *, process: str = KEPT, seconds: float = 600.0) -> Owner:
    """An owner for tests; by default one that only ends by expiry."""
    return Owner(attempt, process, "sha256:0", time.time() + seconds)
