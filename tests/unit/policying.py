"""What the policy's tests share: a lab's environment, a folder written from a mapping, and the two ways it can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mde_grader.environments import Environment, Ready, Variable
from mde_grader.errors import SubmissionRefusedError
from mde_grader.plans import Plan
from mde_grader.runtimes.base import Limits, ServiceSpec
from mde_grader.runtimes.policy import plan

BASES = (
    "python:3.11-slim-bookworm",
    "python:3.11-slim",
    "python:latest",
    "debian:bookworm-slim",
    "node:20-bookworm-slim",
    "scratch",
)
TAGS = {base: "mde-grade/from-" + base.replace(":", "-") + ":abc" for base in BASES if base != "scratch"}
VALUES = {"DB_PASSWORD": "s3cret", "SITE_NAME": "acme"}
LAB = Environment(
    kind="compose",
    main="web",
    bases=BASES,
    images={"postgres:15": "mde-grade/postgres:1", "postgres:15-alpine": "mde-grade/postgres:1"},
    image_volumes={"mde-grade/postgres:1": ("/var/lib/postgresql/data",)},
    variables={"DB_PASSWORD": Variable("secret"), "SITE_NAME": Variable("word")},
    ready={"web": Ready("http://web:8080/healthz", 20.0)},
    limits=Limits(memory_mb=200),
    services=(ServiceSpec(name="lab-front", image="mde-grade/proxy", candidate=False),),
)
DOCKERFILE = 'FROM python:3.11-slim-bookworm\nCOPY . /app\nCMD ["python", "/app/main.py"]\n'


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def planned(folder: Path, files: Mapping[str, str | bytes], **changes: Any) -> Plan:
    values = changes.pop("values", VALUES)
    return plan(write(folder, files), replace(LAB, **changes), values, TAGS, label="lab-x")


def refused(folder: Path, files: Mapping[str, str | bytes], **changes: Any) -> SubmissionRefusedError:
    with pytest.raises(SubmissionRefusedError) as caught:
        planned(folder, files, **changes)
    assert caught.value.hint, f"{caught.value} says no next step"
    return caught.value


def compose(folder: Path, text: str, files: Mapping[str, str | bytes] | None = None, **changes: Any) -> Plan:
    return planned(folder, {"compose.yaml": text, "Dockerfile": DOCKERFILE, **(files or {})}, **changes)


def compose_refused(
    folder: Path, text: str, files: Mapping[str, str | bytes] | None = None, **changes: Any
) -> SubmissionRefusedError:
    return refused(folder, {"compose.yaml": text, "Dockerfile": DOCKERFILE, **(files or {})}, **changes)


def built(folder: Path, dockerfile: str, files: Mapping[str, str | bytes] | None = None, **changes: Any) -> str:
    """The rewritten text of a lone Dockerfile."""
    done = planned(folder, {"Dockerfile": dockerfile, **(files or {})}, kind="dockerfile", **changes)
    return done.builds["web"].text


def not_built(
    folder: Path, dockerfile: str, files: Mapping[str, str | bytes] | None = None, **changes: Any
) -> SubmissionRefusedError:
    return refused(folder, {"Dockerfile": dockerfile, **(files or {})}, kind="dockerfile", **changes)
