"""Which of our images are on the engine, and which public bases they only stand in for."""

from __future__ import annotations

from collections.abc import Mapping

from mde_grader.doctor.findings import Finding
from mde_grader.runtimes.docker.client import Engine, sdk_client
from mde_grader.runtimes.images import Image, all_names, load_catalog
from mde_grader.runtimes.images.builder import engine_architecture
from mde_grader.runtimes.images.catalog import ordered
from mde_grader.runtimes.images.gathering import told
from mde_grader.runtimes.images.materials import Material
from mde_grader.runtimes.images.store import current

HINT = "run `mde-grade images build`"


def stock(engine: Engine) -> list[Finding]:
    """Compare the engine's images with the catalogue, and say what those are made of that take something from here.

    Raises:
        EngineError: The engine does not answer.
    """
    catalog = load_catalog()
    names = all_names(catalog)
    client = sdk_client(engine)
    present = current(ordered(names, catalog), client)
    plain = tuple(name for name in names if not catalog[name].materials)
    bases = {name for name, recipe in catalog.items() if recipe.names}
    machine = engine_architecture(client)
    tools = [catalog[name] for name in names if catalog[name].materials]
    found = [tooled(recipe.name, list(told(recipe, machine)), present.get(recipe.name)) for recipe in tools]
    return [judged(plain, {name: present[name] for name in plain if name in present}, bases), *found]


def tooled(name: str, have: list[tuple[Material, str]], image: Image | None) -> Finding:
    """Say where the tools of one image are, and what to do where they are missing; pure.

    Args:
        name: The image's short name.
        have: Each of its materials, and its place on this machine; empty where it has none.
        image: The image, when it is there and up to date.
    """
    places = "; ".join(f"{material.title}: {where or 'not on this machine'}" for material, where in have)
    there = f"image present ({places})" if image else f"no image ({places})"
    missing = [material.hint for material, where in have if not where]
    hint = "" if image else (missing or [HINT])[0]
    return Finding(name, f"{name} for labs that use it", image is not None, "its image", there, hint)


def judged(names: tuple[str, ...], present: Mapping[str, Image], bases: set[str]) -> Finding:
    """Say what is missing and what is a stand-in; pure.

    Args:
        names: Images that there should be.
        present: Those that are there and up to date.
        bases: Names of the images that serve public bases.
    """
    missing = [name for name in names if name not in present]
    standing_in = sorted(name for name, image in present.items() if image.how == "stand-in" and name in bases)
    told = f"{len(names) - len(missing)} of {len(names)} present"
    told += f"; stand-ins: {', '.join(standing_in)}" if standing_in else "; all bases are the public ones"
    told += f"; missing or out of date: {', '.join(missing)}" if missing else ""
    return Finding("images", "our images are here", not missing, "all, up to date", told, HINT if missing else "")
