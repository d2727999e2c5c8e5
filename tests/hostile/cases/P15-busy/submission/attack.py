"""Keeps every processor busy."""

import os

for _ in range(7):
    if os.fork() == 0:
        break
os.nice(0)
while True:
    pass
