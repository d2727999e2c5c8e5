"""Every table of the desk, scans too. libpq reads PGHOST, PGUSER, PGDATABASE and PGPASSWORD by itself."""

import psycopg2
import psycopg2.extras

TABLES = """
SELECT pg_advisory_xact_lock(77);
CREATE TABLE IF NOT EXISTS <%= items %> (
    id serial PRIMARY KEY, <%= person %> text, <%= measure %> int, <%= price %> int, scan bytea);
CREATE TABLE IF NOT EXISTS <%= jobs %> (
    id serial PRIMARY KEY, <%= item %>_id int REFERENCES <%= items %>, state text DEFAULT 'queued', <%= label %> text, worker int);
"""


def rows(sql, *values):
    connection = psycopg2.connect(connect_timeout=2, cursor_factory=psycopg2.extras.RealDictCursor)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
