from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.errors import SubmissionRefusedError
from mde_grader.runtimes.policy.dockerignore import patterns, read_ignore
from mde_grader.runtimes.policy.dotenv import read_env
from mde_grader.runtimes.policy.folder import Folder, inside
from mde_grader.runtimes.policy.instructions import parse, words
from mde_grader.runtimes.policy.interpolate import VariableError, substitute
from mde_grader.runtimes.policy.references import lookup, normal, pinned
from mde_grader.runtimes.policy.rules import RULES, refuse, shown
from tests.unit.policying import write
from tests.unit.timing import soon

NAMES = ("python:3.11-slim", "python:latest", "debian", "scratch", "ghcr.io/acme/base:1")
DIGEST = "@sha256:" + "a" * 64


def test_a_candidate_is_told_the_names_with_a_release() -> None:
    names = ("python:3.11-slim", "python:3", "python:slim", "python", "debian:12", "debian:latest", "scratch")
    assert pinned(names) == ("python:3.11-slim", "debian:12", "scratch")
    assert pinned(("r.example:5000/tool", "r.example:5000/tool:1.2")) == ("r.example:5000/tool:1.2",)


def test_where_no_name_has_a_release_all_are_told() -> None:
    assert pinned(["python", "debian:latest"]) == ("python", "debian:latest")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("python:3.11-slim", "python:3.11-slim"),
        ("library/python:3.11-slim", "python:3.11-slim"),
        ("docker.io/library/python:3.11-slim", "python:3.11-slim"),
        ("docker.io/python:3.11-slim", "python:3.11-slim"),
        ("index.docker.io/library/python:3.11-slim", "python:3.11-slim"),
        ("python:3.11-slim" + DIGEST, "python:3.11-slim"),
        ("python", "python:latest"),
        ("debian:latest", "debian"),
        ("debian", "debian"),
        ("scratch", "scratch"),
        ("ghcr.io/acme/base:1", "ghcr.io/acme/base:1"),
        ("python" + DIGEST, None),
        ("python:3.11-slim@sha256:abc", None),
        ("python:3.12", None),
        ("evil.io/library/python:3.11-slim", None),
        ("evil/python:3.11-slim", None),
        ("localhost:5000/python:3.11-slim", None),
        ("Python:3.11-slim", None),
        ("mde-grade/from-python", None),
        ("", None),
        ("scratch:latest", "scratch"),
    ],
)
def test_an_image_has_one_name(written: str, name: str | None) -> None:
    assert lookup(written, NAMES) == name


def test_equal_references_have_one_form() -> None:
    assert normal("docker.io/library/web") == normal("web:latest") == "web:latest"
    assert normal("localhost:5000/web") == "localhost:5000/web:latest"


GIVEN = {"A": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$A-${A}", "1-1"),
        ("$$A $$", "$A $"),
        ("${NO:-d}${NO-d}${EMPTY:-d}${EMPTY-d}", "ddd"),
        ("${A:-d}${A-d}", "11"),
        ("${A:+x}${EMPTY:+x}${EMPTY+y}${NO+z}", "xy"),
        ("${A:?no}${A?no}${EMPTY?no}", "11"),
        ("${NO:-${ALSO:-${A}}}", "1"),
        ("${NO:-a$$b}", "a$b"),
        ("${NO}", ""),
        ("$NO.", "."),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, result: str) -> None:
    assert substitute(text, GIVEN) == result


def test_unset_names_are_told_and_defaults_are_not() -> None:
    unset: list[str] = []
    substitute("${X} $Y ${Z:-} ${A}", GIVEN, unset.append)
    assert unset == ["X", "Y"]


@pytest.mark.parametrize(
    "text", ["$", "a$-", "${", "${A", "${}", "${1}", "${A/b/c}", "${A:d}", "${NO:?}", "${NO?said why}", "${EMPTY:?x}"]
)
def test_wrong_variables_are_refused(text: str) -> None:
    with pytest.raises(VariableError):
        substitute(text, GIVEN)


def test_replacing_is_bounded() -> None:
    with pytest.raises(VariableError, match="grows"):
        substitute("$A" * 100, {"A": "x" * 1000})
    with pytest.raises(VariableError, match="nested"):
        substitute("${A:-" * 20 + "}" * 20, {})


@given(st.text(alphabet="$ABC{}:-?+ab ", max_size=60))
def test_any_text_is_replaced_or_one_error(text: str) -> None:
    try:
        substitute(text, GIVEN)
    except VariableError as error:
        assert str(error)  # noqa: PT017


def test_env_files_are_read_as_compose_reads_them() -> None:
    text = """# comment
A=1
  export B = two words # gone
C='as $it is # here'
D="x\\n${A}\\$y"
E=
F=a#b
PASSED
MISSING
G: yaml style
H="two
lines"
I="quoted" # comment
J=$B
"""
    assert read_env(text, ".env", {"PASSED": "p", "A": "lab's"}) == {
        "A": "1",
        "B": "two words",
        "C": "as $it is # here",
        "D": "x\nlab's$y",
        "E": "",
        "F": "a#b",
        "PASSED": "p",
        "G": "yaml style",
        "H": "two\nlines",
        "I": "quoted",
        "J": "two words",
    }


def test_raw_env_files_are_taken_as_they_stand() -> None:
    assert read_env("A='$x' # y", "f", {}, raw=True) == {"A": "'$x' # y"}


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\nnot a line", 2), ("=x", 1), ("A='open", 1), ("\nA=${", 2), ("1A=b", 1)]
)
def test_a_wrong_line_is_named(text: str, line: int) -> None:
    with pytest.raises(SubmissionRefusedError) as caught:
        read_env(text, "web.env", {})
    assert (caught.value.rule, caught.value.where) == ("compose.env-file", f"web.env:{line}")


@pytest.mark.parametrize(
    "text", ["A='" + "x\n" * 30_000, "A=b" + " " * 60_000 + "c", "A=1\n" * 16_000, '"' * 60_000, "A " * 30_000]
)
def test_env_files_are_read_quickly(text: str) -> None:
    with soon(1.0), contextlib.suppress(SubmissionRefusedError):
        read_env(text, "f", {})


def test_ignore_patterns_keep_their_order_without_comments() -> None:
    text = "# no\n*\n\n  !app/ \n**/__pycache__\n/x/*.py[co]\n"
    assert patterns(text, ".dockerignore") == ("*", "!app/", "**/__pycache__", "/x/*.py[co]")


@pytest.mark.parametrize("text", ["x\n" * 501, "a" * 513, "*a*b*c*d", "**/**/**/**/**"])
def test_ignore_patterns_that_would_be_slow_are_refused(text: str) -> None:
    with pytest.raises(SubmissionRefusedError) as caught:
        patterns(text, "f")
    assert caught.value.rule == "dockerfile.ignore"


def test_an_ignore_file_of_the_dockerfile_goes_before_the_context_s(tmp_path: Path) -> None:
    folder = Folder(write(tmp_path, {"app/.dockerignore": "a", "app/Dockerfile.dockerignore": "b", "Dockerfile": ""}))
    assert read_ignore(folder, "app", "app/Dockerfile") == ("b",)
    assert read_ignore(folder, "app", "Dockerfile") == ("a",)
    assert read_ignore(folder, ".", "Dockerfile") == ()


@pytest.mark.parametrize(
    ("base", "path", "result"),
    [
        (".", "a/b", "a/b"),
        (".", "./a//b/", "a/b"),
        ("x", "../a", "a"),
        ("x/y", ".", "x/y"),
        ("x", "..", "."),
        (".", "", "."),
    ],
)
def test_paths_are_seen_from_the_root(base: str, path: str, result: str) -> None:
    assert inside(base, path, where="f:1") == result


@pytest.mark.parametrize(
    ("base", "path"), [(".", ".."), ("x", "../../a"), (".", "/etc"), (".", "~/a"), (".", "a/../../b")]
)
def test_paths_that_leave_are_refused(base: str, path: str) -> None:
    with pytest.raises(SubmissionRefusedError) as caught:
        inside(base, path, where="f:1")
    assert (caught.value.rule, caught.value.where) == ("submission.outside", "f:1")


def test_the_folder_is_read_only_inside_itself(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"secret": "s", "in/a": "1", "in/big": "x" * 11, "in/binary": b"\xff", "in/nul": "a\0b", "in/win": "a\r\nb"},
    )
    (tmp_path / "in/out").symlink_to("../secret")
    (tmp_path / "in/also-a").symlink_to("a")
    folder = Folder(tmp_path / "in")
    assert folder.text("also-a") == "1"
    assert folder.text("win") == "a\nb"
    assert not folder.is_file("out")
    assert folder.is_folder(".")
    for name, rule in [
        ("out", "missing"),
        ("nowhere", "missing"),
        (".", "missing"),
        ("a/b", "missing"),
        ("big", "text"),
    ]:
        with pytest.raises(SubmissionRefusedError) as caught:
            folder.read(name, limit=10)
        assert caught.value.rule == f"submission.{rule}"
    for name in ("binary", "nul"):
        with pytest.raises(SubmissionRefusedError) as caught:
            folder.text(name)
        assert caught.value.rule == "submission.text"


def test_words_keep_quotes_together() -> None:
    assert words("a 'b c' \"d e\"f g\\ h") == ["a", "'b c'", '"d e"f', "g\\ h"]
    assert words("") == []
    assert words("'open end") == ["'open end"]


SPLIT = """# syntax=docker/dockerfile:1
# plain comment
FROM a \\
   # inside a comment

   AS b
run echo "x \\
 y"; \\
    echo z   \\
   
USER app
COPY --chown=a:b --link  x y
RUN <<EOF cat > /f
one # kept
EOF
CMD ["a", "b"]
"""  # noqa: W293


def test_a_dockerfile_is_split_as_docker_splits_it() -> None:
    instructions, escape = parse(SPLIT, "Dockerfile")
    assert escape == "\\"
    assert [(line.keyword, line.where) for line in instructions] == [
        ("FROM", "Dockerfile:3"),
        ("RUN", "Dockerfile:7"),
        ("COPY", "Dockerfile:12"),
        ("RUN", "Dockerfile:13"),
        ("CMD", "Dockerfile:16"),
    ]
    assert instructions[0].rest == "a    AS b"
    assert instructions[1].rest == 'echo "x  y";     echo z   USER app'
    assert instructions[2].flags == (("chown", "a:b"), ("link", ""))
    assert instructions[3].heredocs[0].body == "one # kept\n"
    assert instructions[4].exec_form() == ["a", "b"]


def test_the_escape_directive_counts_at_the_top_only() -> None:
    instructions, escape = parse("# escape=`\nFROM a `\n AS b\n", "f")
    assert (escape, instructions[0].rest) == ("`", "a  AS b")
    assert parse("# comment\n# escape=`\nFROM a\n", "f")[1] == "\\"


@given(st.text(max_size=200))
def test_any_text_is_instructions_or_a_refusal(text: str) -> None:
    try:
        parse(text, "f")
    except SubmissionRefusedError as error:
        assert error.rule in RULES  # noqa: PT017


def test_a_rule_without_an_entry_is_our_own_mistake() -> None:
    with pytest.raises(KeyError):
        refuse("compose.no-such-rule", "x")


def test_what_is_repeated_from_a_candidate_is_short_and_printable() -> None:
    assert shown("a\x1b[0m\nb") == "a\\x1b[0m\\nb"
    assert len(shown("x" * 500)) == 63
