"""Prints <%= label %>s. An advisory lock says whose <%= label %> it is, and goes when its holder goes."""

import signal
import sys
import time

from desk import store, work


def print_one():
    rows = store.run("SELECT id, <%= item %> FROM <%= label %> WHERE text IS NULL ORDER BY id LIMIT 20")
    for number, <%= item %> in rows:
        if store.run("SELECT pg_try_advisory_lock(8, :n)", n=number)[0][0]:
            try:
                <%= person %> = store.run("SELECT <%= person %> FROM <%= item %> WHERE id = :p", p=<%= item %>)[0][0]
                text = work.<%= label %>(<%= item %>, <%= person %>)
                store.run("UPDATE <%= label %> SET text = :t WHERE id = :n", t=text, n=number)
                return True
            finally:
                store.run("SELECT pg_advisory_unlock(8, :n)", n=number)
    return False


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    try:
        busy = print_one()
    except Exception as problem:
        print("waiting:", problem)
        busy = False
    if not busy:
        time.sleep(0.15)
