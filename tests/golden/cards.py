"""Scorecards for the tests of the reports: each a small story, nothing of them random."""

from __future__ import annotations

from mde_grader.model import (
    Evidence,
    Fault,
    Lab,
    Outcome,
    Phase,
    Requirement,
    Scorecard,
    Status,
    SubmissionIdentity,
    VariantIdentity,
)
from mde_grader.scoring import score

_P, _F, _S, _E = Status.PASSED, Status.FAILED, Status.SKIPPED, Status.ERRORED

LAB = Lab(
    id="lab-02",
    title="A legacy application in containers",
    category="containers",
    level="foundation",
    track="core-devops",
    minutes=120,
    pass_mark=70,
    summary="Dockerfile, .dockerignore and compose.yaml for an application that was never meant for them.",
    digest="sha256:5f1d7a84db00d2fce00b31a7fc73224f8f0d1dbb1b4b8e3bd0f0a6a3c1a6e2d9",
    requirements=(
        Requirement("answers", "The image builds and the application answers", 10, gate=True),
        Requirement(
            "config",
            "Configuration comes from the environment",
            8,
            "Read SITE_NAME when the process starts.",
            ("answers",),
        ),
        Requirement(
            "non-root",
            "No process of the application runs as root",
            8,
            "Add a USER line after what needs root.",
            ("answers",),
        ),
        Requirement("read-only", "The application runs with a read-only root", 7, "", ("answers",)),
        Requirement(
            "no-secrets",
            "No secret in any layer, in the history or in the configuration",
            10,
            "A later RUN rm does not take a file out of the layer that brought it.",
        ),
        Requirement("logs", "Logs go to the standard output", 6, "Point the log handler at sys.stdout.", ("answers",)),
        Requirement(
            "graceful",
            "TERM ends the service within five seconds without losing a request",
            10,
            "Write CMD as a JSON list, so that no shell stands between the signal and your process.",
            ("answers",),
        ),
        Requirement("readiness", "Readiness follows the database", 9, "", ("answers",)),
        Requirement(
            "data", "Data survives when a container is replaced", 8, "Give the folder a named volume.", ("answers",)
        ),
        Requirement("cache", "A source change does not install dependencies again", 6, "", ("answers",)),
        Requirement("size", "The image stays within its budget", 5, "", ("answers",)),
        Requirement("pinned", "Base images are pinned", 4),
        Requirement("replicas", "Two replicas work behind the proxy", 5, "", ("data", "readiness")),
        Requirement("least", "No capability and no package that is not needed", 4, "", (), gate=False, hidden=True),
    ),
)

SUBMISSION = SubmissionIdentity(
    name="amina",
    digest="sha256:0c3f5d0f83a1f31e3e6f7b2e2b2b0f6a57f0b1f7e7a0c8b51b5ad5cf09d57c11",
    source="./amina",
    files=14,
    size=48_213,
)

PHASES = (
    Phase("stage", 0.0, 0.02),
    Phase("build", 0.02, 1.31),
    Phase("start", 1.33, 2.9),
    Phase("check", 4.23, 9.84),
    Phase("remove", 14.07, 0.42),
)

ENVIRONMENT = {
    "grader": "0.1.0",
    "engine": "Docker 20.10.24 (API 1.41, overlay2, cgroup v1)",
    "isolation": "docker",
    "bases": {"python:3.11-slim-bookworm": "stand-in built from the distribution's packages"},
    "limits": {"memory": "256 MiB", "processors": 1.0, "processes": 128, "deadline": "180 s"},
    "images": {"web": "sha256:9d1f0c2b7f35", "db": "sha256:1f6be2e11a02"},
    "notes": ["compose.yaml:14: `ports` is accepted; the grader reaches the service on its own network instead"],
}

_GRACEFUL = Evidence(
    expected="the slow request ends with 200, and the container ends within 5 s of TERM with exit code 0",
    seen="the container did not react to TERM and was killed after 10.0 s (exit code 137)",
    look="docker compose stop web && docker compose ps -a web",
    said="[2026-11-23 06:40:11] INFO serving on 0.0.0.0:8080\n[2026-11-23 06:40:19] GET /slow-report",
)
_DATA = Evidence(
    expected="an attachment that was stored before the container was replaced can be read afterwards",
    seen="GET http://web:8080/parcels/17/attachment answered 404 Not Found",
    look="docker compose up -d --force-recreate web; curl -i localhost:8080/parcels/17/attachment",
)
_SECRET = Evidence(
    expected="the value of DB_PASSWORD stands in no layer",
    seen="layer 5 of 9 holds /app/settings.ini with the password of the legacy configuration",
    look="docker history --no-trunc IMAGE; docker save IMAGE | tar -xO",
)


def _outcomes(**changes: Outcome | None) -> list[Outcome]:
    """All checks passed, but for those that are given by their requirement's id (`-` written as `_`)."""
    found = []
    for requirement in LAB.requirements:
        key = requirement.id.replace("-", "_")
        change = changes.get(key, outcome(requirement.id, _P))
        if change is not None:
            found.append(change)
    return found


def outcome(requirement: str, status: Status, evidence: Evidence | None = None, reason: str = "") -> Outcome:
    """One check of a requirement."""
    name = requirement.replace("-", "_")
    title = f"What a visitor sees of {requirement.replace('-', ' ')} is what the brief asks for"
    return Outcome(f"test_{name}.py::test_{name}", title, requirement, status, 0.42, evidence, reason)


def _card(attempt: str, outcomes: list[Outcome], fault: Fault | None = None, **options: object) -> Scorecard:
    return score(
        LAB,
        outcomes,
        attempt=attempt,
        submission=options.pop("submission", SUBMISSION),  # type: ignore[arg-type]
        started="2026-11-23T06:40:00Z",
        seconds=14.49,
        fault=fault,
        phases=PHASES if outcomes else PHASES[:2],
        environment=options.pop("environment", ENVIRONMENT),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )


def passed() -> Scorecard:
    """Everything holds."""
    return _card("a-pass", _outcomes())


def failed() -> Scorecard:
    """Three requirements are lost, one of them blocks another, one is hidden."""
    return _card(
        "a-fail",
        _outcomes(
            graceful=outcome("graceful", _F, _GRACEFUL),
            data=outcome("data", _F, _DATA),
            no_secrets=outcome("no-secrets", _F, _SECRET),
            replicas=outcome("replicas", _S, reason="waits for: data"),
            least=outcome("least", _F, Evidence(expected="no gcc", seen="gcc is installed")),
        ),
    )


def incomplete() -> Scorecard:
    """Two checks could not be carried out, and one is lost."""
    return _card(
        "an-incomplete",
        _outcomes(
            readiness=outcome("readiness", _E, reason="the engine did not answer within 30 s"),
            replicas=outcome("replicas", _S, reason="waits for: readiness"),
            data=outcome("data", _F, _DATA),
        ),
    )


def refused() -> Scorecard:
    """The submission is refused before anything is built."""
    fault = Fault(
        "candidate",
        "compose.privileged",
        "The service web asks for `privileged: true`, which gives a container the whole machine",
        "compose.yaml:12",
        "Take the line out; if a single capability is missing, name it under cap_add.",
    )
    return _card("a-refusal", [], fault, environment={"grader": "0.1.0"})


def unbuilt() -> Scorecard:
    """The Dockerfile does not build; the program's last words are told."""
    said = (
        "\n".join(f"Step {n}/9 : RUN step {n}" for n in range(1, 8))
        + "\nERROR: No matching distribution found for flsk"
    )
    fault = Fault(
        "candidate",
        "build.failed",
        "The image of web did not build",
        "Dockerfile:7",
        "Run `docker build .` and mend the step.",
        said,
    )
    return _card("a-build", [], fault)


def broken() -> Scorecard:
    """The engine went away."""
    fault = Fault("grader", "engine.gone", "The container engine stopped answering", hint="Run `mde-grade doctor`.")
    return _card("a-fault", _outcomes()[:4], fault)


def partial() -> Scorecard:
    """Only one requirement was asked for."""
    return _card("a-part", [outcome("data", _P), outcome("answers", _P)], only=("data",))


def varied() -> Scorecard:
    """A candidate's own variant, of which one value is secret, and one thing to fix."""
    values = {"application": "lending", "web": "counter", "port": 8113, "old_password": "<old_password>"}
    return _card(
        "a-variant",
        _outcomes(data=outcome("data", _F, _DATA)),
        variant=VariantIdentity("3fa9c1d2", practice=False, values=values),
    )


def practised() -> Scorecard:
    """The practice variant."""
    return _card("a-practice", _outcomes(), variant=VariantIdentity("99b0a1c2", practice=True, values={"port": 8080}))


def hostile() -> Scorecard:
    """Every text tries to break out of the report."""
    evil = (
        "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)> \x1b]8;;http://evil.example\x07link"
        "\x1b]8;;\x07\x1b[31m red \x1b[2J \u202egnp.exe\u202c `code` **bold** [link](http://evil.example) | cell |"
        " @everyone #1 ::error::owned %0A::set-output name=x::y ]]> &amp; {{ 7*7 }}"
        " {% raw %} www.evil.example \x00\x9b31m\x85"
    )
    long = "W" * 400 + "ﷺ漢字" * 40 + "e" + "\u0301" * 50
    evidence = Evidence(evil, f"{long}\n{evil}\n::error::owned\n##[error]owned", evil, f"{evil}\n" * 200)
    bad = Outcome(evil, evil, "data", _F, 0.1, evidence, evil)
    identity = SubmissionIdentity(evil, SUBMISSION.digest, f"./{evil}", 3, 100)
    environment = {evil: {evil: [evil, long, None, True]}, "notes": [evil, long]}
    variant = VariantIdentity(evil, practice=False, values={evil: evil, "long": long})
    return _card(
        "hostile", _outcomes(data=bad, replicas=None), submission=identity, environment=environment, variant=variant
    )


CARDS = {
    "pass-0": passed,
    "fail-1": failed,
    "incomplete-3": incomplete,
    "refused-1": refused,
    "unbuilt-1": unbuilt,
    "fault-3": broken,
    "partial-0": partial,
    "variant-0": varied,
    "practice-0": practised,
    "hostile-0": hostile,
}
"""Name of the golden files, with the exit code that `mde-grade` gives, to scorecard."""
