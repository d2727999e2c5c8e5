from ferry import pages

LATE = {"id": 2, "harbour": "Saltpier", "leaves": "18:05", "free": 3}
EARLY = {"id": 1, "harbour": "<Northquay>", "leaves": "06:40", "free": 80}


def test_the_earliest_is_first():
    text = pages.timetable([LATE, EARLY], "fog")
    assert text.index("06:40") < text.index("18:05")


def test_a_row_has_time_harbour_and_seats():
    assert "<tr><td>18:05</td><td>Saltpier</td><td>3</td></tr>" in pages.timetable([LATE], "fog")


def test_names_cannot_be_markup():
    text = pages.timetable([EARLY], "<b>fog</b>")
    assert "&lt;Northquay&gt;" in text
    assert "&lt;b&gt;fog&lt;/b&gt;" in text


def test_a_ticket():
    text = pages.ticket({"id": 7, "name": "Ada & Bo", "seats": 2, "cents": 2500})
    assert "<h1>Booking 7</h1>" in text
    assert "Ada &amp; Bo: 2 seats, 25.00 EUR" in text
