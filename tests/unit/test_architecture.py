"""Imports run one way, without cycles; modules and functions stay small; start-up stays light."""

from __future__ import annotations

import ast
import functools
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
MODULES = sorted(SOURCE.rglob("*.py"))

LAYERS = [
    {"model", "errors", "clean", "places", "runs", "durations"},
    {"scoring", "environments", "plans", "timeline", "variables", "variants", "codec"},
    {"submissions", "labs", "templates", "runtimes", "reporters", "solutions", "workfolders", "dialects"},
    {"checking", "testing", "evidence", "preparation", "engines"},
    {"attempts", "proving", "linting", "doctor"},
    {"cli", "__main__"},
]
"""A module may import from its own row and the rows above it."""

CENTRE = (
    ["runtimes"],
    ["runtimes", "base"],
    ["runtimes", "commands"],
    ["runtimes", "inspector"],
    ["runtimes", "inspector", "session"],
)
"""The runtimes' plain data and Protocols, which everything may know."""

MAX_MODULE = 400
MAX_FUNCTION = 60
PURE = (
    ["model"],
    ["scoring"],
    ["plans"],
    ["environments"],
    ["clean"],
    ["variants"],
    ["checking", "judging"],
    ["checking", "ordering"],
)
IMPURE = {"time", "os", "socket", "subprocess", "docker", "pytest", "click", "requests", "random", "secrets"}


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in MODULES}


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


Statement = ast.stmt | ast.excepthandler | ast.match_case
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of a node that hold statements."""


def statements(within: ast.Module | Statement) -> Iterator[Statement]:
    """Statements at any depth; expressions hold neither imports nor functions, but are most of a tree."""
    for name in BLOCKS:
        for node in getattr(within, name, ()):
            yield node
            yield from statements(node)


@functools.cache
def parts_of(path: Path) -> tuple[list[ast.Import | ast.ImportFrom], dict[str, int]]:
    """Imports of a module, and lines of its functions; the rest of its tree is not kept."""
    found = list(statements(ast.parse(text_of(path))))
    functions = [node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    return [node for node in found if isinstance(node, ast.Import | ast.ImportFrom)], lengths


def imports_of(path: Path) -> Iterator[str]:
    """Modules that are imported; of `from package import module` the module alone."""
    for node in parts_of(path)[0]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in names if name in NAMES]
            yield from modules
            if len(modules) < len(names):
                yield node.module


def layer(module: str) -> int:
    parts = module.split(".")
    if parts[1:] in CENTRE:
        return 1
    part = parts[1] if len(parts) > 1 else "model"
    return next(index for index, names in enumerate(LAYERS) if part in names)


def code_lines(path: Path) -> int:
    lines = text_of(path).splitlines()
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


def test_imports_run_one_way() -> None:
    wrong = [
        f"{own} imports {wanted}"
        for own, path in NAMES.items()
        for wanted in imports_of(path)
        if wanted.startswith(("graders", "labs", "tests"))
        or (wanted.startswith("mde_grader.") and layer(wanted) > layer(own))
    ]
    assert not wrong, "not from their own row or above"


def test_there_is_no_import_cycle() -> None:
    edges = {
        own: {wanted for wanted in imports_of(path) if wanted in NAMES and wanted != own} for own, path in NAMES.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for wanted in sorted(edges[module]):
                visit(wanted, (*trail, module))
            done.add(module)

    for module in sorted(NAMES):
        visit(module, ())


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).split(".")[1:] in PURE], ids=name_of)
def test_the_pure_centre_knows_no_world(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE


def test_labs_and_graders_import_only_what_check_authors_may() -> None:
    for path in [*(ROOT / "labs").glob("*/checks/*.py"), *(ROOT / "graders").rglob("*.py")]:
        if "images" in path.relative_to(ROOT).parts:
            continue
        for wanted in imports_of(path):
            if wanted.startswith("mde_grader."):
                assert wanted.split(".")[1] in {"checking", "runtimes", "model", "codec", "plans"}, f"{path}: {wanted}"


def test_modules_stay_small() -> None:
    assert {own: lines for own, path in NAMES.items() if (lines := code_lines(path)) > MAX_MODULE} == {}


def test_functions_stay_small() -> None:
    long = {
        f"{own}.{name}": length
        for own, path in NAMES.items()
        for name, length in parts_of(path)[1].items()
        if length > MAX_FUNCTION
    }
    assert long == {}


def test_the_median_module_is_about_a_hundred_lines() -> None:
    assert statistics.median(code_lines(path) for path in MODULES if path.name != "__init__.py") <= 130


HEAVY = ("docker", "pytest", "jsonschema", "jinja2", "rich", "requests", "testinfra")


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["--version"]])
def test_start_up_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, mde_grader.cli as c\n"
        f"sys.argv = ['mde-grade', *{arguments!r}]\n"
        "try:\n    c.main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip().splitlines()[-1] == "[]"
