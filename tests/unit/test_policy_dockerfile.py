from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mde_grader.errors import ImageMissingError
from mde_grader.runtimes.policy import dockerfile, plan
from mde_grader.runtimes.policy.folder import Folder
from mde_grader.runtimes.policy.instructions import parse
from mde_grader.runtimes.policy.runs import _UNCACHED
from tests.unit.policying import LAB, TAGS, VALUES, built, not_built, planned, refused, write

SLIM = TAGS["python:3.11-slim"]
NODE = TAGS["node:20-bookworm-slim"]
LABEL = 'LABEL mde-grade.cache="lab-x"'
DIGEST = "@sha256:" + "b" * 64


def test_bases_are_replaced_and_our_label_follows_each_from(tmp_path: Path) -> None:
    text = "FROM python:3.11-slim AS build\nRUN make\nFROM scratch\nCOPY --from=build /a /a\n"
    assert built(tmp_path, text) == (
        f"FROM {SLIM} AS build\n{LABEL}\nRUN make\nFROM scratch AS mde-stage-1\n{LABEL}\nCOPY --from=build /a /a\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "FROM docker.io/library/python:3.11-slim",
        "from python:3.11-slim as MAIN",
        "FROM python:3.11-slim" + DIGEST,
        "FROM --platform=linux/amd64 python:3.11-slim",
        "FROM --platform=$BUILDPLATFORM python:3.11-slim",
        "FROM --platform=${TARGETPLATFORM} python:3.11-slim",
        "ARG V=3.11\nFROM python:${V}-slim",
        'ARG V="3.11"\nARG TAG=$V-slim\nFROM python:$TAG',
        "ARG V\nFROM python:${V:-3.11}-slim",
        "ARG BASE=python V=3.11-slim\nFROM ${BASE}:${V}",
        "FROM \\\n  python:3.11-slim",
        "# escape=`\nFROM `\n  python:3.11-slim",
        "\ufeffFROM python:3.11-slim",
        "FROM python:3.11-slim\r\nRUN x",
    ],
)
def test_ways_to_write_a_base_are_accepted(tmp_path: Path, line: str) -> None:
    assert f"\nFROM {SLIM} AS " in "\n" + built(tmp_path, line + "\n")


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("FROM evil/x", "base", 1),
        ("FROM python:3.12-slim", "base", 1),
        ("FROM python" + DIGEST, "base", 1),
        ("FROM mde-grade/reference", "base", 1),
        ("FROM scratch\nFROM 0", "base", 2),
        ("FROM late\nFROM scratch AS late\nCOPY --from=0 / /", "base", 1),
        ("ARG V\nFROM python:$V", "base-variable", 2),
        ("FROM scratch\nARG V=x\nFROM python:$V", "base-variable", 3),
        ("FROM python:${V", "base-variable", 1),
        ("FROM --platform=linux/arm64 scratch", "platform", 1),
        ("FROM --x=y scratch", "flag", 1),
        ("FROM scratch AS", "syntax", 1),
        ("FROM scratch FOR x", "syntax", 1),
        ("FROM scratch AS scratch", "syntax", 1),
        ("FROM scratch AS 0", "syntax", 1),
        ("FROM scratch AS a\nFROM scratch AS A", "syntax", 2),
        ("RUN x\nFROM scratch", "syntax", 1),
        ("# nothing", "syntax", None),
        ("", "syntax", None),
        ("FROM", "syntax", 1),
        ("FROM scratch\nFETCH x", "instruction", 2),
        ("FROM scratch\n\nONBUILD RUN x", "instruction", 3),
        ("FROM scratch\nRUN", "syntax", 2),
        ("FROM scratch\nRUN x \\\\", "syntax", 2),
        ("# escape=x\nFROM scratch", "syntax", 1),
        ("FROM scratch\nCOPY --chown='a b' x y", "syntax", 2),
        ("FROM scratch\nRUN echo a\rb", "syntax", 2),
    ],
)
def test_what_is_wrong_is_refused_by_rule_and_line(tmp_path: Path, text: str, rule: str, line: int | None) -> None:
    error = not_built(tmp_path, text)
    assert error.rule == f"dockerfile.{rule}"
    assert error.where == ("Dockerfile" if line is None else f"Dockerfile:{line}")


def test_the_accepted_bases_are_named(tmp_path: Path) -> None:
    assert "python:3.11-slim-bookworm, " in not_built(tmp_path, "FROM alpine").hint


def test_no_dockerfile_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, {"x": ""}, kind="dockerfile").rule == "submission.missing"


def test_a_base_that_the_engine_lacks_is_our_fault(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": "FROM python:3.11-slim"})
    with pytest.raises(ImageMissingError, match=r"python:3\.11-slim"):
        plan(tmp_path, replace(LAB, kind="dockerfile"), VALUES, {})


def test_stages_that_are_not_needed_are_left_out(tmp_path: Path) -> None:
    text = """
FROM python:3.11-slim AS base
FROM base AS test
RUN pytest
FROM unknown:1 AS never
FROM node:20-bookworm-slim AS assets
RUN npm run build
FROM base
COPY --from=3 /dist /dist
"""
    result = built(tmp_path, text)
    assert "pytest" not in result
    assert "unknown" not in result
    assert "COPY --from=assets /dist /dist" in result
    assert f"FROM {NODE} AS assets" in result
    assert "FROM base AS mde-stage-4" in result


def test_what_a_plan_tells_of_its_bases(tmp_path: Path) -> None:
    text = f"FROM python:3.11-slim{DIGEST} AS a\nFROM a AS b\nFROM scratch\nCOPY --from=b / /\n"
    done = planned(tmp_path, {"Dockerfile": text, ".dockerignore": ".git\n"}, kind="dockerfile").builds["web"]
    assert done.bases == ("python:3.11-slim", "scratch")
    assert done.base == "scratch"
    assert done.written == ("python:3.11-slim" + DIGEST, "scratch")
    assert done.target == "mde-stage-2"
    assert done.excludes == (".git",)
    assert (done.context, done.dockerfile) == (".", "Dockerfile")


@pytest.mark.parametrize(
    "source",
    ["mde-grade/lab-02-reference", "other:1", "scratch", "1", "2", "late", "$X", "me", "sha256:" + "a" * 64],
)
def test_copying_from_anything_else_is_refused(tmp_path: Path, source: str) -> None:
    text = (
        f"FROM scratch AS a\nFROM scratch AS me\nCOPY --from={source} / /\nFROM scratch AS late\nCOPY --from=me / /\n"
    )
    error = not_built(tmp_path, text)
    assert (error.rule, error.where) == ("dockerfile.copy-from", "Dockerfile:3")


def test_copying_from_a_base_takes_ours(tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY --from=docker.io/library/python:3.11-slim /etc/ssl /etc/ssl\n"
    assert f"COPY --from={SLIM} /etc/ssl /etc/ssl" in built(tmp_path, text)


def test_a_stage_named_like_a_base_is_the_stage(tmp_path: Path) -> None:
    result = built(tmp_path, "FROM node:20-bookworm-slim AS python\nFROM python\nCOPY --from=PYTHON /a /a\n")
    assert "FROM python AS mde-stage-1" in result
    assert "COPY --from=python /a /a" in result


@pytest.mark.parametrize(
    "line",
    [
        "ADD https://example.org/x /x",
        "ADD http://169.254.169.254/ /x",
        'ADD ["https://example.org/x", "/x"]',
        "ADD git@github.com:a/b.git /x",
        "ADD 'https://example.org/x' /x",
        "ADD h\\ttps://example.org/x /x",
        "ADD a b https://example.org/x /x/",
        "ADD --chown=a ftp://example.org/x /x",
    ],
)
def test_addresses_are_not_fetched(tmp_path: Path, line: str) -> None:
    error = not_built(tmp_path, f"FROM scratch\n{line}\n")
    assert (error.rule, error.where) == ("dockerfile.add-url", "Dockerfile:2")


def test_what_add_may_do_is_done_by_copy(tmp_path: Path) -> None:
    text = 'FROM scratch\nADD --chown=a:b src $DIR/ /x/\nADD ["a b", "/y"]\n'
    result = built(tmp_path, text, {"src/a": "1"})
    assert "COPY --chown=a:b src $DIR/ /x/\n" in result
    assert 'COPY ["a b", "/y"]\n' in result
    assert "ADD" not in result


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [archive(), gzip.compress(b"x", mtime=0), b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"],
    ids=["tar", "gzip", "bzip2", "xz", "zstd"],
)
@pytest.mark.parametrize("source", ["data/site.bin", "./data/site.bin", "data/*.bin", "$D/site.bin", "data/s?te.bin"])
def test_archives_are_not_unpacked_by_add(tmp_path: Path, content: bytes, source: str) -> None:
    error = not_built(tmp_path, f"FROM scratch\nADD {source} /x/\n", {"data/site.bin": content})
    assert error.rule == "dockerfile.add-archive"


def test_a_plain_file_called_like_an_archive_may_be_added(tmp_path: Path) -> None:
    assert "COPY x.tar /x" in built(tmp_path, "FROM scratch\nADD x.tar /x\n", {"x.tar": "text"})


@pytest.mark.parametrize(
    "line",
    [
        "LABEL mde-grade.owner=x",
        'LABEL "mde-grade.owner"="x"',
        "LABEL a=b mde\\-grade.owner=x",
        'LABEL a="b c" Mde-Grade.x=1',
        "LABEL mde-grade.owner x",
        "LABEL $K=x",
        "LABEL ${K} x",
    ],
)
def test_labels_of_ours_are_refused(tmp_path: Path, line: str) -> None:
    assert not_built(tmp_path, f"FROM scratch\n{line}\n").rule == "dockerfile.label"


@pytest.mark.parametrize(
    "line", ['LABEL a="mde-grade" b=$X', "LABEL description some $TEXT here", "LABEL a=b \\\n c=d"]
)
def test_other_labels_are_accepted(tmp_path: Path, line: str) -> None:
    assert "\nLABEL " in built(tmp_path, f"FROM scratch\n{line}\n").replace(LABEL, "")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("RUN --mount=type=bind,source=a,target=a x", "mount"),
        ("RUN --mount=source=a,target=a x", "mount"),
        ("RUN --mount=type=secret,id=a x", "mount"),
        ("RUN --mount=type=ssh x", "mount"),
        ("RUN --network=host x", "flag"),
        ("RUN --security=insecure x", "flag"),
        ("COPY --chmod=0755 a b", "flag"),
        ("COPY --parents a b", "flag"),
        ("COPY --exclude=x a b", "flag"),
        ("ADD --checksum=sha256:x a b", "flag"),
        ("ADD --keep-git-dir=true a b", "flag"),
        ("CMD --x y", "flag"),
        ("COPY <<EOF /x\nhello\nEOF", "heredoc"),
        ("ADD <<EOF /x\nhello\nEOF", "heredoc"),
        ("RUN <<EOF\nnot ended", "heredoc"),
        ("RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF", "heredoc"),
        ("RUN " + "x" * 60_001, "too-long"),
        ("RUN x\n" * 60, "too-many"),
        ("RUN x\n" * 600, "too-many"),
    ],
)
def test_what_the_builder_lacks_is_refused_with_a_next_step(tmp_path: Path, line: str, rule: str) -> None:
    assert not_built(tmp_path, f"FROM python:3.11-slim\n{line}\n").rule == f"dockerfile.{rule}"


def test_as_many_instructions_as_are_said_are_accepted(tmp_path: Path) -> None:
    assert built(tmp_path, "FROM scratch\n" + "WORKDIR /x\n" * 59).count("WORKDIR") == 59


def test_flags_without_meaning_for_the_image_are_left_out_and_told(tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY --link --chown=1:1 a b\nHEALTHCHECK --start-interval=1s --interval=5s CMD x\n"
    done = planned(tmp_path, {"Dockerfile": text}, kind="dockerfile")
    assert "COPY --chown=1:1 a b\n" in done.builds["web"].text
    assert "HEALTHCHECK --interval=5s CMD x\n" in done.builds["web"].text
    assert len(done.notes) == 2


def run_words(text: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith("RUN "))
    words = json.loads(line.removeprefix("RUN "))
    assert isinstance(words, list)
    return words


def test_here_documents_become_one_line(tmp_path: Path) -> None:
    text = "FROM python:3.11-slim\nRUN <<-'EOF'\n\tset -e\n\techo \"$HOME\"\n\tEOF\nUSER a\n"
    result = built(tmp_path, text)
    assert run_words(result) == ["/bin/sh", "-c", 'set -e\necho "$HOME"\n']
    assert result.endswith("USER a\n")


def test_a_here_document_for_a_program_stays_the_shell_s(tmp_path: Path) -> None:
    text = "FROM python:3.11-slim\nRUN cat <<EOF > /f && cat <<'B' > /g\none\nEOF\ntwo\nB\n"
    words = run_words(built(tmp_path, text))
    assert words[2] == "cat <<EOF > /f && cat <<'B' > /g\none\nEOF\ntwo\nB\n"


def test_here_documents_follow_the_shell_that_is_set(tmp_path: Path) -> None:
    text = 'FROM python:3.11-slim AS a\nSHELL ["/bin/bash", "-ec"]\nFROM a\nRUN <<EOF\nx\nEOF\n'
    assert run_words(built(tmp_path, text)) == ["/bin/bash", "-ec", "x\n"]


@pytest.mark.parametrize(
    "command", ["echo $((1<<2))", "echo '<<EOF'", "cat <<< x", 'python -c "1 << 2"', "echo a << b"]
)
def test_what_only_looks_like_a_here_document_is_left_alone(tmp_path: Path, command: str) -> None:
    assert f"RUN {command}\nUSER a\n" in built(tmp_path, f"FROM scratch\nRUN {command}\nUSER a\n")


def test_platform_arguments_get_what_buildkit_would_give(tmp_path: Path) -> None:
    result = built(tmp_path, "ARG V=1\nFROM scratch\nARG TARGETARCH V\nARG TARGETOS=plan9\n")
    assert "ARG TARGETARCH=amd64 V\nARG TARGETOS=plan9\n" in result
    assert result.startswith("ARG V=1\n")


def test_the_escape_character_is_kept(tmp_path: Path) -> None:
    result = built(tmp_path, "# escape=`\nFROM scratch\nRUN a `\n  b\\c\n")
    assert result.startswith("# escape=`\nFROM scratch")
    assert "RUN a   b\\c\n" in result


CACHED = "FROM python:3.11-slim\nRUN --mount=type=cache,target=/root/.cache/pip,sharing=locked {}\n"


def test_cache_mounts_leave_nothing_in_the_image(tmp_path: Path) -> None:
    done = planned(tmp_path, {"Dockerfile": CACHED.format("pip install x && exit 3")}, kind="dockerfile")
    words = run_words(done.builds["web"].text)
    assert words == ["/bin/sh", "-c", _UNCACHED, "pip install x && exit 3", "/root/.cache/pip"]
    assert "type=cache" in done.notes[0]


@pytest.mark.parametrize(("before", "code"), [(False, 0), (True, 0), (False, 3)])
def test_the_uncaching_script_does_as_it_says(tmp_path: Path, *, before: bool, code: int) -> None:
    cache = tmp_path / "cache"
    if before:
        write(cache, {"old": "1"})
    command = f"mkdir -p {cache} && echo 1 > {cache}/new && echo ran > {tmp_path}/ran; exit {code}"
    done = subprocess.run(["/bin/sh", "-c", _UNCACHED, command, str(cache)], check=False)
    assert done.returncode == code
    assert (tmp_path / "ran").exists()
    assert (cache / "old").exists() == before
    assert cache.exists() == before


@pytest.mark.parametrize("target", ["/", "", "relative", "/..", "/a;rm", "$HOME/.cache", "/."])
def test_cache_targets_that_are_no_plain_paths_are_not_removed(tmp_path: Path, target: str) -> None:
    result = built(tmp_path, f'FROM python:3.11-slim\nRUN --mount="type=cache,target={target}" make\n')
    assert result.endswith("RUN make\n")


def test_a_mount_of_an_exec_form_is_only_left_out(tmp_path: Path) -> None:
    assert built(tmp_path, CACHED.format('["pip", "install", "x"]')).endswith('RUN ["pip", "install", "x"]\n')


def test_a_lone_dockerfile_becomes_one_service(tmp_path: Path) -> None:
    done = planned(tmp_path, {"Dockerfile": "FROM scratch"}, kind="dockerfile")
    (service,) = done.services
    assert (service.name, service.image, service.candidate) == ("web", "build:web", True)
    assert service.environment == VALUES
    assert service.read_only
    assert service.tmpfs == ("/tmp",)
    assert (service.ready, service.ready_seconds) == ("http://web:8080/healthz", 20.0)
    assert service.limits.memory_mb == 200


def test_a_label_that_is_none_is_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x y"):
        plan(tmp_path, LAB, VALUES, TAGS, label='x y"')


def test_a_pattern_with_many_stars_may_mean_any_file(tmp_path: Path) -> None:
    text = "FROM scratch\nADD a*b*c*d*e*f /x/\n"
    assert not_built(tmp_path, text, {"other": b"BZh9"}).rule == "dockerfile.add-archive"
    assert "COPY a*b*c*d*e*f /x/" in built(tmp_path / "plain", text, {"other": "text"})


@pytest.mark.parametrize("rest", ["-- true", "--mount=type=cache,target=/x -- true"])
def test_two_dashes_end_the_flags(tmp_path: Path, rest: str) -> None:
    assert "RUN" in built(tmp_path, f"FROM scratch\nRUN {rest}\n")


@pytest.mark.parametrize("rest", ['["a", ', "[" * 100_000, '["a", 3]'])
def test_what_is_no_json_form_is_the_shell_s(tmp_path: Path, rest: str) -> None:
    instruction, *_ = parse(f"CMD {rest}\n", "f")[0]
    assert instruction.exec_form() is None


def test_a_file_of_directives_alone_has_no_instruction() -> None:
    assert parse("# syntax=docker/dockerfile:1", "f") == ([], "\\")


@pytest.mark.parametrize("sign", ["\x1c", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b", "\x7f"])
def test_signs_that_readers_take_for_different_things_are_refused(tmp_path: Path, sign: str) -> None:
    # The builder's reader sees a second label here, and Python's `splitlines` a second FROM.
    for line in (f"LABEL x{sign}y=1 mde-grade.cache=other", f'LABEL x="a{sign}FROM nosuch:image AS y"'):
        error = not_built(tmp_path, f"FROM python:3.11-slim\n{line}\n")
        assert (error.rule, error.where) == ("dockerfile.syntax", "Dockerfile:2")


def test_no_line_ends_in_a_backslash_whatever_escapes(tmp_path: Path) -> None:
    # A reader that knows nothing of the directive would join the next FROM to it, and weigh against another base.
    text = "# escape=`\nFROM python:3.11-slim AS a\nRUN echo \\\nFROM a\nRUN y\n"
    assert not_built(tmp_path, text).rule == "dockerfile.syntax"


def test_what_is_copied_from_another_image_counts_as_named(tmp_path: Path) -> None:
    text = "FROM python:3.11-slim AS a\nFROM scratch\nCOPY --from=a /a /a\nCOPY --from=python:latest /b /b\n"
    done = planned(tmp_path, {"Dockerfile": text}, kind="dockerfile", required=())
    assert [build.written for build in done.builds.values()] == [("python:3.11-slim", "scratch", "python:latest")]


def test_a_context_that_is_gone_matches_nothing(tmp_path: Path) -> None:
    writer: Any = SimpleNamespace(folder=Folder(tmp_path), context="gone")
    assert dockerfile._matching(writer, "x") == []
