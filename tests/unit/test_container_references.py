import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.containers.references import Reference, parse_reference, why_floating

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("debian", Reference("debian")),
        ("python:3.11-slim", Reference("python", "3.11-slim")),
        ("localhost:5000/app", Reference("localhost:5000/app")),
        ("localhost:5000/team/app:1.2", Reference("localhost:5000/team/app", "1.2")),
        (f"python:3.11@{DIGEST}", Reference("python", "3.11", DIGEST)),
        (f"python@{DIGEST}", Reference("python", "", DIGEST)),
        ("", Reference("")),
    ],
)
def test_references_are_split(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "scratch",
        "python:3.11",
        "python:3.11-slim-bookworm",
        "python:3.11.9-alpine3.20",
        "docker.io/library/python:3.11-slim",
        "debian:bookworm-slim",
        "debian:12",
        "debian:12-slim",
        "postgres:15",
        "postgres:15-alpine",
        "postgres:15.4-bookworm",
        "registry:5000/app:v1.2",
        f"python@{DIGEST}",
        f"python:latest@{DIGEST}",
    ],
)
def test_pinned(text: str) -> None:
    assert why_floating(text) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("python", "no tag"),
        ("localhost:5000/python", "no tag"),
        ("python:latest", "`latest`"),
        ("python:slim", "`slim`"),
        ("debian:stable-slim", "`stable-slim`"),
        ("python:3", "minor"),
        ("python:3-slim", "minor"),
        ("node:18", "minor"),
        ("postgres:latest", "`latest`"),
        ("python@sha256:short", "no tag"),
        ("python:alpine", "`alpine`"),
    ],
)
def test_floating_says_why(text: str, word: str) -> None:
    assert word in why_floating(text)


@given(st.text(max_size=80))
def test_any_text_is_judged(text: str) -> None:
    assert isinstance(why_floating(text), str)
