"""`mde-grade clean`."""

from __future__ import annotations

import time

import click

from mde_grader.cli.terminal import say
from mde_grader.runs import forget_old, runs_home
from mde_grader.runtimes.base import KEPT, Swept
from mde_grader.runtimes.docker import connect
from mde_grader.runtimes.janitor import Here, is_dead
from mde_grader.workfolders import sweep_work_folders


@click.command("clean")
@click.option("--kept", is_flag=True, help="Also remove the stacks that `grade --keep` left up.")
@click.option("--cache", is_flag=True, help="Also remove the labs' build caches.")
@click.option("--runs", is_flag=True, help="Also remove all finished runs' folders.")
def command(*, kept: bool, cache: bool, runs: bool) -> None:
    """Remove what dead runs left on the engine; running gradings are never touched."""
    here = Here.look()
    sweep_work_folders(lambda owner: not is_dead(owner, "", here=here, now=time.time()))
    runtime = connect()
    try:
        swept = runtime.sweep(everything_of=KEPT if kept else None, cache=cache)
    finally:
        runtime.close()
    say(told(swept))
    if runs:
        say(f"run folders: {forget_old(runs_home(), keep=0)} removed")


def told(swept: Swept) -> str:
    """What was removed, in one line."""
    kinds = ("containers", "networks", "volumes", "images")
    parts = [f"{getattr(swept, kind)} {kind}" for kind in kinds if getattr(swept, kind)]
    return f"removed {', '.join(parts)}" if parts else "there was nothing to remove"
