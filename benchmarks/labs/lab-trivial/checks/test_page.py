"""Ten small checks: three over the network, seven through the inspector and the engine."""

from __future__ import annotations

from typing import Any

from mde_grader.checking import expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack

URL = "http://web:8080/"


@requirement("served")
def test_page_answers(probe: Probe) -> None:
    """The page answers with 200."""
    answer = probe.get(URL)
    expect(answer.status == 200, expected="200", seen=str(answer.status))


@requirement("served")
def test_page_says_hello(probe: Probe) -> None:
    """The page says hello."""
    answer = probe.get(URL)
    expect("hello" in answer.text, expected="a page with “hello”", seen=answer.text[:100] or "an empty page")


@requirement("served")
def test_missing_page(probe: Probe) -> None:
    """A page that does not exist answers with 404."""
    answer = probe.get(URL + "nothing-here")
    expect(answer.status == 404, expected="404", seen=str(answer.status))


@requirement("in-order")
def test_user(stack: Stack) -> None:
    """The service runs as a user of its own."""
    user = stack["web"].state().user
    expect(user not in {"", "0", "root"}, expected="a user that is not root", seen=user or "root")


@requirement("in-order")
def test_root_is_read_only(stack: Stack) -> None:
    """The root file system is read-only."""
    expect(stack["web"].state().read_only, expected="a read-only root", seen="a writable one")


@requirement("in-order")
def test_page_file(host: Any) -> None:  # noqa: ANN401
    """The page lies at /srv/page/index.html."""
    expect(host.file("/srv/page/index.html").is_file, expected="the page's file", seen="no file")


@requirement("in-order")
def test_page_owner(host: Any) -> None:  # noqa: ANN401
    """The page belongs to root, so that the service cannot change it."""
    expect(host.file("/srv/page/index.html").uid == 0, expected="owner 0", seen="another owner")


@requirement("in-order")
def test_socket(host: Any) -> None:  # noqa: ANN401
    """The service listens on port 8080 of all addresses."""
    expect(host.socket("tcp://0.0.0.0:8080").is_listening, expected="a listener on 0.0.0.0:8080", seen="none")


@requirement("in-order")
def test_no_shadow(host: Any) -> None:  # noqa: ANN401
    """There is no second copy of the page in the root."""
    expect(not host.file("/index.html").exists, expected="no /index.html", seen="one")


@requirement("in-order")
def test_process(host: Any) -> None:  # noqa: ANN401
    """One process serves the page."""
    found = host.process.filter(comm="python3")
    expect(len(found) == 1, expected="one python3", seen=f"{len(found)}")
