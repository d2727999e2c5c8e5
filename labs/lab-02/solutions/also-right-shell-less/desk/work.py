"""The business: prices, <%= label %>s, the report. The waits stand for slow machines and are left as they were."""

import time
import zlib

time.sleep(0.5)
<% if application == "parcels" %>
PRICES = {500: 390, 1_000: 490, 2_000: 690, 5_000: 890, 10_000: 1290, 31_500: 1990}
<% else %>
PRICES = {14 + 7 * weeks: 120 + 45 * weeks for weeks in range(11)}
<% endif %>


def price(grams):
    return next(cents for limit, cents in PRICES.items() if grams <= limit)


def <%= label %>(<%= item %>, <%= person %>):
    time.sleep(0.6)
<% if application == "parcels" %>
    return "ND%08d-%08X" % (parcel, zlib.crc32(recipient.encode()))
<% else %>
    return "LE-%08x-%06d" % (zlib.adler32(reader.encode()), loan)
<% endif %>
