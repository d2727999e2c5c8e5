"""Whose fault a failure is: the messages are an engine's own (Docker 20.10.24), collected by provoking each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.runtimes.failures import Blame, Stage, Trouble, blame

SHIM = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "

BUILD = [
    ("The command '/bin/sh -c exit 3' returned a non-zero code: 3", "build.failed", "exit code 3: /bin/sh -c exit 3"),
    ("The command '/bin/sh -c truncate -s 1T /x' returned a non-zero code: 153", "build.file-size", "truncate"),
    ("The command '/bin/sh -c perl -e '$x=\"a\"x(2<<30)'' returned a non-zero code: 137", "build.memory", "memory"),
    (
        "COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist",
        "build.copy",
        "not in the build context: nope",
    ),
    ("dockerfile parse error line 3: unknown instruction: FOO", "build.syntax", "unknown instruction: FOO"),
    ("unable to find user nobodyxx: no matching entries in passwd file", "build.user", "nobodyxx"),
    (SHIM + 'exec: "/nope": stat /nope: no such file or directory: unknown', "build.shell", "/nope"),
    (SHIM + 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown', "build.shell", "/bin/sh"),
    ("Cannot mkdir: /etc/passwd is not a directory", "build.failed", "/etc/passwd is not a directory"),
    ("failed to reach build target zz in Dockerfile", "build.target", "zz"),
    (
        'invalid from flag value zz: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1: no such host',
        "build.copy",
        "--from=zz",
    ),
    ("the Dockerfile (.mde-grade.Dockerfile) cannot be empty", "build.syntax", "no instructions"),
    ("max depth exceeded", "build.layers", "too many layers"),
    ("something that nobody foresaw", "build.failed", "something that nobody foresaw"),
]

START = [
    (SHIM + 'exec: "nope": executable file not found in $PATH: unknown', "start.command", "nope is not in the image"),
    (SHIM + 'exec: "/etc/passwd": permission denied: unknown', "start.command", "/etc/passwd may not be executed"),
    (
        SHIM + 'exec: "/app/run.sh": stat /app/run.sh: no such file or directory: unknown',
        "start.command",
        "/app/run.sh",
    ),
    (SHIM + "exec /app/run.sh: no such file or directory: unknown", "start.command", "interpreter"),
    (SHIM + "exec /app/run.sh: exec format error: unknown", "start.command", "this machine"),
    ("unable to find user nobodyx: no matching entries in passwd file", "start.user", "no user nobodyx"),
    ("unable to find group grpx: no matching entries in group file", "start.user", "no group grpx"),
    ("Cannot mkdir: /etc/passwd is not a directory", "start.working-dir", "/etc/passwd is not a directory"),
    (
        "the working directory 'relative' is invalid, it needs to be an absolute path",
        "start.working-dir",
        "relative",
    ),
    (
        SHIM + 'error during container init: error mounting "tmpfs" to rootfs at "/etc/passwd": mount tmpfs:/etc/passwd'
        " (via /proc/self/fd/6), flags: 0xe, data: size=16m: not a directory: unknown",
        "start.mount",
        "cannot be mounted",
    ),
    (
        "invalid mount config for type \"volume\": invalid mount path: 'relative' mount path must be absolute",
        "start.mount",
        "absolute",
    ),
    (
        "failed to copy files: userspace copy failed: write /var/lib/docker/volumes/v/_data/x: no space left on device",
        "start.volume",
        "more than the volume may hold",
    ),
    ("No command specified", "start.command", "what to run"),
    ("Minimum memory limit allowed is 6MB", "start.oom", "memory"),
    ("Invalid signal: SIGFOO", "start.stop-signal", "SIGFOO"),
    ("invalid environment variable: =x", "start.environment", "=x"),
]

OURS = [
    ("write /var/lib/docker/overlay2/x/y: no space left on device", "engine.disk"),
    ("fork/exec /usr/bin/runc: cannot allocate memory", "engine.exhausted"),
    ("No such image: sha256:0123", "engine.image-missing"),
    (
        'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: no such host',
        "engine.image-missing",
    ),
    ("connection error: desc = containerd.sock: service unavailable", "engine.gone"),
    ("cannot join network of a non running container: 0123", "engine.side-gone"),
    ("No such container: mde-attempt-side-01234567", "engine.side-gone"),
]


@pytest.mark.parametrize(("message", "rule", "words"), BUILD)
def test_a_build_that_fails_is_the_candidates(message: str, rule: str, words: str) -> None:
    found = blame(Trouble(Stage.BUILD, message=message))
    assert (found.owner, found.rule) == ("candidate", rule)
    assert words in found.message + found.hint


@pytest.mark.parametrize(("message", "rule", "words"), START)
def test_a_service_that_cannot_start_is_the_candidates(message: str, rule: str, words: str) -> None:
    found = blame(Trouble(Stage.START, service="web", message=message))
    assert (found.owner, found.rule) == ("candidate", rule)
    assert "web" in found.message
    assert words in found.message + found.hint


@pytest.mark.parametrize(("message", "rule", "words"), START)
def test_the_same_of_the_labs_own_service_is_ours(message: str, rule: str, words: str) -> None:
    found = blame(Trouble(Stage.START, service="db", candidate=False, message=message))
    assert (found.owner, found.rule) == ("grader", f"lab.{rule}")


@pytest.mark.parametrize("stage", [Stage.BUILD, Stage.START])
@pytest.mark.parametrize(("message", "rule"), OURS)
def test_what_no_submission_can_bring_about_is_ours(stage: Stage, message: str, rule: str) -> None:
    found = blame(Trouble(stage, service="web", message=message))
    assert (found.owner, found.rule) == ("grader", rule)


FAILED_STEP = "The command '/bin/sh -c get it' returned a non-zero code: 1"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ERROR: No matching distribution found for requests==2.1", "requests==2.1"),
        ("ERROR: Could not find a version that satisfies the requirement flsk (from versions: none)", "flsk"),
        ("W: Failed to fetch http://x  Temporary failure resolving 'deb.debian.org'", "deb.debian.org"),
        ("curl: (6) Could not resolve host: example.com", "example.com"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "an address"),
        ("Could not resolve host: a.example\nStep 3/3 : RUN b\nCould not resolve host: b.example", "b.example"),
    ],
)
def test_a_build_that_fails_only_here_is_told_so(said: str, name: str) -> None:
    found = blame(Trouble(Stage.BUILD, message=FAILED_STEP, said=said))
    assert (found.owner, found.rule) == ("candidate", "build.network")
    assert found.message.endswith(f"when you are graded: {name}")
    assert "the brief lists" in found.hint


def test_what_an_earlier_step_could_not_reach_does_not_explain_the_last() -> None:
    said = "curl: (6) Could not resolve host: example.com\n\x1b[0mStep 3/3 : RUN false\n"
    assert blame(Trouble(Stage.BUILD, message=FAILED_STEP, said=said)).rule == "build.failed"


def test_a_build_that_runs_out_of_memory_is_not_blamed_on_the_network() -> None:
    message = "The command 'x' returned a non-zero code: 137"
    found = blame(Trouble(Stage.BUILD, message=message, said="Could not resolve host: example.com"))
    assert found.rule == "build.memory"


@pytest.mark.parametrize("words", ["no space left on device", "No such image", "context canceled"])
def test_a_candidate_cannot_quote_our_messages(words: str) -> None:
    build = blame(Trouble(Stage.BUILD, message=f"The command '/bin/sh -c {words}' returned a non-zero code: 1"))
    start = blame(Trouble(Stage.START, message=SHIM + f'exec: "{words}": executable file not found in $PATH: unknown'))
    user = blame(Trouble(Stage.START, message=f"unable to find user {words}: no matching entries in passwd file"))
    assert {build.owner, start.owner, user.owner} == {"candidate"}


def test_a_refusal_that_nobody_foresaw_is_ours_unless_a_value_was_bad() -> None:
    assert blame(Trouble(Stage.START, message="boo")) == Blame("grader", "engine.refused", "the engine refused: boo")
    assert blame(Trouble(Stage.START, service="w", message="boo", invalid=True)).rule == "start.refused"


@pytest.mark.parametrize(
    ("trouble", "rule", "words"),
    [
        (Trouble(Stage.READY, service="web", exit_code=3), "start.exited", "exit code 3"),
        (Trouble(Stage.READY, service="web", exit_code=0), "start.exited", "exit code 0"),
        (Trouble(Stage.READY, service="web", exit_code=137), "start.exited", "137"),
        (Trouble(Stage.READY, service="web", exit_code=137, oom=True), "start.oom", "memory"),
        (Trouble(Stage.READY, service="web", oom=True, seconds=5), "start.oom", "memory"),
        (Trouble(Stage.READY, service="web", exit_code=137, layer=True), "start.layer", "wrote more"),
        (Trouble(Stage.READY, service="web", exit_code=153), "start.file-size", "file larger"),
        (
            Trouble(Stage.READY, service="web", seconds=20, last="connection refused"),
            "start.not-ready",
            "20 s; it runs, and the last look saw: connection refused",
        ),
        (
            Trouble(Stage.READY, service="web", seconds=20, last="connection refused", port=8080),
            "start.not-ready",
            "20 s; it runs, and nothing answers on its port 8080 from outside the container: connection refused",
        ),
        (
            Trouble(Stage.READY, service="web", seconds=20, last="status 503", port=8080),
            "start.not-ready",
            "20 s; it runs, and the last look saw: status 503",
        ),
        (
            Trouble(Stage.READY, service="web", oom=True, memory_mb=256),
            "start.oom",
            "more memory than its 256 MB and was killed",
        ),
        (Trouble(Stage.READY, service="web", seconds=20), "start.not-ready", "within 20 s"),
    ],
)
def test_an_end_is_read_with_what_the_engine_told(trouble: Trouble, rule: str, words: str) -> None:
    found = blame(trouble)
    assert (found.owner, found.rule) == ("candidate", rule)
    assert words in found.message
    assert found.message.startswith("service web")


def test_nothing_counts_when_the_engine_is_gone() -> None:
    for trouble in (
        Trouble(Stage.READY, exit_code=137, engine_alive=False),
        Trouble(Stage.START, message="No command specified", engine_alive=False),
    ):
        assert (blame(trouble).owner, blame(trouble).rule) == ("grader", "engine.gone")


def test_the_labs_service_is_the_candidates_fault_when_it_was_not_given_its_settings() -> None:
    said = "postgres: POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) must be set for a new database"
    ours = Trouble(Stage.READY, service="db", candidate=False, exit_code=1)
    theirs = Trouble(Stage.READY, service="db", candidate=False, exit_code=1, said=said)
    assert (blame(ours).owner, blame(ours).rule) == ("grader", "lab.start.exited")
    assert (blame(theirs).owner, blame(theirs).rule) == ("candidate", "start.exited")


@given(st.sampled_from(list(Stage)), st.text(), st.booleans(), st.none() | st.integers(0, 255), st.text())
def test_whatever_is_said_someone_is_named_in_one_line(
    stage: Stage, message: str, candidate: bool, code: int | None, said: str
) -> None:
    found = blame(Trouble(stage, service="web", candidate=candidate, message=message, exit_code=code, said=said))
    assert found.owner in {"candidate", "grader"}
    assert found.rule
    assert found.message
    assert len(found.message) < 700


def test_a_long_message_is_cut() -> None:
    found = blame(Trouble(Stage.BUILD, message=f"The command '{'x' * 5000}' returned a non-zero code: 1"))
    assert len(found.message) < 300
    assert "..." in found.message
