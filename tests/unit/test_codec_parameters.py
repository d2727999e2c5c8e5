"""`parameters` of lab.yaml, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from mde_grader.codec.labs import lab_from
from mde_grader.codec.nodes import document_from
from mde_grader.codec.schemas import problems
from mde_grader.errors import LabInvalidError
from mde_grader.model import Lab, Parameter

HEAD = """\
schema: mde-grade/lab/1
version: 3
id: lab-x
title: X
category: c
level: foundation
track: t
minutes: 1
pass_mark: 70
requirements: [{id: a, title: A, points: 1}]
parameters:
"""
APP = "  app: {choice: {parcels: {item: parcel, most: 31}, loans: {item: loan, most: 84}}}\n"


def read(parameters: str) -> Lab:
    return lab_from(document_from(HEAD + parameters, file="lab.yaml"))


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("{choice: [a, b]}", Parameter("choice", choices=("a", "b"))),
        ("{choice: [1, 2, 3], practice: 2}", Parameter("choice", choices=(1, 2, 3), practice=2)),
        ("{subnet: 10.0.0.0/8, prefix: 16}", Parameter("subnet", network="10.0.0.0/8", prefix=16)),
        (
            "{subnet: 10.0.0.0/8, prefix: 16, practice: 10.1.0.0/16}",
            Parameter("subnet", network="10.0.0.0/8", prefix=16, practice="10.1.0.0/16"),
        ),
        ('{subnet: "fd00::/32", prefix: 48}', Parameter("subnet", network="fd00::/32", prefix=48)),
        ("{integer: [1, 9]}", Parameter("integer", low=1, high=9)),
        ("{integer: [8001, 8999], practice: 8080}", Parameter("integer", low=8001, high=8999, practice=8080)),
        ("{word: true}", Parameter("word")),
        ("{word: true, practice: harbour}", Parameter("word", practice="harbour")),
        ("{secret: 20}", Parameter("secret", length=20)),
        ("{secret: 20, practice: Kran-und-Kai}", Parameter("secret", length=20, practice="Kran-und-Kai")),
        ("{secret: 20, x-note: mine}", Parameter("secret", length=20)),
    ],
)
def test_each_kind_is_read_and_the_published_schema_knows_it(text: str, parameter: Parameter) -> None:
    lab = read(f"  name: {text}\n")
    assert (lab.version, lab.parameters) == (3, {"name": parameter})
    assert problems("lab", document_from(f"{HEAD}  name: {text}\n", file="lab.yaml").data) == []


def test_a_choice_may_bring_further_values_along() -> None:
    (app,) = read(APP).parameters.values()
    assert app.choices == ("parcels", "loans")
    assert app.brings == {"parcels": {"item": "parcel", "most": 31}, "loans": {"item": "loan", "most": 84}}
    assert problems("lab", document_from(HEAD + APP, file="lab.yaml").data) == []


def test_a_lab_that_names_no_version_has_the_first() -> None:
    text = HEAD.replace("version: 3\n", "") + APP
    assert lab_from(document_from(text, file="lab.yaml")).version == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  Name: {word: true}\n", "lab.yaml:12: parameters.Name is 'Name', which does not match"),
        ("  if: {word: true}\n", "lab.yaml:12: parameters.if is a word of the templates"),
        ("  a: {}\n", "parameters.a must be one of `choice: [...]`, `subnet: ...`"),
        ("  a: {word: true, secret: 9}\n", "parameters.a must be one of"),
        ("  a: {wrd: true}\n", "lab.yaml:12: parameters.a.wrd is not known here; did you mean `word`?"),
        ("  a: word\n", "parameters.a must be a mapping"),
        ("  a: {word: false}\n", "parameters.a.word must be true"),
        ("  a: {word: true, practice: A1}\n", "parameters.a.practice is 'A1', which does not match"),
        ("  a: {choice: [x]}\n", "parameters.a.choice must offer two or more"),
        ("  a: {choice: [x, x]}\n", "parameters.a.choice offers 'x' twice"),
        ("  a: {choice: x}\n", "parameters.a.choice must be a list"),
        ("  a: {choice: [x, true]}\n", "parameters.a.choice[1] must be text or a whole number, not true or false"),
        ("  a: {choice: [x, 1.5]}\n", "parameters.a.choice[1] must be text or a whole number, not a number"),
        ("  a: {choice: [x, y], practice: z}\n", "parameters.a.practice is 'z', which is none of the choices"),
        ("  a: {choice: {x: {b: 1}}}\n", "parameters.a.choice must offer two or more"),
        ("  a: {choice: {x: {b: 1}, y: {}}}\n", "parameters.a.choice.y lacks `b`, which another choice brings"),
        ("  a: {choice: {x: {B: 1}, y: {}}}\n", "parameters.a.choice.x.B is 'B', which does not match"),
        ("  a: {choice: {x: {a: 1}, y: {a: 1}}}\n", "parameters.a gives `a`, which `a` gives already"),
        (APP + "  item: {word: true}\n", "lab.yaml:13: parameters.item gives `item`, which `app` gives already"),
        ("  a: {subnet: 10.0.0.0/8}\n", "parameters.a lacks `prefix`"),
        ("  a: {subnet: 10.0.0.1/8, prefix: 16}\n", "parameters.a.subnet is no network: 10.0.0.1/8 has host bits set"),
        ("  a: {subnet: 10.0.0.0/8, prefix: 7}\n", "parameters.a.prefix is 7; it must be from 8 to 32"),
        ("  a: {word: true, prefix: 7}\n", "parameters.a.prefix goes with `subnet` only"),
        ("  a: {subnet: 10.0.0.0/8, prefix: 16, practice: 10.0.0.0/8}\n", "which is no /16 like the others"),
        ('  a: {subnet: 10.0.0.0/8, prefix: 16, practice: "fd00::/16"}\n', "which is no /16 like the others"),
        ("  a: {integer: [9, 1]}\n", "parameters.a.integer must be [low, high], the lower one first"),
        ("  a: {integer: [1, 2, 3]}\n", "parameters.a.integer must be [low, high]"),
        ("  a: {integer: [1, x]}\n", "parameters.a.integer[1] must be a whole number, not text"),
        ("  a: {secret: 7}\n", "parameters.a.secret is 7; it must be from 8 to 128"),
        ("  a: {secret: 9, practice: short}\n", "parameters.a.practice is 'short', which does not match"),
    ],
)
def test_an_error_names_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(LabInvalidError) as caught:
        read(text)
    assert told in caught.value.message
    assert caught.value.message.startswith("lab.yaml:")


@pytest.mark.parametrize("version", ["0", "x", "1.5"])
def test_a_version_is_a_whole_number_from_1(version: str) -> None:
    with pytest.raises(LabInvalidError, match=r"lab\.yaml:2: version"):
        lab_from(document_from(HEAD.replace("version: 3", f"version: {version}") + APP, file="lab.yaml"))
