<% if application == "parcels" %>
"""What is printed on a parcel."""

import time
import zlib


def make(parcel_id, recipient):
    """Text of the label. The printer takes its time, a good half second."""
    time.sleep(0.6)
    return f"ND{parcel_id:08d}-{zlib.crc32(recipient.encode()):08X}"
<% else %>
"""What is printed for the reader to keep in the book."""

import time
import zlib


def make(loan_id, reader):
    """Text of the slip. The printer takes its time, a good half second."""
    time.sleep(0.6)
    return f"LE-{zlib.adler32(reader.encode()):08x}-{loan_id:06d}"
<% endif %>
