import pytest

from ferry.database import FullError


def first_to(database, harbour):
    return next(one for one in database.departures() if one["harbour"] == harbour)


def test_the_timetable_is_in_order(database):
    times = [one["leaves"] for one in database.departures()]
    assert times == sorted(times)
    assert {"06:40", "09:15", "13:30", "18:05"} <= set(times)


def test_the_evening_has_the_larger_ship(database):
    seats = {one["leaves"]: one["free"] for one in database.departures()}
    assert (seats["18:05"], seats["06:40"]) == (120, 80)


def test_a_booking_takes_seats(database):
    before = first_to(database, "Saltpier")
    number = database.book(before["id"], "Ada", 7, 8750)
    assert first_to(database, "Saltpier")["free"] == before["free"] - 7
    assert database.booking(number) == {
        "id": number,
        "departure": before["id"],
        "name": "Ada",
        "seats": 7,
        "cents": 8750,
    }


def test_two_bookings_add_up(database):
    before = first_to(database, "Saltpier")
    database.book(before["id"], "Bo", 2, 2500)
    database.book(before["id"], "Cy", 3, 3750)
    assert first_to(database, "Saltpier")["free"] == before["free"] - 5


def test_the_last_seats(database):
    departure = first_to(database, "Millgate")
    database.book(departure["id"], "Ada", departure["free"], 1)
    assert first_to(database, "Millgate")["free"] == 0
    with pytest.raises(FullError):
        database.book(departure["id"], "Bo", 1, 1250)


def test_there_is_no_such_departure_or_booking(database):
    with pytest.raises(FullError):
        database.book(10**6, "Ada", 1, 1250)
    assert database.booking(10**6) is None
