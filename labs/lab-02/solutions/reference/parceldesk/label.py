"""What is printed on a parcel."""

import time
import zlib


def make(parcel_id, recipient):
    """Text of the label. The printer takes its time, a good half second."""
    time.sleep(0.6)
    return f"ND{parcel_id:08d}-{zlib.crc32(recipient.encode()):08X}"
