"""The built wheel, installed elsewhere, as somebody has it who typed `pip install mde-grader`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mde_grader.labs import LabFolder
from mde_grader.places import data_root
from mde_grader.solutions import lay_out, read_solutions

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(data_root())]
    subprocess.run(command, check=True, capture_output=True)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an environment with the wheel; what it depends on is lent by the environment of this test."""
    place = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    packages = next(place.glob("lib/python3*/site-packages"))
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "lent.pth").write_text("\n".join(ours))
    command = [sys.executable, "-m", "pip", "--python", str(place), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--ignore-installed", str(wheel)], check=True, capture_output=True)
    return place


def run(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MDE_GRADE_"))}
    command = [str(installed / "bin" / "mde-grade"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=240)


def test_the_wheel_carries_labs_and_graders_and_never_a_solution(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("_data/labs/lab-02/lab.yaml") for name in names)
    assert any(name.endswith("_data/graders/images/catalog.toml") for name in names)
    assert not [name for name in names if "/solutions/" in name or name.endswith(".pyc")]


def test_it_runs_its_own_code_from_anywhere(installed: Path, tmp_path: Path) -> None:
    python = installed / "bin" / "python"
    code = "import mde_grader.places as p; print(p.PACKAGE); print(p.data_root())"
    done = subprocess.run([str(python), "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    package, data = done.stdout.split()
    assert Path(package).is_relative_to(installed)
    assert Path(data) == Path(package) / "_data"


def test_it_lists_and_shows_its_labs(installed: Path, tmp_path: Path) -> None:
    listed = run(installed, "list", cwd=tmp_path)
    assert (listed.returncode, "lab-02" in listed.stdout) == (0, True), listed.stderr
    shown = run(installed, "show", "lab-02", cwd=tmp_path)
    assert (shown.returncode, "points" in shown.stdout) == (0, True), shown.stderr


def test_it_makes_the_same_images_as_the_checkout(installed: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "mde_grader", "images", "build"], check=True, capture_output=True)
    made = run(installed, "images", "build", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "making" not in made.stderr


def test_it_grades(installed: Path, tmp_path: Path) -> None:
    lab = LabFolder(data_root() / "labs" / "lab-02")
    lay_out(lab, read_solutions(lab)[0], tmp_path / "reference")
    graded = run(
        installed, "grade", "lab-02", str(tmp_path / "reference"), "--output", str(tmp_path / "run"), cwd=tmp_path
    )
    assert graded.returncode == 0, graded.stdout + graded.stderr
