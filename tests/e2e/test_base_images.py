"""The images that submissions are built on and run beside, tried the way that people use the official ones."""

from __future__ import annotations

import io
import secrets
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.errors import BuildError

from mde_grader.cli.engine import image_client
from mde_grader.runtimes.images import ensure, require

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PYTHON, DEBIAN, INDEX = "from-python-3.11-slim-bookworm", "from-debian-bookworm-slim", "index-lab-02"
HARDENED: dict[str, Any] = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "init": True}

APP = b'import bottle, waitress\nprint("serves", bottle.__name__)\n'
PROJECT = b"""
[build-system]
requires = ["setuptools", "wheel"]
build-backend = "setuptools.build_meta"
[project]
name = "legacy"
version = "1"
dependencies = ["bottle", "waitress"]
[tool.setuptools]
py-modules = ["app"]
"""
FILES = {"app.py": APP, "requirements.txt": b"bottle\nwaitress\n", "pyproject.toml": PROJECT}

IDIOMS = {
    "as root": """
        FROM {python}
        COPY requirements.txt .
        RUN pip install --no-cache-dir -r requirements.txt && waitress-serve --help
        """,
    "with a prefix": """
        FROM {python} AS build
        COPY requirements.txt .
        RUN pip install --prefix=/install -r requirements.txt
        FROM {python}
        COPY --from=build /install /usr/local
        RUN waitress-serve --help
        """,
    "in an environment": """
        FROM {python} AS build
        COPY requirements.txt .
        RUN python3 -m venv /venv && /venv/bin/pip install -r requirements.txt
        FROM {python}
        COPY --from=build /venv /venv
        ENV PATH=/venv/bin:$PATH
        RUN waitress-serve --help
        """,
    "for one user": """
        FROM {python}
        RUN useradd --create-home app
        USER app
        COPY requirements.txt .
        RUN pip install --user -r requirements.txt && ~/.local/bin/waitress-serve --help
        """,
    "as a project": """
        FROM {python}
        WORKDIR /src
        COPY app.py pyproject.toml ./
        RUN pip3 install . && cd / && python -c 'import app'
        """,
    "into an empty image": """
        FROM {python} AS build
        COPY requirements.txt .
        RUN pip install -r requirements.txt
        RUN for f in /usr/local/bin/python3.11 /usr/local/lib/python3.11/lib-dynload/*.so; do ldd $f; done \
            | grep -o '/[^ ]*' | sort -u | xargs -I% cp --parents -L % /mnt
        FROM scratch
        COPY --from=build /mnt /
        COPY --from=build /usr/local /usr/local
        """,
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = image_client()
    ensure([PYTHON, DEBIAN, INDEX, "postgres", "proxy"], client)
    yield client
    client.close()


@pytest.fixture(scope="module")
def index(client: docker.DockerClient) -> Iterator[Any]:
    image = require([INDEX], client)[INDEX]
    container = client.containers.run(image.id, detach=True, network_mode="none", **HARDENED)
    try:
        until(lambda: b"READY" in container.logs())
        yield container
    finally:
        container.remove(force=True)


def until(done: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(0.02)


def build(client: docker.DockerClient, dockerfile: str, network: str) -> Any:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, content in {**FILES, "Dockerfile": dockerfile.encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    context.seek(0)
    image, _ = client.images.build(
        fileobj=context, custom_context=True, rm=True, forcerm=True, nocache=True, network_mode=network
    )
    return image


@pytest.mark.parametrize("idiom", IDIOMS)
def test_packages_are_installed_the_ways_that_people_write(client: docker.DockerClient, index: Any, idiom: str) -> None:
    python = require([PYTHON], client)[PYTHON].tag
    text = IDIOMS[idiom].format(python=python) + 'COPY app.py /app.py\nCMD ["python3.11", "/app.py"]\n'
    text += "ENV PATH=/usr/local/bin:$PATH\n" if "scratch" in text else ""
    image = build(client, text, f"container:{index.id}")
    try:
        assert client.containers.run(image.id, remove=True, network_mode="none").strip() == b"serves bottle"
    finally:
        client.images.remove(image.id, force=True)


def test_the_index_tells_what_was_asked_of_it(client: docker.DockerClient, index: Any) -> None:
    python = require([PYTHON], client)[PYTHON].tag
    image = build(client, f"FROM {python}\nRUN pip download --no-deps blinker", f"container:{index.id}")
    client.images.remove(image.id, force=True)
    assert "GET /simple/blinker/" in index.logs().decode().splitlines()


def test_without_an_index_pip_gives_up_soon(client: docker.DockerClient) -> None:
    python = require([PYTHON], client)[PYTHON].tag
    started = time.monotonic()
    with pytest.raises(BuildError):
        build(client, f"FROM {python}\nRUN pip install flask", "none")
    assert time.monotonic() - started < 60


def test_the_interpreter_is_laid_out_as_upstream_has_it(client: docker.DockerClient) -> None:
    python = require([PYTHON], client)[PYTHON].id
    code = (
        "import bz2, ctypes, curses, lzma, readline, site, sqlite3, ssl, sys, sysconfig, uuid, zoneinfo;"
        "zoneinfo.ZoneInfo('Europe/Paris');"
        "print(sys.prefix, sysconfig.get_path('purelib'), sys.path[-1])"
    )
    said = client.containers.run(python, ["python", "-c", code], remove=True, network_mode="none")
    packages = "/usr/local/lib/python3.11/site-packages"
    assert said.decode().split() == ["/usr/local", packages, packages]


def test_debian_is_debian_without_a_python(client: docker.DockerClient) -> None:
    image = require([DEBIAN], client)[DEBIAN].id
    said = client.containers.run(
        image, ["sh", "-c", "cat /etc/debian_version; command -v python3 || echo none"], remove=True
    )
    assert said.decode().splitlines()[0].startswith("12.")
    assert said.decode().splitlines()[1] == "none"


@pytest.fixture
def database(client: docker.DockerClient) -> Iterator[Any]:
    name = f"mde-test-{secrets.token_hex(6)}"
    volume = client.volumes.create(name)
    environment = {"POSTGRES_USER": "o'app", "POSTGRES_PASSWORD": "p'w \\x $y", "POSTGRES_DB": "notes-db"}
    container = client.containers.run(
        require(["postgres"], client)["postgres"].id,
        detach=True,
        network_mode="none",
        environment=environment,
        volumes={name: {"bind": "/var/lib/postgresql/data"}},
        tmpfs={"/tmp": "size=16m", "/run/postgresql": "uid=999,gid=999,mode=0775,size=1m"},
        mem_limit="256m",
        **HARDENED,
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)
        volume.remove(force=True)


def query(database: Any, sql: str, password: str = "p'w \\x $y") -> tuple[int, str]:
    argv = ["psql", "-XAt", "-h", "127.0.0.1", "-U", "o'app", "notes-db", "-c", sql]
    code, said = database.exec_run(argv, environment={"PGPASSWORD": password})
    return code, said.decode().strip()


def test_the_database_ends_cleanly_and_keeps_its_data(database: Any) -> None:
    until(lambda: query(database, "select 1") == (0, "1"))
    assert query(database, "create table kept (text text)")[0] == 0
    assert query(database, "insert into kept values ('here')")[0] == 0
    database.stop(timeout=60)
    assert "database system is shut down" in database.logs().decode()
    database.start()
    until(lambda: query(database, "select text from kept") == (0, "here"))


def test_the_database_asks_for_the_password(database: Any) -> None:
    until(lambda: query(database, "select 1") == (0, "1"))
    code, said = query(database, "select 1", password="wrong")
    assert code != 0
    assert "password authentication failed" in said


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) must be set"),
        ({"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"}, "both POSTGRES_PASSWORD and"),
    ],
)
def test_a_database_that_cannot_start_says_why(
    client: docker.DockerClient, environment: dict[str, str], reason: str
) -> None:
    image = require(["postgres"], client)["postgres"].id
    container = client.containers.run(image, detach=True, network_mode="none", environment=environment)
    try:
        assert container.wait(timeout=20)["StatusCode"] == 1
        assert reason in container.logs().decode()
    finally:
        container.remove(force=True, v=True)


def test_the_proxy_starts_without_its_upstream_and_says_so_to_clients(client: docker.DockerClient) -> None:
    network = client.networks.create(f"mde-test-{secrets.token_hex(6)}", internal=True)
    image = require(["proxy"], client)["proxy"].id
    container = client.containers.run(
        image, detach=True, network=network.name, tmpfs={"/tmp": "size=16m"}, name=f"{network.name}-proxy", **HARDENED
    )
    ask = "import urllib.request as u\ntry: u.urlopen('http://proxy:8081/')\nexcept u.HTTPError as e: print(e.code)"
    try:
        until(lambda: answer(client, str(network.name), ask.replace("proxy", str(container.name))) == b"502")
    finally:
        container.remove(force=True)
        network.remove()


def answer(client: docker.DockerClient, network: str, code: str) -> bytes:
    python = require([PYTHON], client)[PYTHON].id
    try:
        said: bytes = client.containers.run(python, ["python", "-c", code], remove=True, network=network)
    except docker.errors.ContainerError:
        return b""
    return said.strip()
