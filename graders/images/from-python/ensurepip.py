"""Bootstraps pip and setuptools from the wheels beside this file, as the standard module of this name does."""

import os
import runpy
import sys
from pathlib import Path

_BUNDLED = Path(__file__).parent / "_bundled"


def _wheel(project):
    return next(_BUNDLED.glob(f"{project}-*.whl"))


def version():
    """Return the version of pip that would be installed."""
    return _wheel("pip").name.split("-")[1]


def bootstrap(*, root=None, upgrade=False, user=False, altinstall=False, default_pip=False, verbosity=0):
    """Install pip and setuptools into the running interpreter's environment."""
    _run(["install", "--upgrade"] if upgrade else ["install"], ["--user"] if user else [], root)


def _run(command, options, root):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        del os.environ[name]
    os.environ["PIP_CONFIG_FILE"] = os.devnull
    sys.path.insert(0, str(_wheel("pip")))
    sys.argv = ["pip", *command, "--quiet", "--no-cache-dir", "--no-index", "--find-links", str(_BUNDLED), *options]
    sys.argv += ["--root", root] if root else []
    sys.argv += ["setuptools", "pip"]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def main():
    """Serve `python -m ensurepip [--upgrade] [--user] [--default-pip] [--root DIR]`."""
    arguments = sys.argv[1:]
    root = arguments[arguments.index("--root") + 1] if "--root" in arguments else None
    bootstrap(root=root, upgrade="--upgrade" in arguments or "-U" in arguments, user="--user" in arguments)
