"""Fills every place that it may write to."""

import os
import time

BLOCK = b"x" * (1 << 20)


def fill(place, files):
    for number in range(files):
        try:
            with open(f"{place}/big-{number}", "wb", buffering=0) as stream:
                for _ in range(40):
                    stream.write(BLOCK)
        except OSError as error:
            print(place, number, error)
            return


for place in ("/tmp", "/dev/shm", "/run", "/var/tmp", "/srv", "/attacker", "/"):
    fill(place, 20)
for number in range(1_000_000):
    try:
        os.mkdir(f"/tmp/d{number}")
    except OSError:
        break
time.sleep(600)
