"""The API: JSON over the database. Run it with `python -m ferry.api`."""

import json
import os
import threading
import time

import pg8000.native

from ferry.database import Database, FullError
from ferry.fares import FareError, price
from ferry.serving import Answer, Server, port_of, serve
from ferry.version import read_version

BROKEN = (pg8000.native.DatabaseError, pg8000.native.InterfaceError, OSError)


class Api:
    """What the API answers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ready = threading.Event()

    def warm_up(self) -> None:
        """Open the connection before the first passenger asks; then say that all is well."""
        while not self.ready.is_set():
            try:
                self.database.departures()
                self.ready.set()
            except BROKEN:
                time.sleep(0.5)

    def ask(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request."""
        try:
            if method == "POST" and path == "/bookings":
                return self._book(body)
            if method == "GET" and path.startswith("/bookings/"):
                return self._booking(path.removeprefix("/bookings/"))
            if method == "GET" and path == "/departures":
                return Answer.of(self.database.departures())
            if method == "GET" and path == "/health":
                return self._health()
            if method == "GET" and path == "/version":
                return Answer.text(read_version())
        except BROKEN as problem:
            return Answer.of({"error": f"the database does not answer: {problem}"}, 503)
        return Answer.of({"error": "not found"}, 404)

    def _health(self) -> Answer:
        if not self.ready.is_set():
            return Answer.of({"error": "not ready yet"}, 503)
        self.database.run("SELECT 1")
        return Answer.of({"ok": True})

    def _booking(self, text: str) -> Answer:
        found = self.database.booking(int(text)) if text.isdecimal() else None
        return Answer.of({"error": "not found"}, 404) if found is None else Answer.of(found)

    def _book(self, body: bytes) -> Answer:
        try:
            wanted = json.loads(body)
            adults, children = int(wanted["adults"]), int(wanted.get("children", 0))
            cents = price(adults, children, int(wanted.get("bikes", 0)))
            departure, name = int(wanted["departure"]), str(wanted["name"])
        except (FareError, KeyError, TypeError, ValueError) as problem:
            return Answer.of({"error": str(problem)}, 400)
        try:
            number = self.database.book(departure, name, adults + children, cents)
        except FullError as problem:
            return Answer.of({"error": str(problem)}, 409)
        booked = {"id": number, "name": name, "seats": adults + children, "cents": cents}
        return Answer.of(booked, 201)


def main() -> None:
    """Serve until TERM comes."""
    api = Api(Database(os.environ["DATABASE_URL"]))
    server = Server(port_of(), api.ask)
    threading.Thread(target=api.warm_up, daemon=True).start()
    serve(server)


if __name__ == "__main__":
    main()
