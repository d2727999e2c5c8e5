"""The words that checks are written in."""

from __future__ import annotations

import time

import pytest

from mde_grader.checking import CheckFailedError, eventually, expect, fail


def test_expect_goes_on_when_the_condition_holds() -> None:
    expect("something", expected="x", seen="y")


def test_fail_carries_all_four_texts() -> None:
    with pytest.raises(CheckFailedError, match="expected a; seen b") as caught:
        fail(expected="a", seen="b", look="c", said="d")
    assert (caught.value.evidence.look, caught.value.evidence.said) == ("c", "d")


def test_eventually_tries_again_until_the_block_holds() -> None:
    tries = 0
    for attempt in eventually(seconds=5, interval=0.001):
        with attempt:
            tries += 1
            assert tries == 3
    assert tries == 3


def test_eventually_gives_the_last_failure_when_time_is_up() -> None:
    started = time.monotonic()
    with pytest.raises(AssertionError, match="never"):  # noqa: PT012
        for attempt in eventually(seconds=0.05, interval=0.01):
            with attempt:
                raise AssertionError("never")
    assert time.monotonic() - started < 2


def test_eventually_tries_at_least_once() -> None:
    tried = []
    for attempt in eventually(seconds=0):
        with attempt:
            tried.append(1)
    assert tried == [1]


def test_eventually_lets_every_other_error_through_at_once() -> None:
    with pytest.raises(KeyError):  # noqa: PT012
        for attempt in eventually(seconds=5):
            with attempt:
                raise KeyError("bug")
