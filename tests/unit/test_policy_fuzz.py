"""Whatever is handed in: a plan or a refusal that names a known rule, soon. Never another exception."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mde_grader.errors import SubmissionRefusedError
from mde_grader.plans import Plan
from mde_grader.runtimes.policy import plan
from mde_grader.runtimes.policy.keys import REFUSED, WITHOUT_EFFECT
from mde_grader.runtimes.policy.rules import RULES
from mde_grader.runtimes.policy.services import READ
from tests.unit.policying import DOCKERFILE, LAB, TAGS, VALUES, write
from tests.unit.timing import soon

SLOWEST = 2.0


def judged(files: dict[str, str], **changes: Any) -> Plan | SubmissionRefusedError:
    with tempfile.TemporaryDirectory() as folder:
        return judged_in(Path(folder), files, **changes)


def judged_in(folder: Path, files: dict[str, str], **changes: Any) -> Plan | SubmissionRefusedError:
    """Judge what is in the folder together with these files."""
    root = write(folder, {name: text.encode("utf-8", "replace") for name, text in files.items()})
    try:
        with soon(SLOWEST):
            return plan(root, replace(LAB, **changes), VALUES, TAGS)
    except SubmissionRefusedError as error:
        assert error.rule in RULES  # noqa: PT017
        assert error.message  # noqa: PT017
        assert len(error.message) < 600  # noqa: PT017
        assert error.message.isprintable(), error.message  # noqa: PT017
        return error


def no_reach(done: Plan) -> None:
    """What must hold for every plan, whatever it was made from."""
    for build in done.builds.values():
        for line in build.text.splitlines():
            assert not line.startswith(("ADD", "ONBUILD")), line
            if line.startswith("FROM "):
                assert re.fullmatch(r"FROM (scratch|mde-grade/from-\S+|[a-z0-9._-]+) AS [a-z0-9._-]+", line), line
    for service in done.services:
        assert service.image.startswith(("build:", "mde-grade/"))
        for mount in service.mounts:
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", mount.volume)
            assert mount.target.startswith("/")
            assert ".." not in mount.target.split("/")


WORDS = st.sampled_from(
    [  # noqa: RUF005
        "FROM",
        "AS",
        "scratch",
        "python:3.11-slim",
        "COPY",
        "ADD",
        "RUN",
        "ARG",
        "ENV",
        "LABEL",
        "ONBUILD",
        "SHELL",
        "--from=0",
        "--from=a",
        "--mount=type=cache,target=/x",
        "--platform=$X",
        "<<EOF",
        "EOF",
        "a",
        "b",
        "$A",
        "${A:-b}",
        '["a","b"]',
        "\\",
        "'",
        '"',
        "#",
        "=",
        "mde-grade.x",
        "https://x",
        "/",
        ".",
        "*",
        "`",
        "--chown=a",
    ]
    + ["\n", "\n", "\n", " ", "\t", "\\\n", "\nFROM scratch AS a\n", "\nRUN "]
)


@given(st.lists(WORDS, max_size=40).map(" ".join))
@example("FROM scratch\nLABEL mde-grade.x")
def test_any_dockerfile_is_planned_or_refused(text: str) -> None:
    done = judged({"Dockerfile": "FROM scratch AS top\n" + text}, kind="dockerfile")
    if isinstance(done, Plan):
        no_reach(done)


@given(st.text(max_size=300))
def test_any_text_as_any_file_is_planned_or_refused(text: str) -> None:
    judged({"Dockerfile": text}, kind="dockerfile")
    judged({"compose.yaml": text, "Dockerfile": DOCKERFILE})
    judged({"compose.yaml": "services: {web: {build: ., env_file: [.env]}}", "Dockerfile": DOCKERFILE, ".env": text})
    judged({"Dockerfile": DOCKERFILE, ".dockerignore": text}, kind="dockerfile")


TEXTS = st.sampled_from(
    ["", ".", "..", "/", "/data", "a", "a:/b", "/a:/b", "web", "db", "${A", "$DB_PASSWORD", "${X:-y}", "\0", "true", "0",  # noqa: E501
     "postgres:15", "x" * 300, "~", "a=b", "=", "\n", "é", "1m", "SIGTERM", "file", "volume", "tmpfs", "bind", "docker.sock"]  # noqa: E501
)  # fmt: skip
KEYS = st.sampled_from(
    ["source", "target", "type", "file", "environment", "content", "external", "driver", "driver_opts", "condition", "path",  # noqa: E501
     "required", "context", "dockerfile", "args", "a", "web", "db", "aliases", "read_only", "name", "volume", "x-a", "dockerfile_inline"]  # noqa: E501
)  # fmt: skip
VALUES_OF_ANY_KIND = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100_000) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
SERVICE = st.dictionaries(st.sampled_from(sorted({*READ, *WITHOUT_EFFECT, *REFUSED})), VALUES_OF_ANY_KIND, max_size=4)
FILE = st.fixed_dictionaries(
    {
        "services": st.fixed_dictionaries(
            {"web": SERVICE.map(lambda keys: {"build": ".", **keys})}, optional={"db": SERVICE}
        )
    },
    optional={
        "volumes": VALUES_OF_ANY_KIND,
        "networks": VALUES_OF_ANY_KIND,
        "secrets": VALUES_OF_ANY_KIND,
        "configs": VALUES_OF_ANY_KIND,
        "name": VALUES_OF_ANY_KIND,
    },
)


@given(FILE)
def test_any_values_under_known_keys_are_planned_or_refused(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, sort_keys=False)
    done = judged({"compose.yaml": text, "Dockerfile": DOCKERFILE, "file": "x", "a": "A=1"}, required=())
    if isinstance(done, Plan):
        no_reach(done)


@pytest.mark.parametrize(
    "value", ["[]", "{}", "''", "x", "3", "true", "[[]]", "{a: {}}", "[{}]", "{a: [b]}", "[null]", "null"]
)
def test_every_key_takes_or_refuses_every_kind_of_value(tmp_path: Path, value: str) -> None:
    write(tmp_path, {"Dockerfile": DOCKERFILE})
    for key in sorted({*READ, *WITHOUT_EFFECT, *REFUSED}):
        build = "" if key == "build" else "build: ., "
        text = f"services: {{web: {{{build}{key}: {value}}}}}"
        try:
            judged_in(tmp_path, {"compose.yaml": text})
        except Exception as error:
            error.add_note(f"with {text}")
            raise


LAUGHS = "x-a: &a [l,l,l,l,l,l,l,l,l]\n" + "".join(
    f"x-{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"compose.yaml": LAUGHS + "services: {web: {build: .}}"}, "compose.yaml"),
        ({"compose.yaml": "services: " + "[" * 100_000}, "compose.yaml"),
        (
            {"compose.yaml": "services: {web: {build: ., command: !!python/object/apply:os.system [id]}}"},
            "compose.yaml",
        ),
        ({"compose.yaml": "x" * 300_000}, "submission.text"),
        ({"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "RUN x\n" * 40_000}, "dockerfile.too-many"),
        ({"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nRUN " + "\\\n" * 120_000}, ""),
        ({"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nRUN <<A " * 10_000}, ""),
        ({"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nRUN " + "<<A " * 50_000}, ""),
        ({"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nRUN " + "--a " * 60_000}, ""),
        (
            {"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nRUN --mount=" + "a," * 60_000},
            "",
        ),
        (
            {"compose.yaml": "services: {web: {build: .}}", "Dockerfile": "FROM scratch\nADD " + "a* " * 15_000 + "/"},
            "",
        ),
        (
            {"compose.yaml": "services: {web: {build: ., environment: {A: '" + "${A:-" * 40_000 + "'}}}"},
            "compose.variable",
        ),
        ({"compose.yaml": "services: {web: {build: ., command: '" + "${" * 100_000 + "'}}"}, "compose.variable"),
        ({"compose.yaml": "services: {web: {build: ., volumes: [" + "a:/b, " * 5_000 + "]}}"}, ""),
        (
            {"compose.yaml": "services: {web: {build: ., tmpfs: [" + ", ".join(f"/{n}" for n in range(9_000)) + "]}}"},
            "",
        ),
        ({"compose.yaml": "services: {" + ", ".join(f"s{n}: {{build: .}}" for n in range(3_000)) + "}"}, ""),
    ],
    ids=range(16),
)
def test_what_is_made_to_be_slow_is_judged_soon(files: dict[str, str], rule: str) -> None:
    done = judged({"Dockerfile": DOCKERFILE, **files}, required=())
    if rule:
        assert isinstance(done, SubmissionRefusedError)
        assert done.rule == rule
