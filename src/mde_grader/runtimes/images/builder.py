"""Build one image of ours: pack its context, fetch its wheels, run the engine's builder, keep the log's tail."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import docker

from mde_grader.errors import EngineError
from mde_grader.runtimes.images.catalog import PREFIX, Recipe
from mde_grader.runtimes.images.materials import AUTHORITY_VARIABLES, PLACE
from mde_grader.runtimes.images.store import LABEL, engine_errors

BUILD_SILENCE = 600
"""Seconds that a step may print nothing; apt unpacking PostgreSQL on a slow disk is the longest known, below 60."""

LOG_TAIL = 15
"""Lines of a failed build that are shown."""

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""What a builder accepts as arguments without a declaration, and keeps out of the image."""

GLIBC_OF_BASES = 36
"""Minor version of Debian 12's C library: the newest manylinux tag that its images run."""


def build(
    recipe: Recipe,
    files: Mapping[str, Path],
    bases: Mapping[str, str],
    marks: Mapping[str, str],
    client: docker.DockerClient,
) -> str:
    """Build and tag one image.

    Args:
        recipe: What it is made from.
        files: The context: the recipe's own files, or those put on a pulled base.
        bases: Build arguments: tag or reference for each FROM.
        marks: Labels; the one of the recipe's hash is the tag's version.
        client: The engine.

    Returns:
        The image's tag.

    Raises:
        EngineError: A step failed, with the end of its log; or wheels could not be fetched.
    """
    tag = f"{PREFIX}{recipe.name}:{marks[f'{LABEL}.recipe']}"
    with tempfile.TemporaryDirectory(prefix="mde-grade-") as folder:
        whole = dict(files)
        if recipe.wheels and files is not recipe.pulled_files:
            whole |= fetch_wheels(recipe.wheels, recipe.python, engine_architecture(client), Path(folder))
        with engine_errors(f"building {recipe.name}"), tempfile.TemporaryFile() as context:
            pack(whole, context)
            context.seek(0)
            events = client.api.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                buildargs=dict(bases) | _proxies(),
                labels=dict(marks),
                timeout=BUILD_SILENCE,
                decode=True,
            )
            _follow(recipe.name, events)
    client.api.tag(tag, PREFIX + recipe.name, "latest")
    return tag


def pack(files: Mapping[str, Path], target: IO[bytes]) -> None:
    """Write a build context as a tar archive; the same files give the same bytes on any machine."""
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, source in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = source.stat().st_size
            # A wheel that was unpacked by a careless tool has lost the x bits, so they are not read from the disk.
            member.mode = 0o755 if name.endswith(".sh") or name.startswith(f"{PLACE}/") else 0o644
            with source.open("rb") as content:
                archive.addfile(member, content)


def fetch_wheels(lock: Path, python: str, architecture: str, folder: Path) -> dict[str, Path]:
    """Download the wheels of a lock file with the pip of this environment, which knows the user's proxy and index.

    Returns:
        Context path to file.

    Raises:
        EngineError: pip is missing, offline, or a hash differs.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", python, "--implementation", "cp"]
    command += [word for name in _platforms(architecture) for word in ("--platform", name)]
    done = subprocess.run(
        [*command, "--dest", str(folder), "--requirement", str(lock)],
        capture_output=True,
        text=True,
        check=False,
        env=_with_authorities(os.environ),
    )
    if done.returncode:
        raise EngineError(
            f"the wheels of {lock.name} could not be fetched:\n{_tail(done.stderr.splitlines())}",
            hint="check the network and pip's settings, or bring the images: `mde-grade images load`",
        )
    return {f"wheels/{wheel.name}": wheel for wheel in folder.iterdir()}


def _with_authorities(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for pip, which behind a company's proxy learns of its certificates from its own variable only.

    All that a build of ours takes from https is fetched here, on this machine, so that no certificate of a company is
    ever copied into an image.
    """
    known = next((environ[name] for name in AUTHORITY_VARIABLES if environ.get(name)), None)
    return {**environ, "PIP_CERT": known} if known else dict(environ)


def _platforms(architecture: str) -> list[str]:
    modern = [f"manylinux_2_{minor}_{architecture}" for minor in range(GLIBC_OF_BASES, 4, -1)]
    return [*modern, f"manylinux2014_{architecture}", f"manylinux2010_{architecture}", f"manylinux1_{architecture}"]


def engine_architecture(client: docker.DockerClient) -> str:
    """The engine's machine name as wheels write it; the engine may be another machine than this one."""
    name = str(client.info().get("Architecture") or platform.machine())
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


def _proxies() -> dict[str, str]:
    return {name: os.environ[name] for name in PROXY_VARIABLES if os.environ.get(name)}


def _follow(name: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Read a build's events to their end.

    Raises:
        EngineError: One of them is an error.
    """
    log: deque[str] = deque(maxlen=LOG_TAIL)
    for event in events:
        log.extend(line for line in str(event.get("stream") or "").splitlines() if line.strip())
        if "error" in event:
            raise EngineError(
                f"building {name} failed: {event['error']}\n{_tail(log)}",
                hint="check that this machine reaches its package mirror, then run `mde-grade images build` again",
            )


def _tail(lines: Iterable[str]) -> str:
    return "\n".join(f"  | {json.dumps(line)[1:-1][:200]}" for line in list(lines)[-LOG_TAIL:])
