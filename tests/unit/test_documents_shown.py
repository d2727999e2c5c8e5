"""What the documentation shows is there: every link, every command, every option, every generated page."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest

from mde_grader.cli.app import app
from mde_grader.labs import LabFolder
from tests.e2e.documents import Block, answered, commands, documents, links, typed

ROOT = Path(__file__).parents[2]
DOCUMENTS = documents(ROOT)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def text_of(path: Path) -> str:
    """What a reader sees: of a lab's brief its practice variant."""
    return LabFolder(path.parent).brief() if (path.parent / "lab.yaml").exists() else path.read_text()


def understand(arguments: list[str]) -> None:
    """Let click's own parser read a command line; raises what it raises."""
    command: click.Command = app
    context = click.Context(app, info_name="mde-grade", **app.context_settings)  # click remembers what it saw first
    rest = list(arguments)
    while isinstance(command, click.Group):
        if rest and rest[0].startswith("-"):
            break
        first = rest[0] if rest else ""
        found = command.get_command(context, first)
        if found is None and command is not app:
            raise click.UsageError(f"no command {first!r}")
        if found is None:
            found = command.get_command(context, "grade")
        else:
            rest = rest[1:]
        assert found is not None
        command, context = found, click.Context(found, parent=context, **found.context_settings)
        if not rest:
            return
    _, left, _ = command.make_parser(context).parse_args(rest)
    if left:
        raise click.UsageError(f"too many arguments: {left}")


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_link_leads_somewhere(path: Path) -> None:
    dead = [target for target in links(text_of(path)) if not (path.parent / target).exists()]
    assert not dead


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_that_is_shown_is_understood(path: Path) -> None:
    for arguments in commands(text_of(path)):
        understand(arguments)


def test_the_documents_show_commands_at_all() -> None:
    shown = [" ".join(arguments) for path in DOCUMENTS for arguments in commands(path.read_text())]
    assert len(shown) > 50
    assert {"doctor", "clean --kept", "images build --lab lab-02"} <= set(shown)


@pytest.mark.parametrize(
    "wrong", [["list", "--nope"], ["images", "bulid"], ["lab-02", ".", "more"], ["clean", "--kept=1"], ["--nope"]]
)
def test_what_is_not_there_is_seen(wrong: list[str]) -> None:
    with pytest.raises(click.UsageError):
        understand(wrong)


def test_a_dead_link_is_seen() -> None:
    text = "[a](b.md) [c](https://d) [e](#f) [g](h.md#i)\n```text\n[x](y)\n```\n"
    assert links(text) == ["b.md", "h.md"]


def test_commands_are_found_in_blocks_and_between_backticks() -> None:
    text = "see `mde-grade LAB [PATH]`\n```yaml\n- run: mde-grade doctor # why\n```\n"
    text += "```console\n$ mde-grade list | head\n```\n"
    assert list(commands(text)) == [["doctor"], ["list"], ["LAB", "PATH"]]


def test_a_console_block_is_what_is_typed_and_what_is_answered() -> None:
    block = Block("console", "$ one\nanswer\n$ two\n")
    assert typed(block) == ["one", "two"]
    assert (answered(block, "one"), answered(block, "two")) == (["answer"], [])


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = {(ROOT / "docs" / target).resolve() for target in links((ROOT / "docs" / "README.md").read_text())}
    pages = {path for path in (ROOT / "docs").glob("*/*.md") if path.parent.name != "adr"}
    assert not pages - index


def test_every_variable_that_is_read_is_documented() -> None:
    """Those of the side container are not for users."""
    page = (ROOT / "docs" / "reference" / "environment-variables.md").read_text()
    source = [path for path in (ROOT / "src").rglob("*.py") if "inspector" not in path.parts]
    used = {
        name
        for path in source
        for name in re.findall(r'"(MDE_GRADE_[A-Z_]+|DOCKER_[A-Z_]+|XDG_[A-Z_]+)"', path.read_text())
    }
    assert used
    assert not {name for name in used if f"`{name}`" not in page}


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_checks_is_up_to_date(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--check"]) == 0, capsys.readouterr().out


def test_an_old_page_on_checks_is_seen(script: ModuleType, tmp_path: Path) -> None:
    vars(script)["TARGET"] = tmp_path / "page.md"
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    script.TARGET.write_text(script.TARGET.read_text() + "x")
    assert script.main(["--check"]) == 1


def test_the_page_on_checks_has_every_word_and_fixture(script: ModuleType) -> None:
    text = script.reference()
    for name in ("requirement", "eventually", ".start_load", ".wait_ready", ".recreate"):
        assert f"#### `{name}`\n" in text
    for name in ("stack", "probe", "host", "images", "rebuild", "search_image", "submission", "given"):
        assert f"| `{name}` |" in text
