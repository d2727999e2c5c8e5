"""docs/reference/cli.md is what the commands say of themselves."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "cli_reference.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cli_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--check"]) == 0, capsys.readouterr().out


def test_the_check_can_fail(script: ModuleType, tmp_path: Path) -> None:
    vars(script)["TARGET"] = tmp_path / "cli.md"
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    script.TARGET.write_text(script.TARGET.read_text() + "x")
    assert script.main(["--check"]) == 1


def test_every_command_has_its_section(script: ModuleType) -> None:
    text = script.reference()
    for path in ("grade", "list", "doctor", "images build", "lab verify", "completion"):
        assert f"## `mde-grade {path}`\n" in text
