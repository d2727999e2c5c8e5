"""What an image's history tells: settings that are secrets, steps that ran again, layers that grew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mde_grader.runtimes.base import BuiltImage, Layer

_NOP_ENV = re.compile(r"(?:^|#\(nop\)\s+)ENV\s+(.*)", re.DOTALL)
_SETTING = re.compile(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|\S*)")
_SECRET_NAME = re.compile(r"PASSW(OR)?D|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE)
_ELSEWHERE = re.compile(r"_(FILE|PATH|DIR|NAME|TTL|SECONDS|LENGTH)$", re.IGNORECASE)
_INSTALL_LOCAL = re.compile(r"\b(pip3?|uv)\b[^&;|]*\binstall\b[^&;|]*(--no-index|--find-links|\s-f\s|\.whl\b)")
_BUILD_TOOLS = frozenset({"pip", "setuptools", "wheel", "hatchling", "flit_core", "poetry_core", "packaging"})


def secret_settings(history: Iterable[Layer]) -> list[str]:
    """Names of variables that ENV steps set and whose names say that they are secret.

    A value that is empty, a path, or taken from elsewhere (`$OTHER`) is none; nor is a name that ends in `_FILE`.
    """
    found: list[str] = []
    for layer in history:
        step = _NOP_ENV.search(layer.created_by)
        if step is None:
            continue
        for name, value in _SETTING.findall(step.group(1)):
            plain = value.strip("\"'")
            if _SECRET_NAME.search(name) and not _ELSEWHERE.search(name) and plain and plain[0] not in "/$":
                found.append(name)
    return found


def needles_told(image: BuiltImage, needles: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a needle and the place, in an image's history or configuration, that tells it."""
    places = [(layer.created_by, f"the step `{shorten(layer.created_by)}`") for layer in image.history]
    places += [(text, f"the image's {where}") for where, text in _texts(image.config)]
    return [(needle, where) for needle in needles for text, where in places if needle and needle in text]


def _texts(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in config.items() if value]


def shorten(step: str, limit: int = 60) -> str:
    """One line of a history entry, without the builder's own words and without values of build arguments.

    What was copied the builder tells by a sum only, so that the line reads `COPY ... /app`.
    """
    text = re.sub(r"^\|\d+ .*?(?=/bin/sh -c )", "", " ".join(step.split()))
    text = re.sub(r"^/bin/sh -c (#\(nop\)\s*)?", "", text)
    text = re.sub(r"\b(file|dir|multi):[0-9a-f]{16,} in ", "... ", text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def grown(before: Sequence[Layer], after: Sequence[Layer]) -> tuple[int, str]:
    """Return the most bytes that one step adds more than it did, and that step in one line."""
    if len(before) != len(after):
        return sum(layer.size for layer in after) - sum(layer.size for layer in before), "the image"
    pairs = [(new.size - old.size, shorten(new.created_by)) for old, new in zip(before, after, strict=True)]
    return max(pairs, default=(0, ""))


def fetched(paths: Iterable[str]) -> list[str]:
    """Projects whose wheels a build fetched from its package index, tools that only build packages left out.

    >>> fetched(["/simple/flask/", "/wheels/flask-3.1.3-py3-none-any.whl", "/wheels/pip-24.0-py3-none-any.whl"])
    ['flask']
    """
    wheels = [path.rpartition("/")[2] for path in paths if path.endswith(".whl")]
    return sorted({name for wheel in wheels if (name := wheel.partition("-")[0].lower()) not in _BUILD_TOOLS})


def installed(log: str, names: Iterable[str]) -> list[str]:
    """Which of the named projects pip says, in a build's log, to have installed; cached steps say nothing.

    >>> installed("Successfully installed blinker-1.9.0 psycopg-binary-3.2.1 mine-0.1", ["blinker", "psycopg-binary"])
    ['blinker', 'psycopg-binary']
    """
    said = re.findall(r"^\W*Successfully installed (.+)$", log, re.MULTILINE)
    found = {word.rpartition("-")[0].lower().replace("_", "-") for line in said for word in line.split()}
    return sorted(found & set(names))


def installs_again(before: Iterable[Layer], after: Iterable[Layer]) -> str:
    """The first step that installs wheels it brought along and was not taken from the cache; empty when there is none.

    Installs from an index are seen by what they fetch. Steps are told apart by the time of their making, which a
    cached one keeps.
    """
    known = {(layer.created_by, layer.created) for layer in before}
    for layer in after:
        if _INSTALL_LOCAL.search(layer.created_by) and (layer.created_by, layer.created) not in known:
            return shorten(layer.created_by)
    return ""


def largest(history: Iterable[Layer], count: int = 3) -> str:
    """The largest steps, one a line, with their size in MB."""
    layers = sorted(history, key=lambda layer: -layer.size)[:count]
    return "\n".join(f"{layer.size / 1e6:7.1f} MB  {shorten(layer.created_by)}" for layer in layers)
