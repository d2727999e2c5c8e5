import os
import pathlib

import psycopg

TABLES = """
CREATE TABLE IF NOT EXISTS parcels (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, recipient text, weight_grams int, price_cents int);
CREATE TABLE IF NOT EXISTS jobs (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parcel_id int, label text, leased_until timestamptz);
"""


def connect():
    password = pathlib.Path(os.environ["PASSWORD_FILE"]).read_text().strip()
    return psycopg.connect(os.environ["DATABASE"], password=password, connect_timeout=3, row_factory=psycopg.rows.dict_row)


def prepare():
    with connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        connection.execute(TABLES)
