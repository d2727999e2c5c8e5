"""The database: a new connection for each piece of work, so that one that was lost is never used again."""

import contextlib
import pathlib

import pg8000.dbapi

from <%= package %> import config

SCHEMA = pathlib.Path(__file__).with_name("schema.sql").read_text()
SCHEMA_LOCK = 2009


def connect():
    return pg8000.dbapi.connect(
        user=config.DB_USER,
        password=config.DB_PASSWORD,
        host=config.DB_HOST,
        port=config.DB_PORT,
        database=config.DB_NAME,
        timeout=3,
        # The database speaks no TLS. Asked to find that out, the driver reads all of the system's certificates first,
        # which takes 25 ms of each connection.
        ssl_context=False,
    )


@contextlib.contextmanager
def transaction():
    """A cursor inside one transaction."""
    with contextlib.closing(connect()) as connection:
        yield connection.cursor()
        connection.commit()


def query(cursor, sql, *values):
    """Run one statement and return its rows, or an empty list."""
    cursor.execute(sql, values)
    return list(cursor.fetchall()) if cursor.description else []


def prepare():
    """Make the tables where they are missing; several processes may do this at once."""
    with transaction() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        for statement in SCHEMA.split(";"):
            if statement.strip():
                cursor.execute(statement)
