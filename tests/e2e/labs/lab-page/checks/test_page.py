"""Two checks; the second takes its time where the submission asks for it, so that it can be interrupted."""

import time

from mde_grader.checking import expect, requirement
from mde_grader.checking.context import Submission
from mde_grader.checking.probe import Probe

URL = "http://web:8080/"


@requirement("served")
def test_answers(probe: Probe) -> None:
    """The page answers with 200."""
    answer = probe.get(URL)
    expect(answer.status == 200, expected="200", seen=str(answer.status))


@requirement("polite")
def test_says_hello(probe: Probe, submission: Submission) -> None:
    """The page says hello."""
    if (submission.root / "slow").exists():
        time.sleep(30)
    answer = probe.get(URL)
    expect("hello" in answer.text, expected="a page with “hello”", seen=answer.text[:100] or "an empty page")
