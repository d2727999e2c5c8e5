"""What `lab lint` finds, each thing alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mde_grader.labs import LabFolder
from mde_grader.linting import lint
from tests.unit.attempting import CHECKS, ENVIRONMENT, HEAD, LAB, PARAMETERS, write

FILES = {
    "lab.yaml": LAB,
    "environment.yaml": ENVIRONMENT,
    "checks/test_it.py": CHECKS,
    "README.md": "# Brief\n",
    "starter/Dockerfile": "FROM scratch\n",
    "solutions/reference/solution.yaml": "title: Right\n",
    "solutions/also-right-x/solution.yaml": "title: Right too\n",
    "solutions/broken-a/solution.yaml": "base: reference\nloses: [written]\n",
    "solutions/broken-b/solution.yaml": "base: reference\nloses: [answers]\n",
}
Linted = Callable[..., dict[str, str]]


@pytest.fixture
def linted(tmp_path: Path) -> Linted:
    def run(*without: str, **files: str) -> dict[str, str]:
        named = {name.replace("__", "/").replace("_yaml", ".yaml"): text for name, text in files.items()}
        kept = {name: text for name, text in {**FILES, **named}.items() if not name.startswith(without or ("\0",))}
        folder = LabFolder(write(tmp_path / "lab-memory", kept))
        return {problem.where: problem.message for problem in lint(folder, log=tmp_path / "log")}

    return run


def test_a_lab_in_order_has_no_problem(linted: Linted) -> None:
    assert linted() == {}


def test_an_installed_lab_without_solutions_is_in_order(linted: Linted) -> None:
    assert linted("solutions/") == {}


def test_missing_parts_are_named(linted: Linted) -> None:
    assert linted("README.md", "starter/") == {"README.md": "is missing", "starter": "is missing"}


def test_a_requirement_without_a_check_is_named(tmp_path: Path) -> None:
    body = "@requirement('written')\ndef test_a():\n    '''Titled.'''\n"
    folder = LabFolder(write(tmp_path / "lab-memory", {**FILES, "checks/test_it.py": HEAD + body}))
    found = lint(folder, log=tmp_path / "log")
    assert [(problem.where, problem.message) for problem in found] == [("checks/", "no check for “answers”")]


def test_checks_that_cannot_be_read_are_the_one_problem(tmp_path: Path) -> None:
    folder = LabFolder(write(tmp_path / "lab-memory", {**FILES, "checks/test_it.py": "import nothing_like_this\n"}))
    (problem,) = lint(folder, log=tmp_path / "log")
    assert problem.message.startswith("no check could be collected (")


def test_an_environment_that_contradicts_its_schema_is_the_one_problem(linted: Linted) -> None:
    (told,) = linted(environment_yaml="x-mde: {kind: other, main: web}\n").values()
    assert "environment.yaml:1" in told


@pytest.mark.parametrize(("kind", "shown"), [("also-right-x", "also-right-*"), ("reference", "reference")])
def test_a_kind_of_solution_that_is_not_there_is_named(linted: Linted, kind: str, shown: str) -> None:
    assert linted(f"solutions/{kind}") == {"solutions/": f"has no {shown}"}


def test_a_requirement_that_no_solution_loses_is_unproven(linted: Linted) -> None:
    told = linted("solutions/broken-b")
    assert list(told) == ["solutions/"]
    assert "“answers”" in told["solutions/"]


def test_a_loss_that_is_no_requirement_is_named(linted: Linted) -> None:
    told = linted(**{"solutions__broken-b__solution_yaml": "loses: [answers, nowhere]\n"})
    assert told == {"solutions/broken-b": "loses “nowhere”, which is no requirement"}


def test_a_wrong_declaration_is_named(linted: Linted) -> None:
    (told,) = linted(**{"solutions__broken-b__solution_yaml": "loses: []\n"}).values()
    assert "must name requirements" in told


Varied = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def varied(tmp_path: Path) -> Varied:
    """The problems of the lab with parameters, and with some files changed."""

    def run(files: dict[str, str] | None = None) -> list[tuple[str, str]]:
        kept = {**FILES, "lab.yaml": LAB + PARAMETERS, **(files or {})}
        folder = LabFolder(write(tmp_path / "lab-memory", kept))
        return [(problem.where, problem.message) for problem in lint(folder, log=tmp_path / "log")]

    return run


def test_templates_in_order(varied: Varied) -> None:
    files = {"README.md": "<%= item %>", "starter/__item__/a.py": "<%= port %>", "solutions/reference/a": "<%= web %>"}
    assert varied(files) == []


@pytest.mark.parametrize("name", ["README.md", "starter/deep/a.py", "solutions/broken-a/a.py"])
def test_a_template_that_names_no_parameter_is_told_with_its_line(varied: Varied, name: str) -> None:
    told = f"{name}:2: “porte” is no parameter of this lab (there are: item, port, token, web)"
    assert varied({name: "a\n<%= porte %>\n"}) == [(name, told)]


def test_a_path_that_stands_for_no_parameter_is_told(varied: Varied) -> None:
    ((where, told),) = varied({"starter/__itm__/__init__.py": ""})
    assert (where, told) == (
        "starter/__itm__/__init__.py",
        "stands for “itm” in its name, which is no parameter of this lab",
    )


def test_what_fails_in_some_variants_only_is_found(varied: Varied) -> None:
    ((where, told),) = varied({"starter/a.py": "<% if item == 'loan' %><%= port // 0 %><% endif %>"})
    assert where == "starter/a.py"
    assert "zero" in told


def test_an_environment_that_is_wrong_in_some_variants_only_is_found(varied: Varied) -> None:
    text = ENVIRONMENT.replace("main: web", "main: <% if item == 'loan' %>A B<% else %>web<% endif %>")
    ((_, told),) = varied({"environment.yaml": text})
    assert "main is 'A B'" in told


def test_a_title_that_names_no_parameter_is_told(varied: Varied) -> None:
    ((_, told),) = varied({"lab.yaml": LAB.replace("It answers", "<%= nobody %>") + PARAMETERS})
    assert "“nobody” is no parameter" in told
