import os
import pathlib

import psycopg

TABLES = """
CREATE TABLE IF NOT EXISTS <%= items %> (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, <%= person %> text, <%= measure %> int, <%= price %> int);
CREATE TABLE IF NOT EXISTS <%= jobs %> (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, <%= item %>_id int, <%= label %> text, leased_until timestamptz);
"""


def connect():
    password = pathlib.Path(os.environ["PASSWORD_FILE"]).read_text().strip()
    return psycopg.connect(os.environ["DATABASE"], password=password, connect_timeout=3, row_factory=psycopg.rows.dict_row)


def prepare():
    with connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        connection.execute(TABLES)
