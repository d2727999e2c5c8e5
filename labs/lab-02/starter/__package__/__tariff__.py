<% if application == "parcels" %>
"""What a parcel costs."""

import time

STEPS = ((500, 390), (1_000, 490), (2_000, 690), (5_000, 890), (10_000, 1290), (31_500, 1990))


def load():
    """Read the tariff. The carrier's file is slow to open: it takes about half a second, and always has."""
    time.sleep(0.5)
    return STEPS


def price(tariff, <%= measure %>):
    """Cents for a parcel of that weight.

    >>> price(STEPS, 750)
    490
    """
    for limit, cents in tariff:
        if <%= measure %> <= limit:
            return cents
    raise ValueError("too heavy: 31.5 kg is the most that we take")
<% else %>
"""What a loan costs."""

import time

TERMS = (14, 120, 45, 84)
"""Days that are included, cents for them, cents for each further week begun, and the most days that we lend."""


def load():
    """Read the terms. The council's file is slow to open: it takes about half a second, and always has."""
    time.sleep(0.5)
    return TERMS


def price(terms, days):
    """Cents for a loan of that many days.

    >>> price(TERMS, 30)
    255
    """
    included, base, weekly, most = terms
    if days > most:
        raise ValueError("too long: 84 days is the most that we lend")
    return base + weekly * -(-max(days - included, 0) // 7)
<% endif %>
