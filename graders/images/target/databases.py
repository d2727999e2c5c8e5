"""A database and a role for each tenant, which no other may connect to; and migrations, which run as that role."""

from __future__ import annotations

import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from graders.images.serving.words import Refused, plain
from graders.images.target.processes import PACKAGES, PYTHON, User

SITE = "/opt/mde/site"
SECONDS = 60
CONNECTIONS = 24
"""Of one role at once, so that one release cannot take those of all tenants."""
SAID = 600


@dataclass(frozen=True, slots=True)
class Login:
    """A database with a role of its own."""

    name: str
    url: str


class Runs(Protocol):
    """The part of a connection that is used here."""

    def run(self, sql: str) -> object:
        """Run a statement."""
        ...


class Databases:
    """What the target may do on the server.

    Args:
        url: A superuser's, `postgresql://user:password@host:port/database`.
        connected: Connects to such an address.
    """

    def __init__(self, url: str, connected: Callable[[str], AbstractContextManager[Runs]]) -> None:
        self._url = url
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._connected = connected
        self._lock = threading.Lock()

    def prepare(self, patience: float = 30.0) -> None:
        """Wait for the server, and keep roles from the databases that are everybody's.

        Raises:
            Refused: It does not answer in time.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._run("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
            except Refused:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.1)

    def make(self, *names: str) -> tuple[Login, ...]:
        """New databases, each with a role of its own.

        Args:
            names: Letters, digits and `_`.

        Raises:
            Refused: The server cannot.
        """
        logins = [(name, secrets.token_hex(16)) for name in names]
        self._run(*(statement for name, password in logins for statement in _made(name, password)))
        return tuple(Login(name, f"postgresql://{name}:{password}@{self._host}/{name}") for name, password in logins)

    def fill(self, login: Login, text: str) -> None:
        """Run statements of the grader's own as a role, in one transaction.

        Raises:
            Refused: They fail, or the server cannot.
        """
        self._run("BEGIN", text, "COMMIT", url=login.url)

    def remove(self, name: str) -> None:
        """Drop a database, whoever is connected, and its role.

        Raises:
            Refused: The server cannot.
        """
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")

    def _run(self, *statements: str, url: str = "") -> None:
        try:
            with self._lock, self._connected(url or self._url) as connection:
                for statement in statements:
                    connection.run(statement)
        except Exception as error:
            said = " ".join(str(error).split())[:SAID]
            raise Refused(f"the database server cannot work ({said}); see its log, and what fills it", 503) from error


def _made(name: str, password: str) -> Iterator[str]:
    yield f"CREATE ROLE {name} LOGIN PASSWORD '{password}' CONNECTION LIMIT {CONNECTIONS}"
    yield f"ALTER ROLE {name} SET temp_file_limit = '64MB'"
    yield f"CREATE DATABASE {name} OWNER {name}"
    yield f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC"


def migrate(user: User, url: str, file: str, text: str) -> None:
    """Run a migration in one transaction, in a process that is as confined as a release.

    Args:
        user: Whose process it is.
        url: Database and role.
        file: Its name, to be shown.
        text: The statements.

    Raises:
        Refused: It failed, and nothing of it was kept.
    """
    command = [PYTHON, "-s", "-P", "-m", "graders.images.target.migrate"]
    environment = {"PYTHONPATH": f"{SITE}:{PACKAGES}", "DATABASE_URL": url}
    try:
        ran = user.spawn(command, environment, Path("/"), subprocess.PIPE, subprocess.PIPE)
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"the target can start no more processes ({error}); stop what is not needed") from None
    try:
        said, _ = ran.communicate(text.encode(), SECONDS)
    except subprocess.TimeoutExpired:
        user.end(0)
        ran.communicate()
        raise Refused(f"{file} took longer than {SECONDS} s and was rolled back; make it quicker") from None
    if ran.returncode:
        reason = _reason(text, plain(said, SAID)) or f"exit code {ran.returncode}"
        raise Refused(f"{file} failed and was rolled back: {reason}; put it right and build another release")


def _reason(text: str, said: str) -> str:
    """Why a migration failed, with its line where the server told a character's number."""
    position, _, why = said.partition(" ")
    return f"line {text[: int(position)].count(chr(10)) + 1}: {why}" if position.isdigit() else said
