"""Prints <%= label %>s, one after the other."""

import signal
import threading

from <%= package %> import database, <%= label %>

NEXT = (
    "SELECT <%= jobs %>.id, <%= items %>.id, <%= items %>.<%= person %> FROM <%= jobs %> JOIN <%= items %> ON <%= items %>.id = <%= jobs %>.<%= item %>_id"
    " WHERE <%= jobs %>.state = 'queued' ORDER BY <%= jobs %>.id LIMIT 1 FOR UPDATE OF <%= jobs %> SKIP LOCKED"
)


def one_job():
    """Do the next job; False when there is none."""
    with database.transaction() as cursor:
        rows = database.query(cursor, NEXT)
        if not rows:
            return False
        job_id, <%= item %>_id, <%= person %> = rows[0]
        database.query(cursor, "UPDATE <%= jobs %> SET state = 'running' WHERE id = %s", job_id)
    text = <%= label %>.make(<%= item %>_id, <%= person %>)
    with database.transaction() as cursor:
        database.query(cursor, "UPDATE <%= jobs %> SET state = '<%= done %>', <%= label %> = %s WHERE id = %s", text, job_id)
    print(f"job {job_id} done", flush=True)
    return True


def main():
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    while not stopping.is_set():
        try:
            if one_job():
                continue
        except Exception as problem:
            print(f"waiting: {problem}", flush=True)
        stopping.wait(0.4)


if __name__ == "__main__":
    main()
