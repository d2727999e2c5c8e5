"""The table of commands, the default command, what is imported when, and how every command ends."""

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from mde_grader import __version__, errors
from mde_grader.cli import app as app_module
from mde_grader.cli import ending, main
from mde_grader.cli.app import COMMANDS
from mde_grader.cli.images import COMMANDS as IMAGE_COMMANDS
from mde_grader.cli.lab import COMMANDS as LAB_COMMANDS

SOURCE = Path(app_module.__file__).parents[2]
HEAVY = {"docker", "pytest", "jsonschema", "jinja2", "rich", "requests", "testinfra"}


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "COLUMNS": "80", **environment}
    command = [sys.executable, "-m", "mde_grader", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def imported_by(*arguments: str) -> set[str]:
    """Top-level packages that a command has imported when it ends."""
    code = (
        "import sys\nfrom mde_grader.cli import main\n"
        f"main({list(arguments)!r})\n"
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=True)
    return set(ran.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("list",), ("completion", "bash"), ("images", "--help")]
)
def test_what_is_slow_to_import_stays_out(arguments: tuple[str, ...]) -> None:
    assert not imported_by(*arguments) & HEAVY


def test_the_lazy_test_can_fail() -> None:
    assert "docker" in imported_by("images", "list", "--help")


TABLES = [*COMMANDS.items(), *LAB_COMMANDS.items(), *IMAGE_COMMANDS.items()]


@pytest.mark.parametrize(("name", "entry"), TABLES, ids=[name for name, _ in TABLES])
def test_each_entry_is_a_command_of_its_name_with_the_same_help(name: str, entry: Any) -> None:
    command = import_module(entry.module).command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help
    assert entry.help.endswith((".", ";"))


def test_help_names_every_command_and_the_exit_codes() -> None:
    ran = start("--help")
    assert ran.returncode == 0
    assert all(f"  {name} " in ran.stdout for name in COMMANDS)
    assert "130 interrupted" in ran.stdout


def test_no_command_at_all_is_a_usage_error_that_leaves_stdout_alone() -> None:
    ran = start()
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Commands:" in ran.stderr


def test_version() -> None:
    assert start("--version").stdout == f"mde-grade {__version__}\n"


class Fake:
    """Stands for a command: what the default command was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def command(self) -> click.Command:
        @click.command("grade", context_settings={"ignore_unknown_options": True})
        @click.argument("words", nargs=-1, type=click.UNPROCESSED)
        def command(words: tuple[str, ...]) -> int:
            self.calls.append(words)
            return 1

        return command


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()

    def get(self: Any, ctx: Any, name: Any) -> Any:
        return made.command() if name == "grade" else None

    monkeypatch.setattr("mde_grader.cli.lazy.LazyGroup.get_command", get)
    return made


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["lab-03"], ("lab-03",)),
        (["lab-03", "place"], ("lab-03", "place")),
        (["grade", "lab-03", "place"], ("lab-03", "place")),
        (["--keep", "lab-03"], ("--keep", "lab-03")),
        (["lab-03", "list"], ("lab-03", "list")),
        (["./list"], ("./list",)),
    ],
)
def test_without_a_command_it_grades(fake: Fake, arguments: list[str], given: tuple[str, ...]) -> None:
    assert main(arguments) == 1
    assert fake.calls == [given]


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(ending, "_run", fail)
    return main(["list"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("no"), 2),
        (errors.LabInvalidError("no"), 4),
        (errors.EngineError("no"), 3),
        (errors.EngineUnavailableError("no"), 3),
        (errors.ImageMissingError("no"), 3),
        (errors.InterruptedAttemptError("no"), 130),
        (errors.MdeGradeError("no", hint="do this"), 3),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("no"), 2),
        (click.BadParameter("no"), 2),
        (RuntimeError("no"), 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_end_has_its_code_and_one_line(
    error: Any, code: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert ends_with(monkeypatch, error) == code
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "Traceback" not in seen.err
    first, *rest = seen.err.splitlines()
    assert first.startswith("mde-grade: ")
    assert len(rest) <= 1
    assert all(line.startswith("  → ") for line in rest)


def test_an_error_says_its_hint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ends_with(monkeypatch, errors.UsageError("it is so", hint="do this"))
    assert capsys.readouterr().err == "mde-grade: it is so\n  → do this\n"


def test_a_message_cannot_write_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(monkeypatch, errors.UsageError("a\x1b[2J\nb\x9d0;x\x07", hint="c\rd"))
    err = capsys.readouterr().err
    assert not {"\x1b", "\x07", "\r", "\x9d"} & set(err)
    assert len(err.splitlines()) == 2


def test_a_crash_names_the_file_that_holds_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert ends_with(monkeypatch, RuntimeError("deep inside")) == 3
    (kept,) = (tmp_path / "mde-grade" / "crashes").iterdir()
    assert str(kept) in capsys.readouterr().err
    text = kept.read_text()
    assert "Traceback" in text
    assert "deep inside" in text


def test_a_crash_where_nothing_can_be_written_is_still_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("mde_grader.cli.crashes.write_atomically", refuse)
    assert ends_with(monkeypatch, RuntimeError("x")) == 3
    assert "could not be written" in capsys.readouterr().err


def test_old_crash_files_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for _ in range(23):
        ends_with(monkeypatch, RuntimeError("x"))
    assert len(list((tmp_path / "mde-grade" / "crashes").iterdir())) == 20


@pytest.mark.parametrize(("name", "value"), [("MDE_GRADE_DEBUG", "1"), ("MDE_GRADE_DEBUG", "yes")])
def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(RuntimeError):
        ends_with(monkeypatch, RuntimeError("x"))


def test_debugging_set_to_zero_is_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MDE_GRADE_DEBUG", "0")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert ends_with(monkeypatch, RuntimeError("x")) == 3


def test_an_unknown_option_names_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--nothing"]) == 2
    assert "see `mde-grade list --help`" in capsys.readouterr().err


def test_an_unknown_subcommand_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "verfy"]) == 2
    assert "did you mean `verify`" in capsys.readouterr().err


def test_signal_handlers_are_put_back(fake: Fake) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    main(["lab-03"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


SLOW = """
import os, signal, sys, time
from mde_grader.cli import ending, main
def doze():  # in short naps: a signal just before a long one would wait for its end
    for _ in range(3000):
        time.sleep(0.01)
def slow(_):
    try:
        print("ready", flush=True)
        doze()
    finally:
        if {stubborn}:
            sys.stderr.write("cleaning\\n"); sys.stderr.flush()
            doze()
ending._run = slow
sys.exit(main(["list"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_with_130_and_one_line(number: signal.Signals) -> None:
    ran = _started(stubborn=False)
    ran.send_signal(number)
    _, err = ran.communicate(timeout=10)
    assert ran.returncode == 130
    assert err == "mde-grade: interrupted\n"


def test_the_third_signal_leaves_at_once() -> None:
    ran = _started(stubborn=True)
    assert ran.stderr is not None
    ran.send_signal(signal.SIGINT)
    assert ran.stderr.readline() == "cleaning\n"
    ran.send_signal(signal.SIGINT)
    assert ran.stderr.readline() == "\n"
    assert "once more to leave at once" in ran.stderr.readline()
    ran.send_signal(signal.SIGTERM)
    ran.communicate(timeout=10)
    assert ran.returncode == 130


def _started(*, stubborn: bool) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(stubborn=stubborn)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert ran.stdout is not None
    assert ran.stdout.readline() == "ready\n"
    return ran


def test_a_reader_that_goes_away_changes_nothing() -> None:
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = f"{sys.executable} -m mde_grader --help | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=env, timeout=60, check=False)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0
