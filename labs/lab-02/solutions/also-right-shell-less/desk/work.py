"""The business: prices, labels, the report. The waits stand for slow machines and are left as they were."""

import time
import zlib

time.sleep(0.5)
PRICES = {500: 390, 1_000: 490, 2_000: 690, 5_000: 890, 10_000: 1290, 31_500: 1990}


def price(grams):
    return next(cents for limit, cents in PRICES.items() if grams <= limit)


def label(parcel, recipient):
    time.sleep(0.6)
    return "ND%08d-%08X" % (parcel, zlib.crc32(recipient.encode()))
