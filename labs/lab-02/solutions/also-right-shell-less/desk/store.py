"""Everything that is kept: rows in PostgreSQL, scans in a folder."""

import contextlib
import os
import threading

import pg8000.native

_local = threading.local()

TABLES = """
CREATE TABLE IF NOT EXISTS <%= item %> (id bigserial PRIMARY KEY, <%= person %> text, <%= measure %> int, <%= price %> int);
CREATE TABLE IF NOT EXISTS <%= label %> (id bigserial PRIMARY KEY, <%= item %> bigint, text text)
"""


def _open():
    connection = pg8000.native.Connection(
        "postgres", host="<%= db %>", database="postgres", password=os.environ["DB_PASSWORD"], timeout=2
    )
    connection.run("SELECT pg_advisory_lock(7)")
    for statement in TABLES.split(";"):
        connection.run(statement)
    connection.run("SELECT pg_advisory_unlock(7)")
    return connection


def run(sql, **values):
    """One statement on this thread's connection; one that fails is thrown away, and the next call opens another."""
    try:
        if getattr(_local, "connection", None) is None:
            _local.connection = _open()
        return _local.connection.run(sql, **values)
    except Exception:
        forget()
        raise


def forget():
    connection, _local.connection = getattr(_local, "connection", None), None
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.close()
