"""Which of our images are on the engine, and which public bases they only stand in for."""

from __future__ import annotations

from collections.abc import Mapping

from mde_grader.doctor.findings import Finding
from mde_grader.runtimes.docker.client import Engine, sdk_client
from mde_grader.runtimes.images import Image, all_names, load_catalog
from mde_grader.runtimes.images.catalog import ordered
from mde_grader.runtimes.images.store import current

HINT = "run `mde-grade images build`"


def stock(engine: Engine) -> Finding:
    """Compare the engine's images with the catalogue.

    Raises:
        EngineError: The engine does not answer.
    """
    catalog = load_catalog()
    names = all_names(catalog)
    present = current(ordered(names, catalog), sdk_client(engine))
    return judged(names, present, {name for name, recipe in catalog.items() if recipe.names})


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
