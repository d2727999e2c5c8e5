"""The web pages, as text."""

from html import escape

from ferry.fares import euros


def page(title: str, body: str) -> str:
    """A whole page."""
    return f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}"


def timetable(departures: list[dict], notice: str) -> str:
    """All departures, the earliest first."""
    ordered = sorted(departures, key=lambda one: one["leaves"])
    rows = "".join(
        f"<tr><td>{escape(one['leaves'])}</td><td>{escape(one['harbour'])}</td>"
        f"<td>{one['free']}</td></tr>"
        for one in ordered
    )
    return page("Departures", f"<p>{escape(notice)}</p><table>{rows}</table>")


def ticket(booking: dict) -> str:
    """What somebody gets who has booked."""
    name, price = escape(booking["name"]), euros(booking["cents"])
    return page(f"Booking {booking['id']}", f"<p>{name}: {booking['seats']} seats, {price}</p>")
