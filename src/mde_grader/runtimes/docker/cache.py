"""The build cache of a lab: which images are kept between attempts, and how the others go.

The legacy builder's cache is the chain of images itself. A tag keeps a chain; everything without one may go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mde_grader.errors import EngineError
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError
from mde_grader.runtimes.docker.names import CACHE_LABEL, cache_repository

NEWEST = 48
"""Tags that a lab's cache holds: each stage of each of a lab's 20 solutions, so that none is built twice."""


def keep(engine: Engine, lab: str, images: Iterable[str]) -> int:
    """Tag those images so that they survive; how many were new to the cache.

    Ids that the engine does not show as this lab's are passed over.
    """
    new = 0
    for image in images:
        about = _own(engine, image, lab)
        tag = image.removeprefix("sha256:")[:12]
        if about is not None and f"{cache_repository(lab)}:{tag}" not in (about.get("RepoTags") or ()):
            engine.ask("POST", f"/images/{image}/tag", params={"repo": cache_repository(lab), "tag": tag})
            new += 1
    return new


def forget(engine: Engine, lab: str, images: Iterable[str]) -> int:
    """Remove images of this lab that nothing stands on, with their untagged parents; how many were asked to go.

    What carries a tag, or is used by a container or a child, stays.
    """
    removed = 0
    for image in images:
        about = _own(engine, image, lab)
        if about is not None and not about.get("RepoTags"):
            removed += engine.quietly("DELETE", f"/images/{about['Id']}")
    return removed


def untag(engine: Engine, lab: str, image: str) -> bool:
    """Take the cache's tag from an image; it goes, with its parents, unless something else holds it."""
    return engine.quietly("DELETE", f"/images/{cache_repository(lab)}:{image.removeprefix('sha256:')[:12]}")


def trim(engine: Engine, lab: str, *, newest: int = NEWEST, spare: Iterable[str] = ()) -> int:
    """Untag all but the newest images of a lab's cache; `spare` are ids that are in use by us now."""
    repository = cache_repository(lab)
    found = engine.ask("GET", "/images/json", params={"filters": f'{{"reference":["{repository}"]}}'})
    spared = set(spare)
    old = sorted(found, key=lambda image: int(image["Created"]), reverse=True)[newest:]
    return sum(untag(engine, lab, image["Id"]) for image in old if image["Id"] not in spared)


def clear(engine: Engine) -> int:
    """Remove every lab's build cache."""
    removed = 0
    found = engine.ask("GET", "/images/json", params={"filters": f'{{"label":["{CACHE_LABEL}"]}}'})
    for image in found:
        for tag in image.get("RepoTags") or ():
            if tag.startswith("mde-grade/cache-"):
                removed += engine.quietly("DELETE", f"/images/{tag}")
    for image in engine.ask(
        "GET", "/images/json", params={"filters": f'{{"label":["{CACHE_LABEL}"],"dangling":["true"]}}'}
    ):
        removed += engine.quietly("DELETE", f"/images/{image['Id']}")
    return removed


def _own(engine: Engine, image: str, lab: str) -> dict[str, Any] | None:
    """The image, if the engine shows it as this lab's."""
    try:
        about: dict[str, Any] = engine.ask("GET", f"/images/{image}/json")
    except RefusalError as refusal:
        if refusal.status == NOT_FOUND:
            return None
        raise EngineError(f"the engine cannot show an image: {refusal.message}") from refusal
    labels = (about.get("Config") or {}).get("Labels") or {}
    return about if labels.get(CACHE_LABEL) == lab else None
