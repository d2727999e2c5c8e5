"""`python -m ensurepip` of the image: a virtual environment gets links to the pip and setuptools that are there.

The standard module unpacks and compiles both, 1,500 files each time. Pipelines make an environment a job, several at
once, on a file system in memory. With `PIP_NO_INDEX` there is no other version to be installed over the links.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

PACKAGES = Path("/usr/local/lib/python3.11/dist-packages")
"""Where the image has its own, which nobody who runs there can change."""

NAMES = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
COMMANDS = ("pip", "pip3", "pip3.11")


def link(packages: Path, site: Path, scripts: Path, python: str) -> None:
    """Put pip and setuptools into an environment.

    Args:
        packages: Where they are.
        site: The environment's folder for packages.
        scripts: Its folder for commands.
        python: Its interpreter.
    """
    sources = [packages / name for name in NAMES]
    sources += [path for name in ("pip", "setuptools") for path in packages.glob(f"{name}-*.dist-info")]
    for source in sources:
        place = site / source.name
        if source.exists() and not place.exists():
            place.symlink_to(source)
    for name in COMMANDS:
        path = scripts / name
        path.write_text(f"#!{python}\nimport sys\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n")
        path.chmod(0o755)


def main() -> None:
    """Serve an environment; outside of one all is there already."""
    if sys.prefix != sys.base_prefix:
        paths = sysconfig.get_paths()
        link(PACKAGES, Path(paths["purelib"]), Path(paths["scripts"]), sys.executable)


if __name__ == "__main__":
    main()
