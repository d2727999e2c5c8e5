"""Faults of the application `ferry`, each of a kind that one gate of its pipeline alone can see.

`UNIT` breaks what the unit tests look at and the integration tests do not, `INTEGRATION` the other way round, and
`UNHEALTHY` only what a release does when it starts on the target. None of them bothers the linter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from graders.pipelines.edits import WORDS, Fault, Files, Swap, token

Draw = Callable[[Files, Random], Fault]
"""Draws a fault for a tree."""

FARES, CLOCK, PAGES = "ferry/fares.py", "ferry/clock.py", "ferry/pages.py"
API, WEB, DATABASE = "ferry/api.py", "ferry/web.py", "ferry/database.py"

UNIT: Sequence[Swap] = (
    Swap("groups of ten no longer pay less", FARES, ">= GROUP:", "> GROUP:"),
    Swap("children pay more", FARES, "CHILD = 600", "CHILD = 650"),
    Swap("bikes cost more", FARES, "BIKE = 300", "BIKE = 330"),
    Swap("groups are given less", FARES, "GROUP_PERCENT = 15", "GROUP_PERCENT = 12"),
    Swap("bikes travel without a passenger", FARES, "adults + children < 1:", "adults + children < 0:"),
    Swap("a departure of this very minute is left out", CLOCK, ">= minutes(now)]", "> minutes(now)]"),
    Swap(
        "nobody waits over midnight",
        CLOCK,
        "(minutes(then) - minutes(now)) % MINUTES",
        "max(minutes(then) - minutes(now), 0)",
    ),
    Swap(
        "the timetable is in the order of free seats",
        PAGES,
        'key=lambda one: one["leaves"]',
        'key=lambda one: one["free"]',
    ),
    Swap("a notice can be markup", PAGES, "{escape(notice)}", "{notice}"),
    Swap(
        "a page without its timetable is called well",
        WEB,
        '"The timetable is away", ""), 503)',
        '"The timetable is away", ""), 200)',
    ),
    Swap("a full departure is called a wrong request", API, "str(problem)}, 409)", "str(problem)}, 400)"),
)

LISTENS = {name: f"    server = Server(port_of(), {name}.ask)\n" for name in ("api", "web")}
"""Where each service begins to listen."""

INTEGRATION: Sequence[Swap] = (
    Swap(
        "bookings are counted for other departures",
        DATABASE,
        "b.departure_id = d.id\nGROUP BY d.id ORDER",
        "b.id = d.id\nGROUP BY d.id ORDER",
    ),
    Swap("departures are in the order of harbours", DATABASE, "ORDER BY d.leaves", "ORDER BY d.harbour, d.id"),
    Swap(
        "only the largest booking counts",
        DATABASE,
        "coalesce(sum(b.seats), 0) AS free",
        "coalesce(max(b.seats), 0) AS free",
    ),
    Swap(
        "bookings are counted, not their seats", DATABASE, "coalesce(sum(b.seats), 0) AS free", "count(b.seats) AS free"
    ),
    Swap(
        "seats and price change places",
        DATABASE,
        "(:departure, :name, :seats, :cents)",
        "(:departure, :name, :cents, :seats)",
    ),
    Swap("the last seats are never sold", DATABASE, "free[0][0] < seats", "free[0][0] <= seats"),
    Swap(
        "a booking is read from a column that there is not",
        DATABASE,
        "SELECT id, departure_id, name,",
        "SELECT id, departure, name,",
    ),
    Swap("a departure that there is not can be booked", DATABASE, "if not free or", "if free and"),
)

UNHEALTHY: Sequence[Swap] = (
    Swap(
        "the web ends at its start: it wants a setting that there is not",
        WEB,
        LISTENS["web"],
        f'    web.berth = int(os.environ["FERRY_BERTH"])\n{LISTENS["web"]}',
    ),
    Swap(
        "the API ends at its start: it asks for a table that there is not",
        API,
        LISTENS["api"],
        f'    api.database.run("SELECT count(*) FROM berths")\n{LISTENS["api"]}',  # noqa: S608
    ),
    Swap(
        "/health of the API stays 503, as it never says that it is ready",
        API,
        "    threading.Thread(target=api.warm_up, daemon=True).start()\n",
        "",
    ),
    Swap(
        "/health of the web stays 503",
        WEB,
        LISTENS["web"],
        f"    web.ready.clear()\n{LISTENS['web']}",
    ),
    Swap(
        "the web never listens",
        WEB,
        LISTENS["web"],
        f"    threading.Event().wait()\n{LISTENS['web']}",
    ),
    Swap(
        "the API never listens",
        API,
        LISTENS["api"],
        f'    while not os.environ.get("FERRY_TIMETABLE"):\n        time.sleep(1)\n{LISTENS["api"]}',
    ),
)


def unit_fault(files: Files, chance: Random) -> Fault:
    """A fault for the unit tests: a line of the code, or a new test that it does not meet."""
    if chance.randrange(len(UNIT) + 2) < len(UNIT):
        return chance.choice(UNIT).fault(files)
    name = f"{chance.choice(WORDS)}_{token(chance, 4)}"
    count = chance.randint(2, 9)
    text = f"from ferry.fares import price\n\n\ndef test_{name}():\n    assert price({count}) == {count * 1250 + 50}\n"
    return Fault(f"the new test tests/unit/test_{name}.py fails", {f"tests/unit/test_{name}.py": text.encode()})


def integration_fault(files: Files, chance: Random) -> Fault:
    """A fault that needs a database to be seen."""
    return chance.choice(INTEGRATION).fault(files)


def unhealthy_fault(files: Files, chance: Random) -> Fault:
    """A fault that passes every test and keeps a release from ever being healthy."""
    return chance.choice(UNHEALTHY).fault(files)
