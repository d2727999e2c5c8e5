"""From "there is an engine somewhere" to all that an attempt needs of it: runtime, images, and how they were got."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from mde_grader.environments import Environment
from mde_grader.runtimes.base import EngineInfo, Runtime
from mde_grader.runtimes.docker import connect as connect_docker
from mde_grader.runtimes.docker.client import sdk_client
from mde_grader.runtimes.images import PREFIX, Image, Recipe, load_catalog, require, required_for
from mde_grader.runtimes.images.using import EMPTY_BASE


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with the images that one lab needs.

    Attributes:
        runtime: Starts and builds.
        info: What the engine says of itself.
        images: Images of ours by short name.
        bases: Tag that a submission's FROM gets, by public name.
        how: `registry`, `stand-in` or `empty`, by public name.
    """

    runtime: Runtime
    info: EngineInfo
    images: Mapping[str, Image]
    bases: Mapping[str, str]
    how: Mapping[str, str]

    @property
    def tags(self) -> dict[str, str]:
        """Tags with content hash, by short name and by the name that environment.yaml uses."""
        short = {name: image.tag for name, image in self.images.items()}
        return short | {f"{PREFIX}{name}": tag for name, tag in short.items()}

    def facts(self) -> dict[str, object]:
        """What the scorecard tells of it; JSON values."""
        images = {name: {"id": image.id, "how": image.how} for name, image in self.images.items()}
        return {"engine": asdict(self.info), "grader_images": images, "bases": dict(self.how)}


def connect(environment: Environment) -> Engine:
    """Find an engine and the images that a lab needs.

    Raises:
        EngineUnavailableError: No engine answers.
        ImageMissingError: An image is missing or out of date.
    """
    runtime = connect_docker()
    with ThreadPoolExecutor(1, thread_name_prefix="mde-connect") as pool:
        asked = pool.submit(runtime.info)
        catalog = load_catalog()
        images = require(required_for(environment, catalog), sdk_client(runtime.engine), catalog)
        info = asked.result()
    bases = serving(environment, images, catalog)
    how = {public: images[name].how for public, name in bases.items()}
    tags = {public: images[name].tag for public, name in bases.items()}
    if EMPTY_BASE in environment.bases:
        tags[EMPTY_BASE], how[EMPTY_BASE] = EMPTY_BASE, "empty"
    return Engine(runtime, info, images, tags, how)


def serving(environment: Environment, images: Mapping[str, Image], catalog: Mapping[str, Recipe]) -> dict[str, str]:
    """Return the short name of our image that serves each public base of a lab."""
    return {
        public: recipe.name
        for recipe in catalog.values()
        for public in recipe.names
        if public in environment.bases and recipe.name in images
    }
