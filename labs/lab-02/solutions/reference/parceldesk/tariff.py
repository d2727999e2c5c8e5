"""What a parcel costs."""

import time

STEPS = ((500, 390), (1_000, 490), (2_000, 690), (5_000, 890), (10_000, 1290), (31_500, 1990))


def load():
    """Read the tariff. The carrier's file is slow to open: it takes about half a second, and always has."""
    time.sleep(0.5)
    return STEPS


def price(tariff, weight_grams):
    """Cents for a parcel of that weight.

    >>> price(STEPS, 750)
    490
    """
    for limit, cents in tariff:
        if weight_grams <= limit:
            return cents
    raise ValueError("too heavy: 31.5 kg is the most that we take")
