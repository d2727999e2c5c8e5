"""Submissions in the styles that people really write; each must be accepted as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.policying import planned

DB = """
  db:
    image: postgres:15-alpine
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD}
    volumes: [pgdata:/var/lib/postgresql/data]
volumes: {pgdata: {}}
"""
MAIN = {"app/main.py": "print()", "requirements.txt": "flask\n"}

STYLES: dict[str, dict[str, str]] = {
    "old-version-header": {
        "docker-compose.yml": """version: '3.8'

services:
  web:
    build: .
    ports:
      - "8080:8080"
    links:
      - db
    environment:
      - DATABASE_URL=postgresql://postgres:${DB_PASSWORD}@db:5432/postgres
    depends_on:
      - db
    restart: unless-stopped
"""
        + DB,
        "Dockerfile": """FROM python:3.11-slim
MAINTAINER somebody <somebody@example.org>
WORKDIR /usr/src/app
ADD requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
ADD . .
EXPOSE 8080
CMD gunicorn -b 0.0.0.0:8080 app.main:app
""",
    },
    "modern-buildkit": {
        "compose.yaml": """name: desk
services:
  web:
    build: {context: ., target: runtime, args: {PYTHON_VERSION: "3.11"}}
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
      SITE_NAME: ${SITE_NAME:-desk}
      DB_PASSWORD_FILE: /run/secrets/db_password
    secrets: [db_password]
    healthcheck:
      test: ["CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8080/healthz')"]
      interval: 10s
      start_period: 5s
      start_interval: 1s
    depends_on:
      db: {condition: service_healthy, restart: true}
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.5", memory: 128M}}
    develop:
      watch:
        - {action: sync, path: ./app, target: /app}
    stop_grace_period: 8s
"""
        + DB
        + "secrets:\n  db_password: {environment: DB_PASSWORD}\n",
        "Dockerfile": """# syntax=docker/dockerfile:1.7
# check=error=true
ARG PYTHON_VERSION=3.12
FROM --platform=$BUILDPLATFORM python:${PYTHON_VERSION}-slim-bookworm AS build
ARG TARGETARCH
ENV PIP_NO_CACHE_DIR=1 \\
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --link requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \\
    python -m venv /venv && \\
    # a comment in the middle
    /venv/bin/pip install -r requirements.txt
RUN <<EOF
set -eux
adduser --system --uid 10001 app
mkdir -p /data
EOF

FROM build AS test
RUN pip install pytest && pytest

FROM python:${PYTHON_VERSION}-slim-bookworm AS runtime
LABEL org.opencontainers.image.title="desk" \\
      org.opencontainers.image.version="1.0"
COPY --from=build --chown=10001:10001 --link /venv /venv
COPY --chown=10001 app/ /app/
USER 10001:10001
HEALTHCHECK --interval=10s --start-period=5s --start-interval=1s CMD ["python", "/app/check.py"]
ENTRYPOINT ["/venv/bin/gunicorn"]
CMD ["-b", ":8080", "app.main:app"]
""",
    },
    "anchors-and-long-syntax": {
        "compose.yaml": """x-logging: &logging
  driver: json-file
  options: {max-size: "10m"}
x-app: &app
  image: example/desk:${TAG:-dev}
  build: &build
    context: .
    dockerfile: docker/Dockerfile
  env_file: [{path: ./config/app.env, required: true}, {path: ./local.env, required: false}]
  logging: *logging
  networks: [backend]
services:
  web:
    <<: *app
    ports: [{target: 8080, published: "80", protocol: tcp, mode: host}]
    volumes:
      - type: volume
        source: uploads
        target: /srv/uploads
        volume: {nocopy: true}
      - type: tmpfs
        target: /tmp
        tmpfs: {size: 67108864}
    networks: {frontend: {aliases: [desk]}, backend: {}}
  worker:
    <<: *app
    command: ["python", "-m", "app.worker"]
    scale: 1
  db:
    image: docker.io/library/postgres:15
    environment: {POSTGRES_PASSWORD: "${DB_PASSWORD:?DB_PASSWORD is required}"}
    networks: {backend: {}}
networks:
  frontend: {}
  backend: {internal: true}
volumes:
  uploads: {driver: local}
""",
        "docker/Dockerfile": """FROM docker.io/library/python:3.11-slim-bookworm
COPY ["requirements.txt", "/tmp/"]
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN pip install -r /tmp/requirements.txt | cat
STOPSIGNAL SIGINT
VOLUME ["/srv/uploads"]
CMD ["python", "-m", "app"]
""",
        "config/app.env": "# settings\nSITE_NAME=${SITE_NAME}\nexport LOG_LEVEL='info'\nGREETING=\"hello # world\" # c\n",  # noqa: E501
    },
    "shell-less-final-image": {
        "compose.yml": "services:\n  web:\n    build: .\n    user: '65532:65532'\n    init: true\n" + DB,
        "Dockerfile": """FROM debian:bookworm-slim AS files
RUN mkdir -p /root-fs/app
FROM python:3.11-slim-bookworm AS python
FROM scratch
COPY --from=files /root-fs /
COPY --from=python / /
COPY --from=0 /etc/ssl /etc/ssl
COPY app /app
ENTRYPOINT ["/usr/local/bin/python3", "/app/main.py"]
""",
        ".dockerignore": "**\n!app/**\n**/*.py[cod]\n**/.*\n",
    },
    "two-builds-and-node": {
        "compose.yaml": """services:
  assets:
    build: ./frontend
    profiles: [build-only]
  web:
    build: {context: ., dockerfile: Dockerfile}
    pull_policy: build
    command: >
      sh -c "python -m app.migrate &&
             exec python -m app"
    environment:
      DB_HOST: db
      DB_PASSWORD:
      WORKERS: 2
      DEBUG: false
    labels: {team: desk}
    ulimits: {nofile: 1024}
    shm_size: 64m
"""
        + DB,
        "Dockerfile": """FROM node:20-bookworm-slim AS assets
WORKDIR /src
COPY frontend/package*.json ./
RUN npm ci
FROM python:3.11-slim-bookworm
COPY --from=assets /src/dist /static
COPY . .
CMD ["python", "-m", "app"]
""",
        "frontend/package.json": "{}",
    },
    "json-written-compose": {
        "compose.yaml": '{"services": {"web": {"build": {"context": "."}, "expose": ["8080"]},'
        ' "db": {"image": "postgres:15", "environment": ["POSTGRES_PASSWORD=${DB_PASSWORD}"]}}}',
        "Dockerfile": "from python:3.11-slim\ncopy . .\ncmd python main.py\n",
    },
    "inline-dockerfile": {
        "compose.yaml": """services:
  web:
    build:
      context: .
      dockerfile_inline: |
        FROM python:3.11-slim
        COPY app /app
        RUN python -m compileall /app
        CMD ["python", "/app/main.py"]
    configs:
      - source: settings
        target: /etc/desk/settings.ini
configs:
  settings:
    content: |
      [desk]
      name = ${SITE_NAME}
"""
    },
    "digest-and-continuations": {
        "compose.yaml": "services:\n  web: {build: {context: ./, dockerfile: ./Dockerfile}, tty: true, stdin_open: true}\n",  # noqa: E501
        "Dockerfile": "FROM python:3.11-slim-bookworm@sha256:"
        + "0" * 64
        + """ AS base

RUN groupadd -r app \\
    && useradd -r -g app app \\

    # blank line and comment above
    && mkdir /data
ENV A=1 B="two words" C='x'
USER app
""",
    },
    "dotenv-defaults": {
        "docker-compose.yaml": "services:\n  web:\n    build: .\n    container_name: ${PROJECT}-web\n    env_file: .env\n",  # noqa: E501
        ".env": "PROJECT=desk\nDB_PASSWORD=local-only\nURL=postgres://u:${DB_PASSWORD}@db/x\n",
        "Dockerfile": "FROM python:3.11-slim\nCOPY . /app\n",
    },
    "windows-line-ends": {
        "compose.yaml": "services:\r\n  web:\r\n    build: .\r\n    command: python main.py\r\n",
        "Dockerfile": 'FROM python:3.11-slim\r\nRUN apt-get update \\\r\n  && true\r\nCMD ["python"]\r\n',
    },
}


@pytest.mark.parametrize("style", STYLES)
def test_what_people_write_is_accepted(tmp_path: Path, style: str) -> None:
    done = planned(tmp_path, {**MAIN, **STYLES[style]}, required=("web",))
    web = next(spec for spec in done.services if spec.name == "web")
    text = done.builds[web.image.removeprefix("build:")].text
    assert "mde-grade/from-" in text
    assert text.count("LABEL mde-grade.cache=") == sum(line.startswith("FROM ") for line in text.splitlines())
    assert "\\\n" not in text


def test_the_details_that_are_easy_to_lose(tmp_path: Path) -> None:
    modern = planned(tmp_path / "a", {**MAIN, **STYLES["modern-buildkit"]})
    assert "pytest" not in modern.builds["web"].text
    assert modern.builds["web"].arguments == {"PYTHON_VERSION": "3.11"}
    assert modern.services[0].requires == ("db",)
    anchors = planned(tmp_path / "b", {**MAIN, **STYLES["anchors-and-long-syntax"]})
    web, worker, _ = anchors.services
    assert web.environment == {"SITE_NAME": "acme", "LOG_LEVEL": "info", "GREETING": "hello # world"}
    assert worker.image == web.image == "build:web"
    windows = planned(tmp_path / "c", {**MAIN, **STYLES["windows-line-ends"]})
    assert "\r" not in windows.builds["web"].text
    dotenv = planned(tmp_path / "d", {**MAIN, **STYLES["dotenv-defaults"]})
    assert dotenv.services[0].environment["URL"] == "postgres://u:s3cret@db/x"
    assert dotenv.services[0].aliases == ("desk-web",)
