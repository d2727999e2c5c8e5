"""Facts over the network, through the inspector and from the engine; the words asked for are new each time."""

from __future__ import annotations

import secrets
from typing import Any

from mde_grader.checking import eventually, expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack

WEB = "http://web:8080"


@requirement("echoes")
def test_word_comes_back(probe: Probe) -> None:
    """A word that nobody can know before comes back."""
    word = secrets.token_hex(8)
    for attempt in eventually(seconds=2.5):
        with attempt:
            answer = probe.get(f"{WEB}/echo/{word}", seconds=3, limit=65_536)
            expect(
                answer.status == 200 and answer.text == word,
                expected=f"200 and “{word}”",
                seen=f"status {answer.status}: {answer.text[:500]}",
                look=f"curl -i localhost:8080/echo/{word}",
                said=answer.text[:2000],
            )


@requirement("echoes")
def test_home(probe: Probe) -> None:
    """The home page is small and says hello."""
    answer = probe.get(f"{WEB}/", seconds=3, limit=65_536)
    expect(
        answer.status == 200 and answer.text.strip() == "hello" and not answer.truncated,
        expected="200 and “hello”",
        seen=f"status {answer.status}, {len(answer.body)} bytes: {answer.text[:500]}",
        look="curl -i localhost:8080/",
        said=answer.text[:2000],
    )


@requirement("user")
def test_user(stack: Stack) -> None:
    """The user is not root."""
    user = stack["web"].state().user
    expect(user.partition(":")[0] not in {"", "0", "root"}, expected="a user that is not root", seen=user or "root")


@requirement("file")
def test_file(host: Any) -> None:
    """The program is where it should be."""
    program = host.file("/srv/app.py")
    expect(
        program.is_file and "echo" in program.content_string,
        expected="a program that echoes at /srv/app.py",
        seen="no such file",
    )


@requirement("listens")
def test_socket(host: Any) -> None:
    """There is a listener on port 8080 of all addresses."""
    for attempt in eventually(seconds=0.5):
        with attempt:
            listening = host.socket("tcp://0.0.0.0:8080").is_listening
            expect(listening, expected="a listener on 0.0.0.0:8080", seen="none")


@requirement("runs")
def test_process(host: Any) -> None:
    """There is one python3 with /srv/app.py among its words."""
    found = [process for process in host.process.filter(comm="python3") if "/srv/app.py" in process.args]
    expect(len(found) == 1, expected="one python3 /srv/app.py", seen=f"{len(found)} of them")


@requirement("logs")
def test_log(stack: Stack, probe: Probe) -> None:
    """A request is seen in the log."""
    word = secrets.token_hex(8)
    probe.get(f"{WEB}/echo/{word}", seconds=3)
    for attempt in eventually(seconds=2):
        with attempt:
            log = stack["web"].logs()
            expect(word in log, expected=f"a line with /echo/{word}", seen="no such line", said=log[-3000:])


@requirement("stops", disturbs=True)
def test_stop(stack: Stack) -> None:
    """TERM ends it."""
    stopped = stack["web"].stop(seconds=3)
    expect(
        not stopped.killed,
        expected="an end within 3 seconds of TERM",
        seen="it had to be killed",
        said=stack["web"].logs()[-3000:],
    )
