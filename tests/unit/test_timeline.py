"""Phases and what a listener hears of them, from one thread and from several."""

from __future__ import annotations

import threading

import pytest

from mde_grader.model import Outcome, Progress, ProgressKind, Status
from mde_grader.timeline import Timeline


def test_phases_are_in_the_order_they_began() -> None:
    timeline = Timeline(lambda _: None)
    with timeline.phase("outer"), timeline.phase("inner"):
        pass
    with timeline.phase("last"):
        pass
    assert [phase.name for phase in timeline.phases] == ["outer", "inner", "last"]
    for phase in timeline.phases:
        assert 0 <= phase.started <= timeline.seconds
        assert 0 <= phase.seconds <= timeline.seconds


def test_a_phase_that_fails_has_ended_too() -> None:
    heard: list[Progress] = []
    timeline = Timeline(heard.append)
    with pytest.raises(ValueError, match="x"), timeline.phase("build"):
        raise ValueError("x")
    assert [phase.name for phase in timeline.phases] == ["build"]
    assert [progress.kind for progress in heard] == [ProgressKind.PHASE_STARTED, ProgressKind.PHASE_ENDED]


def test_the_listener_is_told_notes_and_outcomes() -> None:
    heard: list[Progress] = []
    timeline = Timeline(heard.append)
    outcome = Outcome("a.py::test_a", "It answers", "a", Status.PASSED, seconds=0.5)
    timeline.note("again")
    timeline.outcome(outcome)
    assert heard == [
        Progress(ProgressKind.NOTE, "again"),
        Progress(ProgressKind.CHECK_ENDED, "It answers", 0.5, outcome),
    ]


def test_the_listener_is_never_called_twice_at_once() -> None:
    inside = threading.Lock()
    overlaps: list[str] = []

    def listen(progress: Progress) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(progress.text)
            return
        threading.Event().wait(0.001)
        inside.release()

    timeline = Timeline(listen)

    def work() -> None:
        for _ in range(5):
            with timeline.phase("p"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []
    assert len(timeline.phases) == 20
