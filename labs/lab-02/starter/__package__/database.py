"""The database. The tables are made by hand on a new machine: `psql <%= package %> < <%= package %>/schema.sql`."""

import pg8000.dbapi

from <%= package %> import config


def connect():
    """Open a connection. It lives as long as the process: the database machine is never switched off."""
    connection = pg8000.dbapi.connect(
        user=config.DB_USER,
        password=config.DB_PASSWORD,
        host=config.DB_HOST,
        port=config.DB_PORT,
        database=config.DB_NAME,
    )
    connection.autocommit = True
    return connection


def query(connection, sql, *values):
    """Run one statement and return its rows, or an empty list."""
    cursor = connection.cursor()
    cursor.execute(sql, values)
    return list(cursor.fetchall()) if cursor.description else []
