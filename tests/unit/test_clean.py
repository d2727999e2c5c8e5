import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.clean import cap, clean, clean_line
from tests.unit.timing import soon

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b[]m;0J\x07\\\x9b\x9d\x90P\r\n\t\u202e\u2066\u200b\ufeff\u0301\x00\x7f\ud800ab "),
        st.characters(),
    )
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x9b31mred\x9d0;t\x9cx", "redx"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b]unfinished\nnext line", "next line"),
        ("\x1b(Bascii\x1bcreset", "asciireset"),
        ("50%\r100%\r\nend", "50%\n100%\nend"),
        ("a\tb", "a   b"),
        ("a\x00b\x7fc\x85d", "abc\nd"),
        ("\u202egnp.exe\u202c\u2066x\u2069", "gnp.exex"),
        ("in\u200bvisible\ufeff\u2060", "invisible"),
        ("tag\U000e0041", "tag"),
        ("half \ud800", "half \ufffd"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 3),
        ("\n\n  kept indent  \n\n", "  kept indent"),
        ("\u2028one\u2029two\x0bthree", "one\ntwo\nthree"),
        (b"bytes \xff", "bytes \ufffd"),
        ("non\ufffe\uffff", "non"),
        ("नमस्ते 漢字 ü", "नमस्ते 漢字 ü"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_text(raw: Any, shown: str) -> None:
    assert clean(raw) == shown


@given(NASTY)
def test_no_control_and_no_direction_mark_is_left(text: str) -> None:
    shown = clean(text)
    for char in shown:
        assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"}
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    shown.encode("utf-8")


@given(NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(st.characters(max_codepoint=0x7E)), st.integers(0, 60))
def test_a_plain_text_is_cleaned_as_any_other(text: str, limit: int) -> None:
    assert clean(text, limit=limit) == clean(text + "\u200b", limit=limit)


@given(st.text(), st.integers(0, 300), st.integers(1, 12))
def test_a_cap_holds(text: str, limit: int, lines: int) -> None:
    shown = cap(text, limit=limit, lines=lines)
    assert len(shown) <= limit


@given(st.lists(st.sampled_from(["", "line"]), max_size=40), st.integers(3, 12))
def test_a_cap_on_lines_holds_and_says_how_many_went(rows: Any, lines: int) -> None:
    shown = cap("\n".join(rows), lines=lines).split("\n")
    assert len(shown) <= lines
    if len(rows) > lines:
        assert f"[… {len(rows) - lines + 1} lines left out …]" in shown


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    shown = cap("first " + "x" * 10_000 + " last", limit=200)
    assert shown.startswith("first ")
    assert shown.endswith(" last")
    assert "[… 10011 characters in all …]" in shown


def test_a_limit_too_small_for_head_and_tail_keeps_the_head() -> None:
    assert cap("abcdefghij", limit=4) == "abc…"


def test_a_text_at_its_limit_is_whole() -> None:
    assert cap("abcd", limit=4) == "abcd"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\nb\tc  d ", "a b c d"),
        ("\x1b[1mx", "x"),
        ("abcdefghijklm", "abcdefghi…"),
        ("abcdefgh  ijkl", "abcdefgh…"),
    ],
)
def test_one_line(raw: Any, shown: str) -> None:
    assert clean_line(raw, limit=10) == shown


@given(NASTY, st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    shown = clean_line(text, limit=limit)
    assert "\n" not in shown
    assert len(shown) <= limit


@pytest.mark.parametrize("unit", ["\x1b]", "\x1b[0", "\x9d;", "\u0301", "\x1b[1;", "[", "\x1b"])
def test_a_flood_is_cleaned_in_linear_time(unit: str) -> None:
    clean(unit * 1000)
    with soon(2.0):
        clean(unit * 400_000)
