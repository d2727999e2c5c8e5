"""Prints labels, one after the other. Run it with `python -m parceldesk.worker`."""

import time

from parceldesk import database, label


def main():
    connection = database.connect()
    while True:
        rows = database.query(
            connection,
            "UPDATE jobs SET state = 'running' WHERE id ="
            " (SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1) RETURNING id, parcel_id",
        )
        if not rows:
            time.sleep(0.2)
            continue
        job_id, parcel_id = rows[0]
        recipient = database.query(connection, "SELECT recipient FROM parcels WHERE id = %s", parcel_id)[0][0]
        text = label.make(parcel_id, recipient)
        database.query(connection, "UPDATE jobs SET state = 'done', label = %s WHERE id = %s", text, job_id)


if __name__ == "__main__":
    main()
