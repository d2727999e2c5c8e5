"""The grader's own images: what they are, which are on an engine, and making those that are not.

`ensure` makes, `require` only looks, `inventory` lists, `save` and `load` carry them to rooms without a network,
`resolve_base` says which image a submission's FROM gets, `required_for` which images a lab needs.
"""

from mde_grader.runtimes.images.catalog import PREFIX, Recipe, load_catalog
from mde_grader.runtimes.images.making import Report, ensure
from mde_grader.runtimes.images.store import Image, inventory, load, save
from mde_grader.runtimes.images.using import BaseImage, all_names, require, required_for, resolve_base

__all__ = [
    "PREFIX",
    "BaseImage",
    "Image",
    "Recipe",
    "Report",
    "all_names",
    "ensure",
    "inventory",
    "load",
    "load_catalog",
    "require",
    "required_for",
    "resolve_base",
    "save",
]
