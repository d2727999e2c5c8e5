"""Prints <%= label %>s, one after the other. Run it with `python -m <%= package %>.worker`."""

import time

from <%= package %> import database, <%= label %>


def main():
    connection = database.connect()
    while True:
        rows = database.query(
            connection,
            "UPDATE <%= jobs %> SET state = 'running' WHERE id ="
            " (SELECT id FROM <%= jobs %> WHERE state = 'queued' ORDER BY id LIMIT 1) RETURNING id, <%= item %>_id",
        )
        if not rows:
            time.sleep(0.2)
            continue
        job_id, <%= item %>_id = rows[0]
        <%= person %> = database.query(connection, "SELECT <%= person %> FROM <%= items %> WHERE id = %s", <%= item %>_id)[0][0]
        text = <%= label %>.make(<%= item %>_id, <%= person %>)
        database.query(connection, "UPDATE <%= jobs %> SET state = '<%= done %>', <%= label %> = %s WHERE id = %s", text, job_id)


if __name__ == "__main__":
    main()
