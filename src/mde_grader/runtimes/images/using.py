"""Which images a lab and a submission get; looks at the engine, makes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import docker

from mde_grader.environments import Environment
from mde_grader.errors import ImageMissingError, LabInvalidError
from mde_grader.runtimes.images.catalog import PREFIX, Recipe, load_catalog, ordered
from mde_grader.runtimes.images.store import Image, current

ALWAYS = ("side",)
"""Images that every attempt needs."""

EMPTY_BASE = "scratch"
"""The one public base that is no image."""

ON_REQUEST = ("from-node-18-bookworm-slim",)
"""Images that `all_names` leaves out: made when a lab names them, since none of the shipped labs does."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """What a submission's `FROM name` gets.

    Attributes:
        name: The public name.
        tag: Our tag that is put into the Dockerfile instead.
        id: `sha256:...`.
        how: `registry` or `stand-in`.
        digest: `sha256:...` of the public image; empty for a stand-in.
    """

    name: str
    tag: str
    id: str
    how: str
    digest: str


def all_names(catalog: Mapping[str, Recipe] | None = None) -> tuple[str, ...]:
    """Names of the images that `mde-grade images build` makes when none is named."""
    return tuple(name for name in catalog or load_catalog() if name not in ON_REQUEST)


def required_for(environment: Environment, catalog: Mapping[str, Recipe] | None = None) -> tuple[str, ...]:
    """Names of the images that attempts of a lab need: the side container, bases, index, services.

    Raises:
        LabInvalidError: The lab names an image or a base that there is not.
    """
    catalog = catalog or load_catalog()
    own = (*environment.services, *environment.workspaces)
    tags = [*environment.images.values(), *(service.image for service in own)]
    named = [_short(tag) for tag in [*tags, *([environment.index] if environment.index else [])]]
    bases = [_serving(base, catalog).name for base in environment.bases if base != EMPTY_BASE]
    names = tuple(dict.fromkeys([*ALWAYS, *bases, *named]))
    unknown = [name for name in names if name not in catalog]
    if unknown:
        raise LabInvalidError(f"the lab's environment names the image {unknown[0]!r}, which is not in the catalogue")
    return names


def require(
    names: Iterable[str], client: docker.DockerClient, catalog: Mapping[str, Recipe] | None = None
) -> dict[str, Image]:
    """The named images as they are on the engine, all up to date.

    Raises:
        ImageMissingError: One is missing or was made from older files.
        EngineError: The engine does not answer.
    """
    wanted = tuple(names)
    catalog = catalog or load_catalog()
    fresh = current(ordered(wanted, catalog), client)
    missing = [name for name in wanted if name not in fresh]
    if missing:
        raise ImageMissingError(f"not on this engine, or out of date: {', '.join(PREFIX + name for name in missing)}")
    return {name: fresh[name] for name in wanted}


def resolve_base(name: str, client: docker.DockerClient, catalog: Mapping[str, Recipe] | None = None) -> BaseImage:
    """The image that a submission's `FROM name` gets.

    Raises:
        LabInvalidError: No image of ours serves that name.
        ImageMissingError: It is not on the engine.
    """
    catalog = catalog or load_catalog()
    recipe = _serving(name, catalog)
    image = require([recipe.name], client, catalog)[recipe.name]
    return BaseImage(name=name, tag=image.tag, id=image.id, how=image.how, digest=image.digest)


def _serving(public: str, catalog: Mapping[str, Recipe]) -> Recipe:
    for recipe in catalog.values():
        if public in recipe.names:
            return recipe
    known = ", ".join(sorted(name for recipe in catalog.values() for name in recipe.names))
    raise LabInvalidError(f"no image serves the base {public!r}", hint=f"bases there are: {known}")


def _short(tag: str) -> str:
    return tag.removeprefix(PREFIX).partition(":")[0]
