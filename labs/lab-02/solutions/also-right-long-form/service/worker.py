"""Prints <%= label %>s. On its start, and when idle, it puts back what belongs to a connection that is no longer there."""

import time
import zlib

import psycopg2

from service import data

PUT_BACK = """
UPDATE <%= jobs %> SET state = 'queued', worker = NULL
WHERE state = 'running' AND worker NOT IN (SELECT pid FROM pg_stat_activity)
"""
TAKE = """
UPDATE <%= jobs %> SET state = 'running', worker = pg_backend_pid() FROM <%= items %>
WHERE <%= jobs %>.<%= item %>_id = <%= items %>.id AND <%= jobs %>.id = (
    SELECT id FROM <%= jobs %> WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING <%= jobs %>.id, <%= items %>.id, <%= person %>
"""


def work():
    connection = psycopg2.connect(connect_timeout=2)
    connection.autocommit = True
    with connection.cursor() as cursor:
        while True:
            cursor.execute(PUT_BACK)
            cursor.execute(TAKE)
            job = cursor.fetchone()
            if not job:
                time.sleep(0.2)
                continue
            time.sleep(0.6)
<% if application == "parcels" %>
            label = f"ND{job[1]:08d}-{zlib.crc32(job[2].encode()):08X}"
<% else %>
            slip = f"LE-{zlib.adler32(job[2].encode()):08x}-{job[1]:06d}"
<% endif %>
            cursor.execute("UPDATE <%= jobs %> SET state = '<%= done %>', <%= label %> = %s WHERE id = %s", (<%= label %>, job[0]))


while True:
    try:
        work()
    except psycopg2.Error as problem:
        print("printer waits:", str(problem).strip(), flush=True)
        time.sleep(0.5)
