from ferry.notice import NOTICE
from ferry.web import Web

ROW = {"id": 1, "harbour": "Northquay", "leaves": "06:40", "free": 80}


class Canned:
    """An API whose answer is known."""

    def __init__(self, status=200, value=None):
        self.answer = (status, value)
        self.asked = []

    def ask(self, path, value=None):
        self.asked.append((path, value))
        return self.answer


def test_departures():
    answer = Web(Canned(200, [ROW])).ask("GET", "/", b"")
    assert answer.status == 200
    assert b"Northquay" in answer.body


def test_no_departures_without_the_api():
    assert Web(Canned(503, {})).ask("GET", "/departures", b"").status == 503


def test_a_booking():
    api = Canned(201, {"id": 7, "name": "Ada", "seats": 2, "cents": 2500})
    answer = Web(api).ask("POST", "/bookings", b"departure=1&name=Ada&adults=2")
    assert answer.status == 201
    assert api.asked == [("/bookings", {"departure": "1", "name": "Ada", "adults": "2"})]


def test_a_booking_that_is_refused():
    answer = Web(Canned(409, {"error": "full"})).ask("POST", "/bookings", b"departure=1")
    assert answer.status == 409
    assert b"full" in answer.body


def test_health():
    assert Web(Canned(200, {"ok": True})).ask("GET", "/health", b"").status == 200
    assert Web(Canned(503, {"error": "x"})).ask("GET", "/health", b"").status == 503


def test_the_notice():
    assert Web(Canned()).ask("GET", "/notice", b"").body == NOTICE.encode()


def test_what_there_is_not():
    assert Web(Canned()).ask("GET", "/<%= line %>", b"").status == 404
    assert Web(Canned()).ask("POST", "/", b"").status == 404
