"""What a crossing costs, in cents."""

ADULT = 1250
CHILD = 600
BIKE = 300
GROUP = 10
GROUP_PERCENT = 15


class FareError(ValueError):
    """Nobody can be sold such a ticket."""


def price(adults: int, children: int = 0, bikes: int = 0) -> int:
    """The price of one booking, cents; groups of ten and more pay less.

    Raises:
        FareError: There is no passenger, or a number is below zero.
    """
    if min(adults, children, bikes) < 0 or adults + children < 1:
        raise FareError("a booking needs at least one passenger")
    people = adults * ADULT + children * CHILD
    if adults + children >= GROUP:
        people -= people * GROUP_PERCENT // 100
    return people + bikes * BIKE


def euros(cents: int) -> str:
    """Cents as they are printed on a ticket."""
    return f"{cents // 100}.{cents % 100:02} EUR"
