"""Bring an engine's images of ours up to date, two at a time, and do nothing when they are."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

from mde_grader.errors import UsageError
from mde_grader.places import cache_folder
from mde_grader.runtimes.images import bases
from mde_grader.runtimes.images.builder import build, engine_architecture
from mde_grader.runtimes.images.catalog import PREFIX, Recipe, load_catalog, ordered
from mde_grader.runtimes.images.gathering import gather, outdated
from mde_grader.runtimes.images.materials import MaterialMissingError
from mde_grader.runtimes.images.store import LABEL, Image, attributes, current, labels

Report = Callable[[str], None]
"""Told one line a step."""

AT_ONCE = 2
"""Builds side by side: they wait for the mirror and the disk by turns; a third brought nothing on two cores."""


def ensure(  # noqa: PLR0913 - one argument a choice of the user's
    names: Iterable[str],
    client: docker.DockerClient,
    report: Report = lambda _: None,
    *,
    refresh: bool = False,
    lenient: bool = False,
    catalog: Mapping[str, Recipe] | None = None,
) -> list[Image]:
    """Make those of the named images, and of what they need, that are missing or out of date.

    Args:
        names: Short names, as `all_names` and `required_for` give them.
        client: The engine.
        report: Told what is being made and how long it took.
        refresh: Make them all again, for newer packages and newer public bases.
        lenient: Leave out, with a word, an image whose material is neither on this machine nor to be had.
        catalog: The recipes; the installation's own when None.

    Returns:
        The named images and what they need.

    Raises:
        UsageError: There is no image of that name.
        MaterialMissingError: The material of one is missing, and it is not to be left out.
        EngineError: One could not be made.
    """
    catalog = catalog or load_catalog()
    recipes = _recipes(tuple(names), catalog)
    fresh = {} if refresh else _fresh(recipes, client)
    if len(fresh) < len(recipes):
        with _alone(report):
            # Another process may have made them while this one waited.
            fresh = {} if refresh else _fresh(recipes, client)
            missing = [recipe for recipe in recipes if recipe.name not in fresh]
            _Making(client, report, fresh, lenient=lenient).run(missing)
            fresh = current(recipes, client)
    return [fresh[recipe.name] for recipe in recipes if recipe.name in fresh]


def _fresh(recipes: list[Recipe], client: docker.DockerClient) -> dict[str, Image]:
    """Images that need not be made, by name."""
    fresh = current(recipes, client)
    machine = engine_architecture(client) if any(recipe.materials for recipe in recipes) else ""
    old = {recipe.name for recipe in recipes if recipe.name in fresh and outdated(recipe, fresh[recipe.name], machine)}
    return {name: image for name, image in fresh.items() if name not in old}


def _recipes(names: tuple[str, ...], catalog: Mapping[str, Recipe]) -> list[Recipe]:
    for name in names:
        if name not in catalog:
            raise UsageError(f"there is no image {name!r}", hint=f"images there are: {', '.join(sorted(catalog))}")
    return ordered(names, catalog)


@contextmanager
def _alone(report: Report) -> Iterator[None]:
    """Let one process of this user make images at a time; a machine without a place for the lock does without."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        lock = (cache_folder() / "images.lock").open("w")
    except OSError:
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            report("another process is making images; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class _Made:
    tag: str
    how: str
    digest: str
    stamp: str


@dataclass
class _Making:
    """One run: what is done so far, and whether a registry has been seen to answer."""

    client: docker.DockerClient
    report: Report
    fresh: Mapping[str, Image]
    lenient: bool = False
    made: dict[str, _Made] = field(default_factory=dict)
    registry: bool = True

    def run(self, recipes: list[Recipe]) -> None:
        """Make the recipes, each as soon as what it needs is there."""
        self.made = {name: _Made(i.tag, i.how, i.digest, i.stamp) for name, i in self.fresh.items()}
        waiting = list(recipes)
        running: dict[Future[_Made], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while waiting or running:
                for recipe in [r for r in waiting if all(needed in self.made for needed in r.needs.values())]:
                    waiting.remove(recipe)
                    running[pool.submit(self._make, recipe)] = recipe.name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    made = self._result(future, name, pool)
                    if made:
                        self.made[name] = made
                    else:
                        waiting = _without(name, waiting)

    def _result(self, future: Future[_Made], name: str, pool: ThreadPoolExecutor) -> _Made | None:
        """What was made; None where it is left out."""
        try:
            return future.result()
        except MaterialMissingError as error:
            if not self.lenient:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            self.report(f"left out {PREFIX}{name}: {error.message}; {error.hint}")
            return None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    def _make(self, recipe: Recipe) -> _Made:
        started = time.monotonic()
        version = recipe.digest({name: made.stamp for name, made in self.made.items()})
        self.report(f"making {PREFIX}{recipe.name}")
        made = self._from_registry(recipe, version) or self._from_here(recipe, version)
        self.report(f"made {made.tag} ({made.how}) in {time.monotonic() - started:.1f} s")
        return made

    def _from_registry(self, recipe: Recipe, version: str) -> _Made | None:
        if not recipe.pull or not self.registry:
            return None
        reference = bases.pull(recipe.pull, self.client)
        if reference is None:
            self.registry = False
            self.report(f"no registry answers for {recipe.pull}; standing in for it from Debian's packages")
            return None
        digest = reference.partition("@")[2]
        marks = labels(version, how="registry", digest=digest, stamp=digest)
        tag = build(recipe, recipe.pulled_files, {"BASE": reference}, marks, self.client)
        return _Made(tag, "registry", digest, digest)

    def _from_here(self, recipe: Recipe, version: str) -> _Made:
        if not recipe.files:
            tag = f"{PREFIX}{recipe.name}:{version}"
            bases.bootstrap(tag, labels(version, how="stand-in", digest="", stamp=""), self.client)
            stamp = attributes(tag, self.client)["Config"]["Labels"][f"{LABEL}.stamp"]
            return _Made(tag, "stand-in", "", stamp)
        needed = {argument: self.made[name] for argument, name in recipe.needs.items()}
        # An image that has a public name of its own and was not pulled is a stand-in, whatever it is made on.
        under = None if recipe.pull else needed.get("BASE")
        how, digest = (under.how, under.digest) if under else ("stand-in", "")
        marks = labels(version, how=how, digest=digest, stamp=version)
        arguments = {argument: made.tag for argument, made in needed.items()}
        return _Made(self._build(recipe, arguments, marks), how, digest, version)

    def _build(self, recipe: Recipe, arguments: Mapping[str, str], marks: Mapping[str, str]) -> str:
        if not recipe.materials:
            return build(recipe, recipe.files, arguments, marks, self.client)
        with TemporaryDirectory(prefix="mde-grade-") as folder:
            files, told = gather(recipe, engine_architecture(self.client), Path(folder))
            whole = {**recipe.files, **files}
            return build(recipe, whole, arguments, {**marks, f"{LABEL}.material": told}, self.client)


def _without(name: str, waiting: list[Recipe]) -> list[Recipe]:
    """The recipes that need neither that image nor one that needs it."""
    for recipe in waiting:
        if name in recipe.needs.values():
            return _without(name, _without(recipe.name, [other for other in waiting if other is not recipe]))
    return waiting
