from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mde_grader.places import data_root


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheel_data", data_root() / "scripts" / "wheel_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "labs/lab-77/lab.yaml",
        "labs/lab-77/starter/.dockerignore",
        "labs/lab-77/checks/__pycache__/x.pyc",
        "labs/lab-77/solutions/reference/Dockerfile",
        "labs/lab-77/starter/solutions/nested",
        "graders/images/base/Dockerfile",
        "secret",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "labs" / "lab-77" / "link").symlink_to(tmp_path / "secret")
    return tmp_path


def test_labs_and_graders_are_carried_and_solutions_are_not(hook: ModuleType, root: Path) -> None:
    assert {str(path) for path in hook.carried(root)} == {
        "labs/lab-77/lab.yaml",
        "labs/lab-77/starter/.dockerignore",
        "graders/images/base/Dockerfile",
    }


@pytest.mark.parametrize(("version", "files"), [("standard", 3), ("editable", 0)])
def test_only_a_real_wheel_gets_a_copy(hook: ModuleType, root: Path, version: str, files: int) -> None:
    data: dict[str, Any] = {"force_include": {}}
    built = hook.WheelData(str(root), {}, None, None, str(root), "wheel")
    built.initialize(version, data)
    assert len(data["force_include"]) == files
    assert all(target.startswith("mde_grader/_data/") for target in data["force_include"].values())
