"""Bootstraps pip and setuptools from the wheels beside this file, as the standard module of this name does."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

_BUNDLED = Path(__file__).parent / "_bundled"


def _wheel(project: str) -> Path:
    return next(_BUNDLED.glob(f"{project}-*.whl"))


def version() -> str:
    """Return the version of pip that would be installed."""
    return _wheel("pip").name.split("-")[1]


def bootstrap(  # noqa: PLR0913 - the signature of the standard module
    *,
    root: str | None = None,
    upgrade: bool = False,
    user: bool = False,
    altinstall: bool = False,  # noqa: ARG001
    default_pip: bool = False,  # noqa: ARG001
    verbosity: int = 0,  # noqa: ARG001
) -> None:
    """Install pip and setuptools into the running interpreter's environment."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        del os.environ[name]
    os.environ["PIP_CONFIG_FILE"] = os.devnull
    sys.path.insert(0, str(_wheel("pip")))
    sys.argv = ["pip", "install", "--quiet", "--no-cache-dir", "--no-index", "--find-links", str(_BUNDLED)]
    sys.argv += ["--upgrade"] if upgrade else []
    sys.argv += ["--user"] if user else []
    sys.argv += ["--root", root] if root else []
    sys.argv += ["setuptools", "pip"]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve `python -m ensurepip [--upgrade] [--user] [--default-pip] [--root DIR]`."""
    arguments = sys.argv[1:]
    root = arguments[arguments.index("--root") + 1] if "--root" in arguments else None
    bootstrap(root=root, upgrade="--upgrade" in arguments or "-U" in arguments, user="--user" in arguments)
