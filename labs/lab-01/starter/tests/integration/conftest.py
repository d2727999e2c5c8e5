"""A schema of its own for each run, in the database that TEST_DATABASE_URL names."""

import os
import secrets
from pathlib import Path

import pytest

from ferry.database import Database

MIGRATIONS = sorted((Path(__file__).parents[2] / "migrations").glob("*.sql"))


@pytest.fixture(scope="session")
def database():
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.fail("TEST_DATABASE_URL is not set: integration tests need a PostgreSQL database")
    database = Database(url)
    schema = f"test_{secrets.token_hex(6)}"
    database.run(f"CREATE SCHEMA {schema}")
    database.run(f"SET search_path TO {schema}")
    for path in MIGRATIONS:
        database.run(path.read_text(encoding="utf-8"))
    yield database
    database.run(f"DROP SCHEMA {schema} CASCADE")
    database.close()
