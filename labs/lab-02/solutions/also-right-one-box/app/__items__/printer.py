"""Prints <%= label %>s under a lease of three seconds; whose lease ran out is taken by the next worker."""

import time
import zlib

from <%= items %> import db

TAKE = """
UPDATE <%= jobs %> SET leased_until = now() + interval '3 seconds' FROM <%= items %>
WHERE <%= items %>.id = <%= jobs %>.<%= item %>_id AND <%= jobs %>.id = (
    SELECT id FROM <%= jobs %> WHERE <%= label %> IS NULL AND coalesce(leased_until, 'epoch') < now()
    ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING <%= jobs %>.id, <%= items %>.id AS <%= item %>, <%= items %>.<%= person %>
"""


def main():
    while True:
        try:
            busy = step()
        except Exception as e:
            print("printer:", e, flush=True)
            busy = False
        if not busy:
            time.sleep(0.25)


def step():
    with db.connect() as c:
        job = c.execute(TAKE).fetchone()
    if job:
        time.sleep(0.6)
<% if application == "parcels" %>
        label = f"ND{job['parcel']:08}-{zlib.crc32(job['recipient'].encode()):08X}"
<% else %>
        slip = f"LE-{zlib.adler32(job['reader'].encode()):08x}-{job['loan']:06}"
<% endif %>
        with db.connect() as c:
            c.execute("UPDATE <%= jobs %> SET <%= label %> = %s WHERE id = %s", (<%= label %>, job["id"]))
    return bool(job)

