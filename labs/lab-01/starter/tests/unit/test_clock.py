import pytest

from ferry.clock import after, minutes, wait


@pytest.mark.parametrize(("text", "count"), [("00:00", 0), ("07:45", 465), ("23:59", 1439)])
def test_times_of_day(text, count):
    assert minutes(text) == count


@pytest.mark.parametrize("text", ["24:00", "7:45", "07:60", "07.45", "", "07:450"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="no time of day"):
        minutes(text)


def test_the_next_departure():
    times = ["18:05", "06:40", "13:30"]
    assert after(times, "06:41") == "13:30"
    assert after(times, "06:40") == "06:40"
    assert after(times, "18:06") is None
    assert after([], "06:00") is None


@pytest.mark.parametrize(
    ("now", "then", "count"),
    [("06:00", "06:40", 40), ("23:30", "00:10", 40), ("06:00", "06:00", 0)],
)
def test_waiting(now, then, count):
    assert wait(now, then) == count
