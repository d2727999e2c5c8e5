"""The Docker engine as a `base.Runtime`."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from mde_grader.errors import EngineError
from mde_grader.runtimes import janitor
from mde_grader.runtimes.base import (
    BuildLimits,
    BuildSpec,
    BuiltImage,
    EngineInfo,
    LayerHit,
    Owner,
    Stack,
    StackSpec,
    Swept,
)
from mde_grader.runtimes.docker import cache
from mde_grader.runtimes.docker.builds import build
from mde_grader.runtimes.docker.client import Engine, RefusalError, connect_engine
from mde_grader.runtimes.docker.contexts import MIB
from mde_grader.runtimes.docker.crew import Crew, VolumesUnknownError
from mde_grader.runtimes.docker.isolation import isolation_of
from mde_grader.runtimes.docker.layers import search_layers
from mde_grader.runtimes.docker.names import CACHE_LABEL
from mde_grader.runtimes.docker.networks import pool
from mde_grader.runtimes.docker.stacks import DockerStack, OpenSession
from mde_grader.runtimes.docker.sweeping import sweep
from mde_grader.runtimes.docker.watch import Watch
from mde_grader.runtimes.inspector.client import AttachedSession


class DockerRuntime:
    """See `base.Runtime`. Safe to use from several threads.

    Args:
        engine: The engine.
        environ: Where `MDE_GRADE_POOL` is looked up.
        open_session: Makes a session of the side container's stream.
    """

    def __init__(
        self, engine: Engine, environ: Mapping[str, str], *, open_session: OpenSession = AttachedSession
    ) -> None:
        self.engine = engine
        self._pool = pool(environ)
        self._open_session = open_session
        self._watch = Watch(engine)
        self._lock = threading.Lock()
        self._in_use: dict[str, tuple[int, BuildLimits]] = {}
        self._grown: set[str] = set()

    def info(self) -> EngineInfo:
        """See `base.Runtime`."""
        try:
            with ThreadPoolExecutor(2, thread_name_prefix="mde-info") as pool:
                about, version = pool.map(partial(self.engine.ask, "GET"), ("/info", "/version"))
        except RefusalError as refusal:
            raise EngineError(f"the engine does not say what it is: {refusal.message}") from refusal
        podman = any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or ())
        return EngineInfo(
            name="podman" if podman else "docker",
            version=str(version.get("Version", "")),
            api=self.engine.api_version,
            storage=str(about.get("Driver", "")),
            cgroup=f"v{about.get('CgroupVersion') or 1} ({about.get('CgroupDriver', '')})",
            kernel=str(about.get("KernelVersion", "")),
            host=self.engine.endpoint.url,
            isolation=isolation_of(about),
        )

    def build(self, spec: BuildSpec, owner: Owner) -> BuiltImage:
        """See `base.Runtime`."""
        image = build(self.engine, spec, owner, self._grown)
        with self._lock:
            users, _ = self._in_use.get(image.id, (0, spec.limits))
            self._in_use[image.id] = (users + 1, spec.limits)
        return image

    def up(self, spec: StackSpec, images: Future[dict[str, BuiltImage]] | None = None) -> Stack:
        """See `base.Runtime`."""
        try:
            return self._up(spec, images)
        except VolumesUnknownError:
            return self._up(spec if images is None else spec.with_images(images.result()), None)

    def _up(self, spec: StackSpec, images: Future[dict[str, BuiltImage]] | None) -> Stack:
        crew = Crew(self.engine, self._watch, spec, self._pool)
        stack = DockerStack(crew, self._open_session)
        try:
            stack.start(images)
        except BaseException:
            with suppress(EngineError):
                stack.close()
            raise
        return stack

    def search(self, image: BuiltImage, needles: Mapping[str, bytes], *, seconds: float = 60.0) -> tuple[LayerHit, ...]:
        """See `base.Runtime`."""
        return search_layers(self.engine, image.id, needles, seconds=seconds)

    def discard(self, image: BuiltImage) -> None:
        """See `base.Runtime`."""
        with self._lock:
            users, limits = self._in_use.pop(image.id, (1, BuildLimits()))
            if users > 1:
                self._in_use[image.id] = (users - 1, limits)
                return
            spare = tuple(self._in_use)
            lab = str((image.config.get("Labels") or {}).get(CACHE_LABEL) or "")
            # Listing images takes the engine 0.1 s; a cache that got nothing new is not too large.
            grown = lab in self._grown
            self._grown.discard(lab)
        # What was not to last has no tag, and would push what is built again and again out of the cache.
        cache.forget(self.engine, lab, (image.id,))
        if image.added > limits.cache_mb * MIB:
            cache.untag(self.engine, lab, image.id)
        if grown:
            cache.trim(self.engine, lab, spare=spare)

    def sweep(self, *, everything_of: str | None = None, cache: bool = False) -> Swept:
        """See `base.Runtime`."""
        return sweep(self.engine, janitor.Here.look(), everything_of=everything_of, caches=cache)

    def cancel(self, process: str) -> None:
        """See `base.Runtime`."""
        self.engine.cancel_builds()
        self.sweep(everything_of=process)

    def close(self) -> None:
        """See `base.Runtime`."""
        self._watch.close()
        self.engine.close()


def connect(environ: Mapping[str, str] | None = None, home: Path | None = None) -> DockerRuntime:
    """The runtime on the first engine that answers: DOCKER_HOST, the current context, then the usual sockets.

    Raises:
        EngineUnavailableError: None answers; the message says what was tried.
    """
    found = dict(os.environ) if environ is None else environ
    return DockerRuntime(connect_engine(found, home or Path.home()), found)
