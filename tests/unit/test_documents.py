from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.codec import documents
from mde_grader.codec.documents import Document, DocumentError, read_json, read_yaml
from tests.unit.timing import soon


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1", {"a": 1}),
        ("a: [1, 2.5, true, null, ~, x]", {"a": [1, 2.5, True, None, None, "x"]}),
        ("on: yes\noff: no", {"on": "yes", "off": "no"}),
        ("p: 22:22", {"p": "22:22"}),
        ("m: 0755", {"m": "0755"}),
        ("m: 0o17", {"m": 15}),
        ("m: 0x1F", {"m": 31}),
        ("v: '3.11'", {"v": "3.11"}),
        ("v: !!str 3.11", {"v": "3.11"}),
        ("v: ! 12", {"v": "12"}),
        ("d: 2024-01-01", {"d": "2024-01-01"}),
        ("n: .inf", {"n": ".inf"}),
        ("n: 123456789012345678901234567890", {"n": "123456789012345678901234567890"}),
        ("n: 1e999", {"n": "1e999"}),
        ("8080: x", {"8080": "x"}),
        ("t: |\n  one\n  two\n", {"t": "one\ntwo\n"}),
        ("- a\n- - b\n", ["a", ["b"]]),
        ("\ufeffa: 1", {"a": 1}),
        ("--- \na: 1\n...\n", {"a": 1}),
    ],
)
def test_yaml_means_what_version_1_2_says(text: str, data: Any) -> None:
    assert read_yaml(text).data == data
    assert read_yaml(text.encode()).data == data


def test_anchors_and_merge_keys_are_followed_and_own_keys_win() -> None:
    text = """
x-common: &common
  image: a
  env: &env {A: 1, B: 2}
other: &other {image: c, extra: 1}
web:
  <<: *common
  image: b
both:
  <<: [*common, *other]
more:
  env:
    <<: *env
    B: 3
"""
    data = read_yaml(text).data
    assert data["web"] == {"image": "b", "env": {"A": 1, "B": 2}}
    assert data["both"] == {"image": "a", "env": {"A": 1, "B": 2}, "extra": 1}
    assert data["more"]["env"] == {"A": 1, "B": 3}


def test_what_an_alias_stands_for_is_copied() -> None:
    data = read_yaml("a: &a [1]\nb: *a\n").data
    data["b"].append(2)
    assert data["a"] == [1]


def test_every_value_has_its_line() -> None:
    document = read_yaml("a:\n  b:\n    - x\n    - y\nc: 1\n")
    assert document.line(("a",)) == 1
    assert document.line(("a", "b", 1)) == 4
    assert document.line(("c",)) == 5
    assert document.line(("a", "b", 1, "deeper")) == 4
    assert Document(None).line(("a",)) == 0


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\na: 2", "stands here twice", 2),
        ("a: !!python/object/apply:os.system [ls]", "tag", 1),
        ("a: !reset null", "tag", 1),
        ("!!set {a}", "tag", 1),
        ("a: 1\n---\nb: 2", "more than one", 2),
        ("a: *b", "unknown", 1),
        ("a: &a [*a]", "contains itself", 1),
        ("a: &a\n  <<: *a", "contains itself", 2),
        ("? [a]\n: 1", "key", 1),
        ("&k a: 1", "anchor on a key", 1),
        ("<<: 3", "merges mappings", 1),
        ("<<: [3]", "merges mappings", 1),
        ("a: [", "not valid YAML: something here is opened and not closed", 1),
        ("a:\n   b: 1\n  c: 2", "not valid YAML: something here is .* indented too little", 3),
        ("a: b: c", "not valid YAML: a second `: ` on one line", 1),
        ("a:\n\t- b", "not valid YAML: a value begins with a tab", 2),
        ("a: 'b", "not valid YAML: a quote is opened", 1),
        ("a: 1\nb\nc: 2", "not valid YAML: a key has no `:`", 3),
        ("a: \x01", "not valid YAML", 0),
    ],
)
def test_what_is_not_read_is_refused_with_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        read_yaml(text)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_quoted_merge_sign_is_an_ordinary_key() -> None:
    assert read_yaml('"<<": 1').data == {"<<": 1}


LAUGHS = "a: &a [l,l,l,l,l,l,l,l,l]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED_LAUGHS = "a: &a {k: v}\n" + "".join(
    f"{new}: &{new} {{x: *{old}, y: *{old}, <<: *{old}}}\n"
    for old, new in zip("abcdefghijklmnopqrstuvw", "bcdefghijklmnopqrstuvwx", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        MERGED_LAUGHS,
        "[" * 100_000,
        "- " * 100_000,
        "{a: " * 60_000,
        "\n".join(" " * depth + "a:" for depth in range(500)),
        "a: [" + "x," * 80_000 + "]",
        "".join(f"- &a{n} x\n" for n in range(20_000)),
        "x" * (256 * 1024 + 1),
        "? " * 120_000,
        "!" * 200_000,
        "{" + "," * 200_000,
    ],
    ids=range(12),
)
def test_bombs_are_refused_at_once_and_in_short(text: str) -> None:
    with soon(1.0), pytest.raises(DocumentError) as caught:
        read_yaml(text)
    assert len(str(caught.value)) < 200


def test_depth_counts_what_an_alias_stands_for() -> None:
    nested = "[" * 20 + "]" * 20
    assert read_yaml(f"a: &a {nested}\nb: *a").data
    with pytest.raises(DocumentError, match="deeper"):
        read_yaml(f"a: &a {nested}\nb: {'[' * 15}*a{']' * 15}")


def test_the_caps_are_where_they_are_said_to_be() -> None:
    fits = "[" + ",".join("x" * (documents.MAX_NODES - 1)) + "]"
    assert len(read_yaml(fits).data) == documents.MAX_NODES - 1
    with pytest.raises(DocumentError, match="more than 10000"):
        read_yaml("[" + ",".join("x" * documents.MAX_NODES) + "]")


def test_bytes_that_are_no_text_are_refused() -> None:
    for reader in (read_yaml, read_json):
        with pytest.raises(DocumentError, match="UTF-8"):
            reader(b"a: \xff")
        with pytest.raises(DocumentError, match="UTF-8"):
            reader('"\ud800"')


def test_half_a_surrogate_pair_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DocumentError, match="surrogate"):
        read_json('"\\ud800"')
    monkeypatch.setattr(documents, "_LOADER", yaml.SafeLoader)
    with pytest.raises(DocumentError, match="surrogate"):
        read_yaml('a: "\\ud800"')


def test_the_pure_reader_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x: &c {a: 1, b: [2]}\ny:\n  <<: *c\n  b: no\n"
    quick = read_yaml(text)
    monkeypatch.setattr(documents, "_LOADER", yaml.SafeLoader)
    assert read_yaml(text).data == quick.data


@given(st.text(max_size=300))
def test_any_text_is_a_document_or_one_error(text: str) -> None:
    for reader in (read_yaml, read_json):
        try:
            assert isinstance(reader(text), Document)
        except DocumentError as error:
            assert error.message  # noqa: PT017


@given(st.text(alphabet="ab:-[]{},&*<!?|>'\"# \n\t%@`1.~", max_size=80))
def test_anything_that_looks_like_yaml_is_a_document_or_one_error(text: str) -> None:
    try:
        document = read_yaml(text)
    except DocumentError:
        return
    json.dumps(document.data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_json_survives_a_round_trip(data: Any) -> None:
    text = json.dumps(data)
    assert read_json(text).data == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("{} {}", "not valid JSON"),
        ('{"a": 1, "a": 2}', "'a' stands in one object twice"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "Infinity"),
        ("[1e999]", "too large"),
        ("1" * 5000, "not valid JSON"),
        ("[" * 100_000, "deeper"),
        ('{"a":' * 50, "deeper"),
        ('"' + '\\"' * 100_000, "not valid JSON"),
        ('"' * 100_000, "not valid JSON"),
    ],
)
def test_json_is_read_strictly(text: str, message: str) -> None:
    with soon(1.0), pytest.raises(DocumentError, match=message):
        read_json(text)


def test_brackets_in_a_text_are_no_depth() -> None:
    assert read_json(json.dumps("[" * 100)).data == "[" * 100
