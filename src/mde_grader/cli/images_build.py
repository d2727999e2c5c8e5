"""`mde-grade images build`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from mde_grader.cli.engine import image_client
from mde_grader.cli.options import LabName, labs_option
from mde_grader.cli.terminal import note, say
from mde_grader.labs import load_lab
from mde_grader.runtimes.images import all_names, ensure, required_for

AUTHORITIES = "PIP_CERT"
"""The first of the variables from which a build of ours learns of certificate authorities: an option beats them all."""


@click.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--lab", type=LabName(), help="Only what this lab needs.")
@labs_option
@click.option("--refresh", is_flag=True, help="Make them again, for newer packages and newer public bases.")
@click.option(
    "--build-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trust these certificate authorities while building (detected from SSL_CERT_FILE and its like otherwise).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about the progress.")
def command(  # noqa: PLR0913 - one argument an option
    *,
    names: tuple[str, ...],
    lab: str | None,
    labs: Path | None,
    refresh: bool,
    build_ca: Path | None,
    quiet: bool,
) -> None:
    """Make the images that are missing or out of date: all, the NAMEd ones, or those of a lab."""
    if build_ca:
        os.environ[AUTHORITIES] = str(build_ca.resolve())
    wanted = names or (required_for(load_lab(lab, labs).environment()) if lab else all_names())
    # Who asks for all is not stopped by one that needs what this machine has not got; a lab that needs it will be.
    strict = bool(names or lab)
    made = ensure(wanted, image_client(), (lambda _: None) if quiet else note, refresh=refresh, lenient=not strict)
    for image in made:
        say(f"{image.tag}  {image.how}")
