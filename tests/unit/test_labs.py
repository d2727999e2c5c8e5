"""Labs on disk: found once each, by id or by path, and told apart by what can change a score."""

from __future__ import annotations

from pathlib import Path

import pytest

from mde_grader.errors import LabInvalidError, UsageError
from mde_grader.labs import LabFolder, find_labs, load_lab
from tests.unit.attempting import CHECKS, ENVIRONMENT, LAB, PARAMETERS, write


def lab(place: Path, name: str = "lab-memory", **files: str) -> Path:
    text = LAB.replace("lab-memory", name)
    return write(
        place / "labs" / name, {"lab.yaml": text, "environment.yaml": ENVIRONMENT, "checks/test_it.py": CHECKS, **files}
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home" / "labs").mkdir(parents=True)
    (tmp_path / "home" / "graders").mkdir()
    monkeypatch.setenv("MDE_GRADE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_labs_are_sorted_and_what_is_no_lab_is_passed_over(home: Path) -> None:
    lab(home, "lab-b")
    lab(home, "lab-a")
    (home / "labs" / "notes").mkdir()
    (home / "labs" / "README.md").touch()
    assert [folder.root.name for folder in find_labs()] == ["lab-a", "lab-b"]


def test_a_further_folder_of_labs_comes_first(home: Path, tmp_path: Path) -> None:
    lab(home, "lab-a")
    own = lab(tmp_path / "own", "lab-a")
    lab(tmp_path / "own", "lab-z")
    assert [folder.root for folder in find_labs(tmp_path / "own" / "labs")] == [
        own.resolve(),
        (tmp_path / "own" / "labs" / "lab-z").resolve(),
    ]


def test_one_labs_own_folder_is_a_folder_of_labs(home: Path, tmp_path: Path) -> None:
    own = lab(tmp_path / "own", "lab-z")
    assert [folder.root for folder in find_labs(own)] == [own.resolve()]


def test_a_folder_that_is_not_there_has_no_labs(home: Path, tmp_path: Path) -> None:
    assert find_labs(tmp_path / "nowhere") == []


def test_a_lab_is_loaded_by_id_and_by_path(home: Path) -> None:
    root = lab(home, "lab-a").resolve()
    assert load_lab("lab-a").root == load_lab(str(root)).root == root


def test_an_unknown_lab_names_the_nearest_or_all(home: Path) -> None:
    lab(home, "lab-02")
    with pytest.raises(UsageError, match="did you mean lab-02"):
        load_lab("lab-2")
    with pytest.raises(UsageError, match="there are: lab-02"):
        load_lab("zzz")
    with pytest.raises(UsageError, match="no lab"):
        load_lab("./nowhere")


def test_without_any_lab_that_is_said(home: Path) -> None:
    with pytest.raises(UsageError, match="there are: none"):
        load_lab("x")


def test_an_id_that_is_not_the_folders_is_named(home: Path) -> None:
    root = lab(home, "lab-a")
    (root / "lab.yaml").write_text(LAB, encoding="utf-8")
    with pytest.raises(LabInvalidError, match="its id is lab-memory, its folder lab-a"):
        load_lab("lab-a")


def test_a_missing_file_is_named(home: Path) -> None:
    root = lab(home)
    (root / "environment.yaml").unlink()
    with pytest.raises(LabInvalidError, match=r"environment\.yaml cannot be read: No such file"):
        LabFolder(root).environment()


def test_the_brief_and_the_places(home: Path) -> None:
    folder = LabFolder(lab(home, **{"README.md": "# Brief\n"}))
    assert folder.brief() == "# Brief\n"
    assert [path.name for path in (folder.checks, folder.starter, folder.solutions)] == [
        "checks",
        "starter",
        "solutions",
    ]


def digest(root: Path) -> str:
    return LabFolder(root).lab.digest


@pytest.mark.parametrize(
    "name",
    ["lab.yaml", "environment.yaml", "packages.lock", "checks/test_it.py", "checks/deep/help.py", "../../graders/a.py"],
)
def test_the_digest_is_of_everything_that_can_change_a_score(home: Path, name: str) -> None:
    root = lab(home)
    before = digest(root)
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(path.read_text() + "\n# more\n" if path.exists() else "new = 1\n", encoding="utf-8")
    assert digest(root) != before


@pytest.mark.parametrize("name", ["README.md", "starter/app.py", "solutions/reference/solution.yaml", "checks/x.pyc"])
def test_and_of_nothing_else(home: Path, name: str) -> None:
    root = lab(home)
    before = digest(root)
    write(root, {name: "other"})
    assert digest(root) == before


def test_the_digest_does_not_depend_on_where_the_lab_lies(home: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "graders").mkdir(parents=True)
    assert digest(lab(home)) == digest(lab(tmp_path / "other"))


VARIED = {
    "environment.yaml": ENVIRONMENT.replace("main: web", "main: <%= web %>"),
    "README.md": "# Brief\n<% if item == 'parcel' %>\nParcels\n<% else %>\nLoans\n<% endif %>\non <%= port %>\n",
    "starter/__item__/main.py": "PORT = <%= port %>\n",
}


@pytest.fixture
def varied(home: Path, monkeypatch: pytest.MonkeyPatch) -> LabFolder:
    monkeypatch.delenv("MDE_GRADE_SALT", raising=False)
    root = lab(home, **VARIED)
    text = LAB.replace("It answers", "<%= web %> answers on <%= port %>").replace(
        "points: 60", "points: 60, hint: <%= item %>"
    )
    (root / "lab.yaml").write_text(text + PARAMETERS)
    return LabFolder(root)


def test_a_lab_with_parameters_is_its_practice_variant_until_it_is_given_to_somebody(varied: LabFolder) -> None:
    assert (varied.values["item"], varied.values["web"], varied.values["port"]) == ("parcel", "web", 8080)
    assert varied.lab.requirements[1].title == "web answers on 8080"
    assert varied.lab.requirements[1].hint == "parcel"
    assert varied.environment().main == "web"
    assert varied.brief() == "# Brief\nParcels\non 8080\n"
    assert varied.given_to(None).values == varied.values


def test_what_a_lab_declares_is_read_once_for_all_candidates(varied: LabFolder) -> None:
    before = varied.given_to("ada").values
    declared = varied.declared
    (varied.root / "lab.yaml").unlink()
    assert varied.given_to("ada").values == before
    assert varied.given_to("bob").declared is declared


def test_given_to_a_candidate_every_part_of_it_is_theirs(varied: LabFolder, tmp_path: Path) -> None:
    theirs = varied.given_to("ADA")
    assert theirs.candidate == "ada"
    assert theirs.values == varied.given_to("ada").values != varied.values
    web, port, item = (theirs.values[name] for name in ("web", "port", "item"))
    assert theirs.lab.requirements[1].title == f"{web} answers on {port}"
    assert theirs.environment().main == web
    assert f"on {port}\n" in theirs.brief()
    theirs.lay_out(theirs.starter, tmp_path / "out")
    assert (tmp_path / "out" / str(item) / "main.py").read_text() == f"PORT = {port}\n"
    assert theirs.place("a/__item__") == f"a/{item}"
    assert theirs.lab.digest == varied.lab.digest


@pytest.mark.parametrize("name", ["a b", "", "../x", "-x", "a" * 65])
def test_a_name_that_no_candidate_can_have_is_refused(varied: LabFolder, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a candidate's name"):
        varied.given_to(name)


def test_the_courses_salt_decides_and_is_never_shown(varied: LabFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = varied.given_to("ada")
    monkeypatch.setenv("MDE_GRADE_SALT", "a-very-salty-course")
    salted = varied.given_to("ada")
    assert salted.values != plain.values
    assert varied.given_to("ada", salt="").values == plain.values
    assert varied.given_to(None).values == varied.values
    assert "salty" not in repr(salted)


def test_a_lab_without_parameters_is_read_as_it_is_written(home: Path, tmp_path: Path) -> None:
    folder = LabFolder(lab(home, **{"README.md": "<%= as it is %>", "starter/__item__": "<%= x %>"})).given_to("ada")
    assert folder.variant is None
    assert folder.values == {}
    assert folder.brief() == "<%= as it is %>"
    assert folder.lab == folder.declared
    folder.lay_out(folder.starter, tmp_path / "out")
    assert (tmp_path / "out" / "__item__").read_text() == "<%= x %>"
    assert folder.place("__item__") == "__item__"


def test_an_environment_that_is_no_text_is_the_labs_fault(varied: LabFolder) -> None:
    (varied.root / "environment.yaml").write_bytes(b"a: \xff")
    with pytest.raises(LabInvalidError, match=r"environment\.yaml: not valid UTF-8"):
        varied.environment()
