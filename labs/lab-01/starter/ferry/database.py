"""The only module that speaks SQL."""

import threading
from urllib.parse import unquote, urlsplit

import pg8000.native

DEPARTURES = """
SELECT d.id, d.harbour, d.leaves, d.seats - coalesce(sum(b.seats), 0) AS free
FROM departures d LEFT JOIN bookings b ON b.departure_id = d.id
GROUP BY d.id ORDER BY d.leaves
"""
FREE = """
SELECT d.seats - coalesce(sum(b.seats), 0)
FROM departures d LEFT JOIN bookings b ON b.departure_id = d.id
WHERE d.id = :departure GROUP BY d.id
"""
BOOK = """
INSERT INTO bookings (departure_id, name, seats, cents)
VALUES (:departure, :name, :seats, :cents) RETURNING id
"""
BOOKING = "SELECT id, departure_id, name, seats, cents FROM bookings WHERE id = :booking"


class FullError(Exception):
    """A departure has no seats left, or there is no such departure."""


class Database:
    """One connection, shared by all requests, and opened again when it was lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._options = {
            "user": unquote(parts.username or "postgres"),
            "password": unquote(parts.password or "") or None,
            "host": parts.hostname or "localhost",
            "port": parts.port or 5432,
            "database": parts.path.lstrip("/") or "postgres",
            "timeout": 20,
        }
        self._lock = threading.RLock()
        self._connection: pg8000.native.Connection | None = None

    def run(self, statement: str, **values: object) -> list[list]:
        """The rows that one statement gives."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = pg8000.native.Connection(**self._options)
                return self._connection.run(statement, **values) or []
            except (pg8000.native.InterfaceError, OSError):
                self.close()
                raise

    def close(self) -> None:
        """End the connection; the next statement opens a new one."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def departures(self) -> list[dict]:
        """All departures, with the seats that are free."""
        names = ("id", "harbour", "leaves", "free")
        return [dict(zip(names, row, strict=True)) for row in self.run(DEPARTURES)]

    def book(self, departure: int, name: str, seats: int, cents: int) -> int:
        """Keep seats for somebody; the number of the booking.

        Raises:
            FullError: There are not so many seats.
        """
        with self._lock:
            free = self.run(FREE, departure=departure)
            if not free or free[0][0] < seats:
                raise FullError(f"departure {departure} has no {seats} seats left")
            return self.run(BOOK, departure=departure, name=name, seats=seats, cents=cents)[0][0]

    def booking(self, number: int) -> dict | None:
        """One booking; None when there is none of that number."""
        names = ("id", "departure", "name", "seats", "cents")
        rows = self.run(BOOKING, booking=number)
        return dict(zip(names, rows[0], strict=True)) if rows else None
