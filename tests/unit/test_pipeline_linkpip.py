"""Virtual environments that get links to pip in place of a copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graders.images.pipeline.linkpip import COMMANDS, link


def test_an_environment_gets_links_and_commands(tmp_path: Path) -> None:
    packages, site, scripts = (tmp_path / name for name in ("packages", "site", "scripts"))
    main = packages / "pip" / "_internal" / "cli" / "main.py"
    main.parent.mkdir(parents=True)
    for folder in (main.parent, main.parents[1], main.parents[2]):
        (folder / "__init__.py").touch()
    main.write_text("import sys\n\n\ndef main():\n    print('pip', *sys.argv[1:])\n")
    for name in ("pip-24.0.dist-info", "setuptools", "setuptools-79.dist-info", "pipeline"):
        (packages / name).mkdir()
    site.mkdir()
    scripts.mkdir()
    (site / "setuptools").mkdir()
    for _ in range(2):
        link(packages, site, scripts, sys.executable)
    linked = {path.name: path.readlink() for path in site.iterdir() if path.is_symlink()}
    assert linked == {name: packages / name for name in ("pip", "pip-24.0.dist-info", "setuptools-79.dist-info")}
    for name in COMMANDS:
        done = subprocess.run([scripts / name, "list"], env={"PYTHONPATH": str(site)}, capture_output=True, check=True)
        assert done.stdout == b"pip list\n"
