"""The web pages, made of what the API says. Run it with `python -m ferry.web`."""

import json
import os
import threading
import urllib.error
import urllib.request
from urllib.parse import parse_qs

from ferry import pages
from ferry.notice import NOTICE
from ferry.serving import Answer, Server, port_of, serve
from ferry.version import read_version


class Client:
    """Asks the API."""

    def __init__(self, url: str, seconds: float = 5) -> None:
        self._url, self._seconds = url.rstrip("/"), seconds

    def ask(self, path: str, value: object = None) -> tuple[int, object]:
        """Status and JSON of an answer; 503 when there is none."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self._url + path, data)
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as problem:
            return problem.code, json.load(problem)
        except OSError as problem:
            return 503, {"error": str(problem)}


class Web:
    """What the web answers."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ready = threading.Event()
        self.ready.set()

    def ask(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request."""
        if method == "POST" and path == "/bookings":
            return self._book(body)
        if method == "GET" and path in {"/", "/departures"}:
            return self._departures()
        if method == "GET" and path == "/health":
            return self._health()
        if method == "GET" and path == "/version":
            return Answer.text(read_version())
        if method == "GET" and path == "/notice":
            return Answer.text(NOTICE)
        return Answer.html(pages.page("Not found", ""), 404)

    def _departures(self) -> Answer:
        status, found = self.client.ask("/departures")
        if status != 200:
            return Answer.html(pages.page("The timetable is away", ""), 503)
        return Answer.html(pages.timetable(found, NOTICE))

    def _book(self, body: bytes) -> Answer:
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        status, found = self.client.ask("/bookings", fields)
        if status != 201:
            return Answer.html(pages.page(f"No booking: {found['error']}", ""), status)
        return Answer.html(pages.ticket(found), 201)

    def _health(self) -> Answer:
        status, found = self.client.ask("/health")
        if not self.ready.is_set() or status != 200:
            return Answer.of({"ok": False, "api": found}, 503)
        return Answer.of({"ok": True})


def main() -> None:
    """Serve until TERM comes."""
    web = Web(Client(os.environ["API_URL"]))
    server = Server(port_of(), web.ask)
    serve(server)


if __name__ == "__main__":
    main()
