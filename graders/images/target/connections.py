"""Connections to PostgreSQL by an address; the one module of the target that needs pg8000."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from pg8000.native import Connection

SECONDS = 60


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection that is closed in the end.

    Args:
        url: `postgresql://user:password@host:port/database`.
    """
    at = urlsplit(url)
    made = Connection(
        at.username,
        host=at.hostname,
        port=at.port or 5432,
        password=at.password,
        database=at.path.strip("/"),
        timeout=SECONDS,
    )
    with closing(made) as connection:
        yield connection
