"""`actions/setup-python` and `actions/setup-node`: one version is there, another one is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .inputs import StepError, give, notice, text, workspace

PYTHON, NODE = "/usr/bin/python3", "/opt/mde/pipeline/bin/node"


def python() -> None:
    """Check that the Python that is asked for is the one that is there.

    Raises:
        StepError: It is another one.
    """
    here = _said(PYTHON, "-c", "import platform; print(platform.python_version())")
    asked = text("python-version") or _written(text("python-version-file"), r"^\s*(?:python[ =-]*)?([\d.*x]+)")
    _insist("Python", "setup-python", asked, here)
    give(python_version=here, python_path=PYTHON, cache_hit="")


def node() -> None:
    """Check that the Node.js that is asked for is the one that is there.

    Raises:
        StepError: It is another one.
    """
    here = _said(NODE, "--version").removeprefix("v")
    asked = text("node-version") or _written(text("node-version-file"), r"^\s*v?([\w./*]+)")
    _insist("Node.js", "setup-node", asked.removeprefix("v"), here)
    give(node_version=f"v{here}", cache_hit="")


def _said(*command: str) -> str:
    return subprocess.check_output(command, text=True).strip()


def _written(name: str, pattern: str) -> str:
    if not name:
        return ""
    path: Path = workspace() / name
    if not path.is_file():
        raise StepError(f"there is no file {name}")
    content = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".toml":
        pattern = r"^\s*requires-python\s*=\s*[\"']([^\"']+)"
    found = re.search(pattern, content, re.MULTILINE)
    return found[1] if found else ""


def _insist(title: str, action: str, asked: str, here: str) -> None:
    if not any(fits(one.strip(), here) for one in asked.splitlines() or [""]):
        raise StepError(f"{action}: {title} {asked} is not here; there is {here}")
    notice("", f"{title} {here}")


def fits(asked: str, here: str) -> bool:
    """Whether a version as people write it (`3.11`, `3.x`, `>=3.10,<4`, `lts/*`) is met.

    Args:
        asked: A part of a version, or a range.
        here: The whole version that is there.
    """
    if asked in {"", "*", "x", "latest", "current", "node", "lts/*"}:
        return True
    parts = [part for part in re.split(r"[\s,]+", re.sub(r"([<>=~^]+)\s+", r"\1", asked)) if part]
    return all(_meets(part, here) for part in parts)


def _meets(part: str, here: str) -> bool:
    match = re.fullmatch(r"(?P<sign>[<>]=?|==?|~=?|\^|)v?(?P<numbers>\d+(?:\.(?:\d+|x|\*))*)", part)
    if not match:
        return False
    wanted = [int(number) for number in match["numbers"].split(".") if number.isdecimal()]
    there = [int(number) for number in here.split(".")]
    sign = match["sign"]
    if sign in {"", "=", "=="}:
        return there[: len(wanted)] == wanted
    if sign == "^":
        return there[0] == wanted[0] and there >= wanted
    if sign in {"~", "~="}:
        fixed = max(1, min(len(wanted), 2) if sign == "~" else len(wanted) - 1)
        return there[:fixed] == wanted[:fixed] and there >= wanted
    padded = wanted + [0] * (len(there) - len(wanted))
    return {"<": there < padded, "<=": there <= padded, ">": there > padded, ">=": there >= padded}[sign]
