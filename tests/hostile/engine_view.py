"""Everything that an engine holds, so that before and after can be compared by what is there, not by our labels."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.hostile.cell import EngineUnderTest

CACHE = "mde-grade/cache-"
_OWNER = "mde-grade.attempt"


@dataclass(frozen=True)
class EngineView:
    """Ids of all that is on an engine; images also by what is documented to stay, the build cache."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]
    images: frozenset[str]
    cached: frozenset[str]

    def new_since(self, before: EngineView) -> list[str]:
        """What is there now and was not before, but for the build cache."""
        found = [f"container {name}" for name in self.containers - before.containers]
        found += [f"network {name}" for name in self.networks - before.networks]
        found += [f"volume {name}" for name in self.volumes - before.volumes]
        return found + [f"image {name}" for name in self.images - before.images - self.cached]

    def gone_since(self, before: EngineView) -> list[str]:
        """What was there before and is gone, but for the build cache."""
        found = [f"container {name}" for name in before.containers - self.containers]
        found += [f"network {name}" for name in before.networks - self.networks]
        found += [f"volume {name}" for name in before.volumes - self.volumes]
        return found + [f"image {name}" for name in before.images - self.images - before.cached]


def view(engine: EngineUnderTest) -> EngineView:
    """Look at everything. On an engine that others use too, what other graders own is left out."""
    client = engine.client()
    try:
        api = client.api
        containers = [entry["Id"][:12] for entry in api.containers(all=True) if _counts(engine, entry)]
        networks = [str(entry["Name"]) for entry in api.networks() if _counts(engine, entry)]
        volumes = [str(entry["Name"]) for entry in api.volumes()["Volumes"] or () if _counts(engine, entry)]
        images = {entry["Id"]: entry for entry in api.images(all=True)}
        return EngineView(
            frozenset(containers),
            frozenset(networks),
            frozenset(volumes),
            frozenset(images),
            frozenset(_cached(images)),
        )
    finally:
        client.close()


def _counts(engine: EngineUnderTest, entry: Mapping[str, Any]) -> bool:
    return engine.private or _OWNER not in (entry.get("Labels") or {})


def _cached(images: dict[str, dict[str, Any]]) -> set[str]:
    """Images of the build cache, and those that they stand on."""
    found: set[str] = set()
    for name, entry in images.items():
        tags = entry.get("RepoTags") or ()
        if any(str(tag).startswith(CACHE) for tag in tags):
            under = name
            while under and under not in found:
                found.add(under)
                under = str(images.get(under, {}).get("ParentId") or "")
    return found


def settled(engine: EngineUnderTest, before: EngineView, *, seconds: float = 3.0) -> tuple[EngineView, list[str]]:
    """Look until nothing is new or gone, at most for `seconds`: a build is cancelled a moment after we have ended."""
    deadline = time.monotonic() + seconds
    while True:
        now = view(engine)
        wrong = [f"left: {name}" for name in now.new_since(before)] + [
            f"lost: {name}" for name in now.gone_since(before)
        ]
        if not wrong or time.monotonic() > deadline:
            return now, wrong
        time.sleep(0.2)
