"""The small languages inside of pipelines: GitHub's expressions, GitLab's conditions, regular expressions, globs."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.pipelines.conditions import ConditionError, DoubtfulError, holds
from graders.pipelines.expressions import LATER, ExpressionError, UnknownError, as_text, filled, truth
from graders.pipelines.globs import fits
from graders.pipelines.patterns import compiled
from graders.pipelines.regexes import RegexError, found_in
from graders.pipelines.shipped import is_python
from tests.unit.timing import soon

CONTEXTS: dict[str, Any] = {
    "github": {
        "workflow": "CI",
        "ref": "refs/heads/main",
        "ref_name": "main",
        "event_name": "push",
        "head_ref": "",
        "run_id": "7",
        "event": {"commits": [{"id": "a"}, {"id": "b"}, {}], "n": 3},
    },
    "matrix": {"os": "ubuntu-latest", "on": True},
    "env": {"KNOWN": "1", "SECRET": LATER},
    "vars": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no expression", "no expression"),
        ("${{ github.workflow }}-${{ github.ref }}", "CI-refs/heads/main"),
        ("${{github.workflow}}-deploy", "CI-deploy"),
        ("${{ github.head_ref || github.run_id }}", "7"),
        ("${{ github.head_ref && 'pull' || github.ref_name }}", "main"),
        ("ci-${{ format('{0}/{1}', github.event_name, github.ref_name) }}", "ci-push/main"),
        ("${{ format('{{{0}}}', 1) }}", "{1}"),
        ("${{ github.event_name == 'pull_request' }}", False),
        ("${{ github.event_name == 'PUSH' }}", True),
        ("${{ github.event_name != 'push' }}", False),
        ("${{ !contains(github.ref, 'release/') }}", True),
        ("${{ !!github.head_ref }}", False),
        ("${{ startsWith(github.ref, 'REFS/') && endsWith(github.ref, 'main') }}", True),
        ("${{ (github.head_ref || github.ref) == github.ref }}", True),
        ("${{ github['ref_name'] }}", "main"),
        ("${{ github.event.commits[1].id }}", "b"),
        ("${{ github.event.commits[7].id }}", None),
        ("${{ join(github.event.commits.*.id, '+') }}", "a+b"),
        ("${{ github.event.commits.*.id }}", ["a", "b"]),
        ("${{ join(fromJSON('[1, 2]')) }}", "1,2"),
        ("${{ join('one') }}", "one"),
        ("${{ contains(fromJSON('[\"a\", \"B\"]'), 'b') }}", True),
        ("${{ github.nothing.deeper }}", None),
        ("${{ github.event.n >= 3 && github.event.n < 4 && 'b' > 'A' }}", True),
        ("${{ 1 == '1' && null == '' && true == 1 && 0x10 == 16 && -1.5e1 <= '-15' }}", True),
        ("${{ 'x' == 1 }}", False),
        ("${{ true == true && 2 == 2.0 && github.event.n.* }}", []),
        ("${{ join(github.event.commits[0].*, '-') }}", "a"),
        ("${{ github[matrix.os] }}", None),
        ("${{ 1 == null }}", False),
        ("${{ '0x1F' == 31 }}", True),
        ("${{ github.event == github.event && github.event != '' }}", True),
        ("${{ 'it''s' }}", "it's"),
        ("${{ toJSON('a') }}", '"a"'),
        ("${{ true || needs.a.outputs.b }}", True),
        ("${{ false && (needs.a.b == fromJSON(needs.c)[0]) || 'x' }}", "x"),
        ("${{ env.KNOWN }}", "1"),
        ("${{ vars.MISSING }}", None),
        ("${{ null }}${{ true }}${{ 1.50 }}${{ github.event }}${{ fromJSON('[]') }}", "true1.5ObjectArray"),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(text: str, value: object) -> None:
    assert filled(text, CONTEXTS) == value


@pytest.mark.parametrize(
    "text",
    [
        *("needs.a.outputs.b", "secrets.X", "steps.a.outcome", "hashFiles('a')", "always()", "inputs.x", "env.SECRET"),
        *("github.head_ref || needs.a", "github.ref && needs.a", "runner.os"),
    ],
)
def test_what_is_known_only_later_is_told_apart(text: str) -> None:
    with pytest.raises(UnknownError, match="not known before it runs"):
        filled(f"${{{{ {text} }}}}", CONTEXTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${{ main }}", "names `main`, which is no context"),
        ("${{ }}", "is empty"),
        ("${{ github.ref", "is not closed"),
        ("${{ 'a }}", "is not closed"),
        ("${{ (1 }}", r"lacks a `\)`"),
        ("${{ 1 2 }}", "has `2` too much"),
        ("${{ 1 == }}", "ends where a value should stand"),
        ("${{ == 1 }}", "lacks a value before `==`"),
        ("${{ github. }}", "no name after it"),
        ("${{ github.1 }}", "has `.1` too much"),
        ("${{ github[0 }}", "lacks a `]`"),
        ("${{ nosuch(1) }}", "calls `nosuch`, which is no function"),
        ("${{ contains(1) }}", "with 1 values"),
        ("${{ format('{0}{1}', 1) }}", "gives 1 values"),
        ("${{ fromJSON('{') }}", "JSON from what is none"),
        ('${{ "a" }}', "cannot be read from"),
        ("${{ a = b }}", "cannot be read from"),
        (f"${{{{ {'(' * 50}1{')' * 50} }}}}", "nested too deeply"),
        (f"${{{{ '{'a' * 5000}' }}}}", "more than 4096"),
    ],
)
def test_what_is_no_expression_is_told_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as caught:
        filled(text, CONTEXTS)
    assert not isinstance(caught.value, UnknownError)


def test_a_text_cannot_be_made_to_grow_without_end() -> None:
    bomb = "'" + "a" * 1000 + "'"
    for _ in range(3):
        bomb = f"format('{'{0}' * 20}', {bomb})"
    with pytest.raises(ExpressionError, match="too long"):
        filled(f"${{{{ {bomb} }}}}", CONTEXTS)


def test_truth_and_texts_of_values() -> None:
    values: list[Any] = [None, False, 0, "", float("nan"), "false", [], {}, 1]
    assert [truth(one) for one in values] == [False] * 5 + [True] * 4
    texts: dict[str, Any] = {"": None, "true": True, "1": 1.0, "2.5": 2.5, "a": "a", "Array": [], "Object": {}}
    assert {as_text(value): value for value in texts.values()} == texts
    assert filled("a ${{ format('}}') }} b ${{ 'c' }}", {}) == "a } b c"
    assert filled(" ${{ 1 }} ", {}) == 1


VARIABLES = {
    "CI_COMMIT_BRANCH": "main",
    "EMPTY": "",
    "PATTERN": "/^ma/",
    "CI_DEFAULT_BRANCH": "main",
    "TEXT": "^ma",
    "LINES": "a\nb",
}


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("$CI_COMMIT_BRANCH", True),
        ("$CI_COMMIT_TAG", False),
        ("$EMPTY", False),
        ('$CI_COMMIT_BRANCH == "main"', True),
        ("$CI_COMMIT_BRANCH == 'Main'", False),
        ("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", True),
        ("$CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH", False),
        ("'main' == $CI_COMMIT_BRANCH", True),
        ("$EMPTY == ''", True),
        ("$EMPTY == null", False),
        ("$CI_COMMIT_TAG == null", True),
        ("$CI_COMMIT_TAG == ''", False),
        ("$CI_COMMIT_TAG != null", False),
        ("$CI_COMMIT_BRANCH =~ /^ma/", True),
        ("$CI_COMMIT_BRANCH =~ /^MA/", False),
        ("$CI_COMMIT_BRANCH =~ /^MA/i", True),
        ("$CI_COMMIT_BRANCH =~ /^feature\\/.*/", False),
        ("$CI_COMMIT_BRANCH !~ /^v\\d+/", True),
        ("$CI_COMMIT_BRANCH =~ $PATTERN", True),
        ("$CI_COMMIT_BRANCH =~ $TEXT", False),
        ("$CI_COMMIT_TAG =~ /.*/", False),
        ("$CI_COMMIT_TAG !~ /.*/", True),
        ("$CI_COMMIT_TAG && $A || $CI_COMMIT_BRANCH", True),
        ("$CI_COMMIT_TAG && ($A || $CI_COMMIT_BRANCH)", False),
        ("$CI_COMMIT_BRANCH == 'main' && $CI_COMMIT_TAG == null || $A", True),
        ("!$CI_COMMIT_TAG", True),
        ("!($CI_COMMIT_BRANCH == 'main')", False),
        ("($CI_COMMIT_BRANCH) == 'main'", True),
        ("$EMPTY =~ /^$/", False),
        ("$LINES =~ /^b$/", False),
        ("$LINES =~ /^b$/m", True),
        ("$LINES =~ /a.b/", False),
        ("$LINES =~ /a.b/s", True),
    ],
)
def test_a_condition_holds_as_gitlab_documents(condition: str, value: object) -> None:
    assert holds(condition, VARIABLES) is value


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("${A}", "cannot be read from `\\${A}`"),
        ("process.exit(0)", "cannot be read from `process.exit"),
        ("$A == main", "cannot be read from `main`"),
        ("$A = 'x'", "cannot be read"),
        ("", "ends where a value should stand"),
        ("$A ==", "ends where a value should stand"),
        ("$A =~ ", "lacks an expression between slashes"),
        ("$A =~ null", "lacks an expression between slashes"),
        ("/a/", "has `/a/` where a value should stand"),
        ("($A", "is not closed"),
        ("$A $B", "has `\\$B` too much"),
        ("$A =~ /(?!x)/", "looks ahead or back"),
        ("$A && $B =~ /(/", "is not closed"),
        ("(" * 30 + "$A" + ")" * 30, "nested too deeply"),
        ("$A || " * 500 + "$A", "more than 2048"),
    ],
)
def test_what_is_no_condition_is_told_with_the_reason(condition: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        holds(condition, {})


COSTLY = f"(?:{'|'.join('.' * 100)}){{300}}b"


@pytest.mark.parametrize("condition", ["!$A == 'false'", "($A =~ /x/) == 'true'", "$A =~ /x/ != $B", "null == !$A"])
def test_what_the_runner_would_take_for_something_else_is_told_apart(condition: str) -> None:
    with pytest.raises(DoubtfulError, match="compares whether something holds"):
        holds(condition, {})


REGEXES = [
    *(r"^v\d+\.\d+\.\d+$", r"^feature\/.*", "release-", r"^(main|develop)$", r"^v[0-9]+(\.[0-9]+)*$", r"a{2,3}b"),
    *(r"[^a-c]x", r"\bfoo\b", r"\Bo", r"(a|ab)(c|bcd)", r"x*?y+z?", "^$", "", r"(?:ab)+c", "a.c", r"\w+\s\w+", "a{2}"),
    *(
        r"a{,2}",
        r"a{1,}b",
        r"[\d.]+",
        r"[a\-z]",
        "[]a]",
        r"\Aab",
        r"c\Z",
        "a|",
        r"\S\D\W",
        "[^\\w]",
        "a{x}",
        "(?P<n>a)b",
    ),
]
TEXTS = [
    *("v1.2.3", "v1.2", "feature/x", "release-1", "main", "maine", "aab", "aaab", "ab", "dx", "ax", "foo bar", "xfoo"),
    *("abcd", "abc", "xxyz", "", "12", "ababc", "a\nc", "hello world", "a{,2}", "-", "]", "a{x}", "a - b", "yz"),
]


@pytest.mark.parametrize("expression", REGEXES)
def test_a_regular_expression_finds_what_pythons_finds(expression: str) -> None:
    if expression != "a{,2}":  # which Python takes for a count, and RE2 for itself
        for text in TEXTS:
            assert found_in(expression, text) == bool(re.search(expression, text)), text
            assert found_in(expression, text, flags="m") == bool(re.search(expression, text, re.MULTILINE)), text


@given(st.text("ab|*+?()c", max_size=10), st.text("abc", max_size=8))
def test_what_is_taken_means_what_it_means_to_python(expression: str, text: str) -> None:
    try:
        found = found_in(expression, text)
    except RegexError:
        return
    assert found == bool(re.search(expression, text))


def test_regular_expressions_in_upper_and_lower_case_and_in_posix_words() -> None:
    assert found_in("^ma[i]n$", "MAIN", flags="i")
    assert found_in("(?i)^[a-m]+in", "MAIN")
    assert found_in("^[[:alpha:]][[:digit:]_]+[[:punct:]]$", "v1_2!")
    assert not found_in("[[:upper:]]|[[:space:]]", "ab")
    assert not found_in("a{,2}", "aa")
    assert found_in("a{,2}", "a{,2}")
    assert found_in(r"a\tb\.", "a\tb.")


@pytest.mark.parametrize(
    "expression",
    [
        "(",
        "a)",
        "[a",
        "*a",
        "a**",
        r"\1",
        "(?=a)",
        "(?<!a)b",
        "a{3,2}",
        "a{2000}",
        "\\",
        "[z-a]",
        "[[:no:]]",
        "(" * 40,
        "a" * 600,
    ],
)
def test_what_re2_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises(RegexError):
        found_in(expression, "x")


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+$b",
        "(a|a)*b",
        "(a*)*b",
        "((a?){1000}){1000}b",
        "(.*.*.*.*.*.*=)+",
        "(((a{9}){9}){9}){9}",
        COSTLY,
    ],
)
def test_no_regular_expression_takes_long(expression: str) -> None:
    with soon(1), contextlib.suppress(RegexError):
        assert not found_in(expression, "a" * 300)


def test_no_filter_takes_long() -> None:
    with soon(1):
        assert not compiled("*a" * 200 + "b")("a" * 500)
        assert not compiled("**/" * 100 + "b")("a/" * 200)


@pytest.mark.parametrize(
    ("glob", "path", "value"),
    [
        ("README.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "docs/b/a.md", True),
        ("docs/*", "docs/a.md", True),
        ("docs/*", "docs/a/b.md", False),
        ("docs/**/*", "docs/a/b.md", True),
        ("docs/**/*", "docs/a.md", True),
        ("docs/**", "docs/a/b.md", False),
        ("*.{rb,py,sh}", "a.py", True),
        ("*.{rb,py,sh}", "a.js", False),
        ("{a,b}/{c,d}.txt", "b/c.txt", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab]x", "bx", True),
        ("[!ab]x", "bx", False),
        ("[a-c]x", "cx", True),
        ("[^a-c]x", "dx", True),
        ("a[", "a[", True),
        (".gitlab/*", ".gitlab/x", True),
        ("\\*", "*", True),
        ("{a", "{a", True),
    ],
)
def test_a_glob_fits_what_gitlab_lets_it_fit(glob: str, path: str, value: object) -> None:
    assert fits(glob, path) is value


def test_braces_stand_for_few_globs_at_most() -> None:
    with soon(1):
        assert not fits("{a,b}" * 60, "c")


@pytest.mark.parametrize(
    ("asked", "here"),
    [
        *(
            (one, True)
            for one in ("3.11", "3", "3.x", "3.11.x", "3.11.2", "*", "~3.11", "~=3.11", "^3.9", ">=3.9,<3.12")
        ),
        *((one, True) for one in ("== 3.11.*", "> 3.10 < 4", "<=3.11.2", "~=3.11.1")),
        *(
            (one, False)
            for one in ("3.12", "3.11.9", "2", "~3.12", "^4", "^3.12", ">=3.12", "<3.11", "3.11-dev", "py311")
        ),
        *((one, False) for one in ("~=3.11.4", ">3.11.2", "pypy3.11", "${{ x }}", "3.1")),
    ],
)
def test_a_version_is_met_by_the_one_that_is_here(asked: str, here: object) -> None:
    assert is_python(asked) is here


@pytest.mark.parametrize("text", ["${{" * 80_000, "${{ " + "'" * 200_001, "${{" + "}" * 2 + "${{ 1 " * 60_000])
def test_no_text_with_expressions_takes_long(text: str) -> None:
    with soon(1), pytest.raises(ExpressionError):
        filled(text, {})
