"""Where a public base comes from: a registry, by digest, or else this machine, bootstrapped from Debian's mirror."""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from mde_grader.errors import EngineError
from mde_grader.runtimes.images.catalog import PREFIX
from mde_grader.runtimes.images.store import LABEL, attributes, engine_errors

PULL_SILENCE = 20.0
"""Seconds without any news after which a registry counts as unreachable."""

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR_VARIABLE = "MDE_GRADE_DEBIAN_MIRROR"
MIRROR = "http://deb.debian.org/debian"

INCLUDE = "ca-certificates"
"""All that is added to Debian's minimal variant."""

LEFT_OUT = ("doc", "man", "locale", "info", "lintian", "linda", "groff")
"""Folders of /usr/share that Debian's own slim images leave out too."""


def pull(reference: str, client: docker.DockerClient) -> str | None:
    """Pull a public image.

    Args:
        reference: `name:tag`.
        client: The engine.

    Returns:
        `name@sha256:...`, or None when no registry answers.
    """
    name, _, tag = reference.partition(":")
    try:
        events = _within(client.api.pull(name, tag, stream=True, decode=True), PULL_SILENCE)
        if any("error" in event for event in events):
            return None
        digests: list[str] = attributes(reference, client).get("RepoDigests") or []
    except (DockerException, RequestException, TimeoutError):
        return None
    return next(iter(digests), None)


def _within(events: Iterator[Mapping[str, Any]], silence: float) -> Iterator[Mapping[str, Any]]:
    """Pass events on.

    Raises:
        TimeoutError: None came for `silence` seconds; the thread that waits for more ends with this process.
    """
    box: queue.SimpleQueue[Mapping[str, Any] | Exception | None] = queue.SimpleQueue()

    def read() -> None:
        try:
            for event in events:
                box.put(event)
            box.put(None)
        except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
            box.put(error)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            event = box.get(timeout=silence)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(event, Exception):
            raise event
        if event is None:
            return
        yield event


def bootstrap(tag: str, marks: Mapping[str, str], client: docker.DockerClient) -> None:
    """Make a minimal Debian 12 from the distribution's mirror and import it.

    Args:
        tag: Tag to give it.
        marks: Labels to give it; the stamp, which is the hash of the file system's archive, is added.
        client: The engine.

    Raises:
        EngineError: The tool is missing, the mirror does not answer, or the engine refused the import.
    """
    tool = bootstrap_tool()
    with tempfile.TemporaryDirectory(prefix="mde-grade-") as folder:
        archive = Path(folder) / "base.tar"
        done = subprocess.run([tool, *_arguments(archive)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise EngineError(
                f"the base image could not be made: {_last_line(done.stderr)}",
                hint=f"check that this machine reaches {mirror()}, or bring the images: `mde-grade images load`",
            )
        with archive.open("rb") as content:
            stamp = hashlib.file_digest(content, "sha256").hexdigest()
        changes = [f'LABEL {name}="{value}"' for name, value in (dict(marks) | {f"{LABEL}.stamp": stamp}).items()]
        repository, _, version = tag.partition(":")
        with engine_errors("importing the base image"):
            client.api.import_image_from_file(
                str(archive), repository=repository, tag=version, changes=[*changes, 'CMD ["bash"]']
            )
    with engine_errors("tagging the base image"):
        client.api.tag(tag, f"{PREFIX}base", "latest")


def mirror() -> str:
    """The Debian mirror in use, without a slash at its end."""
    return (os.environ.get(MIRROR_VARIABLE) or MIRROR).rstrip("/")


def bootstrap_tool() -> str:
    """Path of mmdebstrap, which needs no root where user namespaces are allowed.

    Raises:
        EngineError: It, or Debian's keys, are not installed.
    """
    tool = shutil.which("mmdebstrap")
    if not tool or not Path(KEYRING).is_file():
        raise EngineError(
            "no image registry answers, and mmdebstrap, which makes the base image without one, is not installed",
            hint="run `scripts/setup` as root or `apt-get install mmdebstrap debian-archive-keyring`, "
            "or bring the images: `mde-grade images load`",
        )
    return tool


def _arguments(archive: Path) -> list[str]:
    main = mirror()
    suites = ((main, SUITE), (main, f"{SUITE}-updates"), (f"{main}-security", f"{SUITE}-security"))
    sources = [f"deb [signed-by={KEYRING}] {address} {suite} main" for address, suite in suites]
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    # Licences stay, as Debian's policy wants; nothing is synced to disk inside a build that is thrown away on failure.
    options = ["--dpkgopt=path-include=/usr/share/doc/*/copyright", "--dpkgopt=force-unsafe-io"]
    languages = ["--aptopt=Acquire::Languages none", "--aptopt=Apt::Install-Recommends false"]
    return [
        "--quiet",
        "--variant=minbase",
        f"--include={INCLUDE}",
        *left_out,
        *options,
        *languages,
        SUITE,
        str(archive),
        *sources,
    ]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or ["no reason given"])[-1 if not errors else 0][:300]
