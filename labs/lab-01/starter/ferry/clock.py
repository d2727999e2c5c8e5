"""Times of day, as the timetable writes them."""

import re

MINUTES = 24 * 60
_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def minutes(text: str) -> int:
    """Minutes since midnight of a time such as `07:45`.

    Raises:
        ValueError: It is no such time.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of day")
    return int(found[1]) * 60 + int(found[2])


def after(times: list[str], now: str) -> str | None:
    """The first of some times that has not passed; None when all have."""
    left = [time for time in times if minutes(time) >= minutes(now)]
    return min(left, key=minutes, default=None)


def wait(now: str, then: str) -> int:
    """Minutes from one time of day to another, over midnight where it must be."""
    return (minutes(then) - minutes(now)) % MINUTES
