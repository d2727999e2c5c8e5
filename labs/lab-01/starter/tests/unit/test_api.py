import json

import pytest

from ferry.api import Api
from ferry.database import FullError

# A key of the test system: it opens nothing and may stand anywhere.
TEST_KEY = "<%= prefix %>_test_0f1e2d3c4b5a69788796a5b4c3d2e1f0"


class Seats:
    """A database with one departure in memory."""

    def __init__(self, free=100):
        self.free = free
        self.booked = []

    def run(self, statement, **values):
        return [[1]]

    def departures(self):
        return [{"id": 1, "harbour": "Northquay", "leaves": "06:40", "free": self.free}]

    def book(self, departure, name, seats, cents):
        if seats > self.free:
            raise FullError("full")
        self.booked.append((departure, name, seats, cents))
        return len(self.booked)

    def booking(self, number):
        return {"id": number} if number <= len(self.booked) else None


def ask(api, method, path, value=None):
    answer = api.ask(method, path, json.dumps(value).encode())
    return answer.status, json.loads(answer.body)


def test_departures():
    status, rows = ask(Api(Seats()), "GET", "/departures")
    assert (status, rows[0]["harbour"]) == (200, "Northquay")


def test_a_booking_is_priced():
    api = Api(Seats())
    wanted = {"departure": 1, "name": "Ada", "adults": 2, "children": 1, "key": TEST_KEY}
    assert ask(api, "POST", "/bookings", wanted) == (
        201,
        {"id": 1, "name": "Ada", "seats": 3, "cents": 3100},
    )
    assert api.database.booked == [(1, "Ada", 3, 3100)]


def test_a_full_departure():
    wanted = {"departure": 1, "name": "Ada", "adults": 2}
    assert ask(Api(Seats(free=1)), "POST", "/bookings", wanted)[0] == 409


@pytest.mark.parametrize(
    "wanted",
    [{}, [], None, {"departure": 1, "name": "A", "adults": 0}, {"departure": 1, "adults": 1}],
)
def test_a_booking_that_cannot_be(wanted):
    assert ask(Api(Seats()), "POST", "/bookings", wanted)[0] == 400


def test_a_booking_is_found_again():
    api = Api(Seats())
    ask(api, "POST", "/bookings", {"departure": 1, "name": "Ada", "adults": 1})
    assert ask(api, "GET", "/bookings/1")[0] == 200
    assert ask(api, "GET", "/bookings/2")[0] == 404
    assert ask(api, "GET", "/bookings/x")[0] == 404


def test_health_waits_for_the_warm_up():
    api = Api(Seats())
    assert ask(api, "GET", "/health")[0] == 503
    api.warm_up()
    assert ask(api, "GET", "/health") == (200, {"ok": True})
