"""Taking away what dead graders left on an engine, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import Swept
from mde_grader.runtimes.docker import cache
from mde_grader.runtimes.docker.client import Engine, RefusalError
from mde_grader.runtimes.docker.names import CACHE_LABEL, EXPIRES_LABEL, OWNER_LABEL
from mde_grader.runtimes.janitor import Here, is_dead

STALE_SECONDS = 900.0
"""Age at which a build's step or loose image, which carry no owner, are left-overs. No build may take as long."""

WORKERS = 8
REMOVE_SECONDS = 20.0


def sweep(engine: Engine, here: Here, *, everything_of: str | None = None, caches: bool = False) -> Swept:
    """Remove what has no living owner, and all that `everything_of` owns.

    Raises:
        EngineError: The engine does not answer.
    """
    now = time.time()

    def ours(labels: Mapping[str, str] | None) -> bool:
        found = labels or {}
        owner = found.get(OWNER_LABEL)
        if owner is None:
            return False
        return owner == everything_of or is_dead(owner, found.get(EXPIRES_LABEL, ""), here=here, now=now)

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        owned = {"label": [OWNER_LABEL]}
        containers = pool.submit(_list, engine, "/containers/json", owned, all=1)
        steps = pool.submit(_list, engine, "/containers/json", {"label": [CACHE_LABEL]}, all=1)
        networks = pool.submit(_list, engine, "/networks", owned)
        volumes = pool.submit(_list, engine, "/volumes", owned)
        # Neither owned images nor loose ones have a tag. Each listing of images is work for the engine: 0.03 s of it.
        untagged = pool.submit(_list, engine, "/images/json", {"dangling": ["true"]})
        doomed = [each["Id"] for each in containers.result() if ours(each.get("Labels"))]
        doomed += [each["Id"] for each in steps.result() if _stale_step(each, now)]
        removed = _each(pool, partial(_remove_container, engine), doomed)
        rest = (
            [each["Id"] for each in networks.result() if ours(each.get("Labels"))],
            [each["Name"] for each in volumes.result() if ours(each.get("Labels"))],
            [each["Id"] for each in untagged.result() if ours(each.get("Labels")) or _loose(each, now)],
        )
        gone = [
            _each(pool, partial(_remove, engine, kind), names)
            for kind, names in zip(("networks", "volumes", "images"), rest, strict=True)
        ]
    return Swept(removed, gone[0], gone[1], gone[2] + (cache.clear(engine) if caches else 0))


def _stale_step(container: Mapping[str, Any], now: float) -> bool:
    """A step of a build that nobody waits for any more. A service carries its image's labels too, but has an owner."""
    return OWNER_LABEL not in container["Labels"] and now - int(container["Created"]) > STALE_SECONDS


def _loose(image: Mapping[str, Any], now: float) -> bool:
    """An image without a tag that a build of ours left, and that nobody waits for any more."""
    return CACHE_LABEL in (image.get("Labels") or {}) and now - int(image["Created"]) > STALE_SECONDS


def _list(engine: Engine, path: str, filters: Mapping[str, list[str]], **params: int) -> list[dict[str, Any]]:
    try:
        found = engine.ask("GET", path, params={"filters": json.dumps(filters), **params})
    except RefusalError as refusal:
        raise EngineError(f"the engine does not list {path}: {refusal.message}") from refusal
    return list((found.get("Volumes") if isinstance(found, dict) else found) or ())


def _remove(engine: Engine, kind: str, name: str) -> bool:
    return engine.quietly("DELETE", f"/{kind}/{name}")


def _remove_container(engine: Engine, name: str) -> bool:
    """Remove a container; one whose removal somebody else began is waited for, for its network must go next."""
    if engine.quietly("DELETE", f"/containers/{name}", params={"force": 1, "v": 1}):
        return True
    with suppress(RefusalError):
        engine.ask("POST", f"/containers/{name}/wait", params={"condition": "removed"}, timeout=REMOVE_SECONDS)
    return False


def _each(pool: ThreadPoolExecutor, remove: Callable[[str], bool], names: Iterable[str]) -> int:
    """How many were removed. One that resists does not save the others; the next sweep tries it again."""
    futures = [pool.submit(remove, name) for name in dict.fromkeys(names)]
    count = 0
    for future in futures:
        with suppress(EngineError):
            count += future.result()
    return count
