import threading

import pytest

from ferry.api import Api
from ferry.serving import Server
from ferry.web import Client, Web


@pytest.fixture(scope="module")
def web(database):
    api = Api(database)
    api.warm_up()
    server = Server(0, api.ask)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield Web(Client(f"http://127.0.0.1:{server.server_address[1]}"))
    server.shutdown()
    server.server_close()


def test_the_page_shows_what_is_in_the_database(web):
    answer = web.ask("GET", "/", b"")
    assert answer.status == 200
    assert b"<td>09:15</td><td>Saltpier</td>" in answer.body


def test_somebody_books(web, database):
    departure = database.departures()[0]["id"]
    answer = web.ask("POST", "/bookings", f"departure={departure}&name=Eve&adults=2".encode())
    assert answer.status == 201
    assert b"Eve: 2 seats, 25.00 EUR" in answer.body


def test_all_three_tiers_are_well(web):
    assert web.ask("GET", "/health", b"").status == 200
