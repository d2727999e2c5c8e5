"""Building a submission's image under limits, with real cancellation.

The legacy builder is used on purpose: it is the one that keeps to memory and file-size limits (BuildKit of the same
engine ignores them), and closing its connection ends it within 0.3 s.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mde_grader.errors import BuildFailedError, EngineError, ImageMissingError
from mde_grader.runtimes.base import BuildSpec, BuiltImage, Layer, Owner
from mde_grader.runtimes.docker import cache
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError, hang_up
from mde_grader.runtimes.docker.contexts import DOCKERFILE, MIB, context_stream
from mde_grader.runtimes.docker.dockerfiles import SCRATCH, base_of, images, labelled, runs
from mde_grader.runtimes.docker.indexes import index
from mde_grader.runtimes.docker.logs import LateError, pieces
from mde_grader.runtimes.docker.names import CACHE_LABEL, unique
from mde_grader.runtimes.docker.scales import Scales
from mde_grader.runtimes.docker.transcripts import HeadTail, Transcript, own_lines
from mde_grader.runtimes.failures import Stage, Trouble, blame

CPUS = 2
"""Processors that the steps of one build share."""

CPU_PERIOD = 100_000

PROCESSES = 8192
"""RLIMIT_NPROC of a build step. The builder has no pids limit; root's count is the machine's, hence the head-room."""

SAID = 8192
"""Bytes of the log's end that a failure shows."""

GONE_SECONDS = 15.0
"""How long the step of a cancelled build may take to disappear; 0.1 to 0.3 s were seen."""


@dataclass(frozen=True, slots=True)
class _Base:
    """What a built image is compared with."""

    size: int = 0
    entries: int = 0


def build(engine: Engine, spec: BuildSpec, owner: Owner, grown: set[str] | None = None) -> BuiltImage:
    """Build one image.

    Args:
        engine: The engine.
        spec: What to build.
        owner: Whose it is.
        grown: Gets the lab's id when the build left something new in the lab's cache.

    Raises:
        BuildFailedError: The candidate's fault.
        EngineError: Ours.
    """
    began = time.monotonic()
    text = labelled(spec.dockerfile, CACHE_LABEL, spec.lab)
    _check_bases(engine, text)
    transcript, asked = _Build(engine, spec, text, began + spec.limits.seconds).run(owner)
    image = _inspect(engine, transcript.image)
    _check_label(image, spec)
    if spec.lasting and cache.keep(engine, spec.lab, (image["Id"], *transcript.tops)) and grown is not None:
        grown.add(spec.lab)
    built = _built(engine, image, _base(engine, text, spec))
    return replace(built, log=transcript.log.text(), index_requests=asked, seconds=time.monotonic() - began)


class _Build:
    """One build on its way.

    Args:
        engine: The engine.
        spec: What to build.
        text: The Dockerfile as it is sent.
        until: Deadline on the monotonic clock.
    """

    def __init__(self, engine: Engine, spec: BuildSpec, text: str, until: float) -> None:
        self._engine = engine
        self._spec = spec
        self._text = text
        self._until = until

    def run(self, owner: Owner) -> tuple[Transcript, tuple[str, ...]]:
        """Build, and tell what was said and what the index was asked for.

        A build with an index is tried first against an index that does not run: when every RUN step is in the cache,
        which is the usual case in a class of submissions, none is needed and 0.3 s are saved. The engine refuses the
        first step that is not cached, before anything of it runs.
        """
        if self._spec.index is None or not runs(self._text):
            return self._finished(self._once("none")), ()
        name = unique("index", self._spec.name)
        first = self._once(f"container:{name}")
        if f"No such container: {name}" not in first.error:
            return self._finished(first), ()
        with index(self._engine, self._spec.index, name, owner) as running:
            transcript = self._finished(self._once(f"container:{running.container}"))
            return transcript, running.requests()

    def _finished(self, transcript: Transcript) -> Transcript:
        if transcript.image and not transcript.error:
            return transcript
        cache.forget(self._engine, self._spec.lab, transcript.images())
        raise _failure(transcript.error or "the build ended without an image", transcript)

    def _once(self, network: str) -> Transcript:
        if self._engine.cancelled:
            raise EngineError("stopped before the image was built")
        limits = self._spec.limits
        transcript = Transcript(HeadTail(limits.log_kb * 1024))
        stream = context_stream(self._spec.context, self._text, self._spec.excludes, limit_mb=limits.context_mb)
        try:
            response = self._engine.open(
                "POST",
                "/build",
                params=_parameters(self._spec, network),
                data=stream,
                headers={"Content-Type": "application/x-tar"},
                timeout=max(1.0, self._until - time.monotonic()) + GONE_SECONDS,
            )
        except RefusalError as refusal:
            raise _failure(refusal.message, transcript) from refusal
        try:
            self._weighed(response, transcript)
        except LateError as error:
            self._cancel(response, transcript)
            raise BuildFailedError(
                "build.deadline",
                f"the image was not built within {limits.seconds:.0f} s",
                hint="look for a step that waits for something, or that downloads or compiles a lot",
                said=_tail(transcript),
            ) from error
        except BuildFailedError:
            self._cancel(response, transcript)
            raise
        except EngineError:
            if self._engine.cancelled:
                self._cancel(response, transcript)
            raise
        finally:
            hang_up(response)
        return transcript

    def _weighed(self, response: Any, transcript: Transcript) -> None:  # noqa: ANN401
        limit = self._spec.limits.step_mb
        end = partial(hang_up, response)
        with Scales(self._engine, lambda: list(transcript.steps), self._spec.lab, limit * MIB, end) as scales:
            try:
                self._read(response, transcript)
            except EngineError:
                if not scales.tripped:
                    raise
        if scales.tripped:
            raise BuildFailedError(
                "build.disk",
                f"a step of the build wrote more than {limit} MB and was stopped",
                hint="install less, or remove what a step downloads in that same step",
                said=_tail(transcript),
            )

    def _read(self, response: Any, transcript: Transcript) -> None:  # noqa: ANN401
        limit = self._spec.limits.log_kb * 1024
        total = 0
        for piece in pieces(response, until=self._until):
            total += len(piece)
            transcript.feed(piece)
            if total > limit:
                raise BuildFailedError(
                    "build.log",
                    f"the build printed more than {limit // 1024} KB and was stopped",
                    hint="make the step that prints so much quieter",
                    said=_tail(transcript),
                )

    def _cancel(self, response: Any, transcript: Transcript) -> None:  # noqa: ANN401
        """End the build on the engine and wait until its step is gone, so that nothing is left when we return."""
        hang_up(response)
        if transcript.container and self._is_step(transcript.container):
            path = f"/containers/{transcript.container}"
            self._engine.quietly("POST", f"{path}/kill")
            self._engine.quietly("DELETE", path, params={"force": 1, "v": 1})
            with suppress(RefusalError):
                self._engine.ask("POST", f"{path}/wait", params={"condition": "removed"}, timeout=GONE_SECONDS)
        cache.forget(self._engine, self._spec.lab, transcript.images())

    def _is_step(self, container: str) -> bool:
        """Whether that id, which a candidate's program may have printed, is a step of this lab's builds."""
        try:
            about = self._engine.ask("GET", f"/containers/{container}/json")
        except RefusalError:
            return False
        labels = about["Config"].get("Labels") or {}
        return bool(labels.get(CACHE_LABEL) == self._spec.lab)


def _parameters(spec: BuildSpec, network: str) -> dict[str, Any]:
    limits = spec.limits
    file_size = limits.file_mb * MIB
    ulimits = [
        {"Name": "fsize", "Soft": file_size, "Hard": file_size},
        {"Name": "nofile", "Soft": 4096, "Hard": 4096},
        {"Name": "nproc", "Soft": PROCESSES, "Hard": PROCESSES},
        {"Name": "core", "Soft": 0, "Hard": 0},
    ]
    parameters: dict[str, Any] = {
        "dockerfile": DOCKERFILE,
        "version": "1",
        "rm": "1",
        "forcerm": "1",
        "pull": "0",
        "networkmode": network,
        "memory": limits.memory_mb * MIB,
        "memswap": limits.memory_mb * MIB,
        "cpuperiod": CPU_PERIOD,
        "cpuquota": CPUS * CPU_PERIOD,
        "shmsize": 64 * MIB,
        "ulimits": json.dumps(ulimits),
        "buildargs": json.dumps(dict(spec.arguments)),
    }
    return parameters if spec.target is None else {**parameters, "target": spec.target}


def _check_bases(engine: Engine, text: str) -> None:
    """Every base must be here: the builder would look for it in a registry otherwise."""
    for name in images(text):
        _inspect(engine, name)


def _inspect(engine: Engine, name: str) -> dict[str, Any]:
    try:
        about: dict[str, Any] = engine.ask("GET", f"/images/{name}/json")
    except RefusalError as refusal:
        if refusal.status == NOT_FOUND:
            raise ImageMissingError(f"the image {name} is not on this engine") from refusal
        raise EngineError(f"the engine cannot show {name}: {refusal.message}") from refusal
    return about


def _failure(message: str, transcript: Transcript) -> Exception:
    said = _tail(transcript)
    found = blame(Trouble(Stage.BUILD, message=message, said=said))
    if found.owner == "grader":
        return EngineError(f"the image could not be built: {found.message}")
    return BuildFailedError(found.rule, found.message, hint=found.hint, said=said)


def _tail(transcript: Transcript) -> str:
    return own_lines(transcript.log.text())[-SAID:]


def _check_label(image: dict[str, Any], spec: BuildSpec) -> None:
    """Without our label an image would escape the janitor; the policy lets no submission take it away."""
    labels = (image.get("Config") or {}).get("Labels") or {}
    if labels.get(CACHE_LABEL) != spec.lab:
        raise EngineError(f"the image of {spec.name} does not carry the label {CACHE_LABEL}={spec.lab}")


def _base(engine: Engine, text: str, spec: BuildSpec) -> _Base:
    name = base_of(text, spec.target)
    if name == SCRATCH:
        return _Base()
    about = _inspect(engine, name)
    entries = engine.ask("GET", f"/images/{name}/history")
    return _Base(int(about["Size"]), len(entries))


def _built(engine: Engine, image: dict[str, Any], base: _Base) -> BuiltImage:
    config = image.get("Config") or {}
    entries = engine.ask("GET", f"/images/{image['Id']}/history")
    layers = [Layer(entry["CreatedBy"], int(entry["Size"]), int(entry["Created"])) for entry in reversed(entries)]
    return BuiltImage(
        id=image["Id"],
        size=int(image["Size"]),
        added=max(0, int(image["Size"]) - base.size),
        diff_ids=tuple(image["RootFS"].get("Layers") or ()),
        history=tuple(layers[base.entries :]),
        user=config.get("User") or "",
        config=config,
        seconds=0.0,
        log="",
    )
