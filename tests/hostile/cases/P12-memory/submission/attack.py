"""Takes 2 GB, a child at a time, for as long as somebody lets it."""

import os
import time

while True:
    if os.fork() == 0:
        held = []
        while len(held) < 2048:
            held.append(bytearray(os.urandom(4096)) * 256)
        time.sleep(60)
        os._exit(0)
    os.wait()
