from typing import Any

import pytest

from mde_grader.codec.documents import read_yaml
from mde_grader.codec.environments import environment_from
from mde_grader.codec.nodes import document_from
from mde_grader.codec.schemas import problems
from mde_grader.environments import Environment, Ready, Variable
from mde_grader.errors import LabInvalidError
from mde_grader.runtimes.base import BuildLimits, Limits, Mount, ServiceSpec

TEXT = """\
name: lab-02
services:
  front:
    image: mde-grade/proxy
    environment:
      UPSTREAM: http://web:8080
      WORKERS: 2
    command: serve --name "the front"
    entrypoint: [proxy, ""]
    depends_on:
      web: {condition: service_healthy}
    tmpfs: [/tmp]
    read_only: false
    user: "1000"
    working_dir: /srv
    volumes: ["cache:/var/cache", "keys:/keys:ro"]
    cap_add: [NET_BIND_SERVICE]
    stop_signal: SIGQUIT
    stop_grace_period: 0m30s
    x-mde:
      ready: tcp://front:8081
      ready_seconds: 1500ms
      memory_mb: 64
      limits: {pids: 20, cpus: 0.5}
      aliases: [proxy]
    restart: never
volumes: {cache: {}, keys: {}}
x-mde:
  schema: mde-grade/environment/1
  kind: compose
  main: web
  required: [web, db]
  bases: ["python:3.11-slim-bookworm", scratch]
  images: {"postgres:15": mde-grade/postgres}
  image_volumes: {"postgres:15": [/var/lib/postgresql/data]}
  variables:
    DB_PASSWORD: secret
    SITE_NAME: word
    MODE: {fixed: legacy}
    TOKEN: {secret: 40}
  index: mde-grade/index-lab-02
  deadline: 3m
  build: {seconds: 60, memory_mb: 512}
  limits: {memory_mb: 128, cpus: 0.5}
  ready:
    web: {url: "http://web:8080/readyz", seconds: 20s}
    db: tcp://db:5432
  writable_root: true
  root_user: true
  capabilities: [CHOWN]
  max_services: 4
  network: false
""".replace("    restart: never\n", "")


def read(text: str = TEXT) -> Environment:
    return environment_from(document_from(text, file="environment.yaml"))


def test_every_field_is_read() -> None:
    assert read() == Environment(
        kind="compose",
        main="web",
        required=("web", "db"),
        bases=("python:3.11-slim-bookworm", "scratch"),
        images={"postgres:15": "mde-grade/postgres"},
        image_volumes={"postgres:15": ("/var/lib/postgresql/data",)},
        variables={
            "DB_PASSWORD": Variable("secret"),
            "SITE_NAME": Variable("word"),
            "MODE": Variable("fixed", "legacy"),
            "TOKEN": Variable("secret", length=40),
        },
        index="mde-grade/index-lab-02",
        deadline=180.0,
        build=BuildLimits(seconds=60.0, memory_mb=512),
        limits=Limits(memory_mb=128, cpus=0.5),
        ready={"web": Ready("http://web:8080/readyz", 20.0), "db": Ready("tcp://db:5432")},
        writable_root=True,
        root_user=True,
        capabilities=("CHOWN",),
        max_services=4,
        network=False,
        services=(
            ServiceSpec(
                name="front",
                image="mde-grade/proxy",
                candidate=False,
                environment={"UPSTREAM": "http://web:8080", "WORKERS": "2"},
                command=("serve", "--name", "the front"),
                entrypoint=("proxy", ""),
                user="1000",
                working_dir="/srv",
                mounts=(Mount("cache", "/var/cache"), Mount("keys", "/keys", read_only=True)),
                tmpfs=("/tmp",),
                read_only=False,
                requires=("web",),
                aliases=("proxy",),
                ready="tcp://front:8081",
                ready_seconds=1.5,
                capabilities=("NET_BIND_SERVICE",),
                stop_signal="SIGQUIT",
                stop_seconds=30.0,
                limits=Limits(memory_mb=64, pids=20, cpus=0.5),
            ),
        ),
    )


def test_the_published_schema_accepts_it() -> None:
    assert problems("environment", read_yaml(TEXT).data) == []


def test_what_may_be_left_out_has_the_models_defaults() -> None:
    given = read("x-mde: {kind: dockerfile, main: web}")
    assert given == Environment(kind="dockerfile", main="web", required=("web",))


def test_a_service_needs_only_its_image() -> None:
    text = "services: {a: {image: mde-grade/a}}\nx-mde: {kind: dockerfile, main: web}"
    assert read(text).services == (ServiceSpec("a", "mde-grade/a", candidate=False),)


@pytest.mark.parametrize(
    ("service", "field", "value"),
    [
        ("environment: [A=1, B=x=y, C=]", "environment", {"A": "1", "B": "x=y", "C": ""}),
        ("environment: {A: '', B: 1.5}", "environment", {"A": "", "B": "1.5"}),
        ("command: [run, it]", "command", ("run", "it")),
        ("depends_on: [web]", "requires", ("web",)),
    ],
)
def test_both_forms_of_compose(service: str, field: str, value: Any) -> None:
    text = f"services: {{a: {{image: i, {service}}}}}\nx-mde: {{kind: dockerfile, main: web}}"
    assert getattr(read(text).services[0], field) == value


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1h", 3600), ("1m30s", 90), ("2.5s", 2.5), ("1500ms", 1.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert read(f"x-mde: {{kind: dockerfile, main: web, deadline: {text}}}").deadline == seconds


@pytest.mark.parametrize("text", ["soon", "''", "10x", "-1s", "s", "1s2m", "0", "9h", "true", "[1]"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(LabInvalidError, match="deadline"):
        read(f"x-mde: {{kind: dockerfile, main: web, deadline: {text}}}")


@pytest.mark.parametrize("extension", ["{}", "{ready: tcp://a:1}", "{limits: {pids: 3}}"])
def test_each_key_of_a_services_extension_may_be_left_out(extension: str) -> None:
    service = read(
        f"services: {{a: {{image: i, x-mde: {extension}}}}}\nx-mde: {{kind: dockerfile, main: web}}"
    ).services[0]
    assert service.ready == ("tcp://a:1" if "ready" in extension else "")
    assert service.limits.pids == (3 if "pids" in extension else Limits().pids)


def test_no_index_is_written_as_null() -> None:
    assert read("x-mde: {kind: dockerfile, main: web, index: null}").index is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: compose", "kind: swarm", "x-mde.kind is 'swarm'; it must be one of: compose, dockerfile"),
        ("main: web", "main: api", "x-mde.required must name the main service 'api'"),
        ("required: [web, db]", "required: [web, front]", "x-mde.required names a service that the lab brings itself"),
        ("    read_only: false", "    privileged: true", "services.front.privileged is not known here"),
        ("    read_only: false", "    commnd: x", "did you mean `command`?"),
        ("web: {condition: service_healthy}", "cache: {}", "depends_on names 'cache', which is neither"),
        ("web: {condition: service_healthy}", "front: {}", "depends_on names the service itself"),
        ("image: mde-grade/proxy", "image: 'UPPER case'", "services.front.image is 'UPPER case'"),
        ("SITE_NAME: word", "SITE_NAME: name", "x-mde.variables.SITE_NAME is 'name'; it must be one of: secret, word"),
        ("SITE_NAME: word", "site: word", "'site', which does not match"),
        ("MODE: {fixed: legacy}", "MODE: {}", "must be `secret`, `word`, `{fixed: value}` or `{secret: length}`"),
        ("{secret: 40}", "{secret: 4}", "x-mde.variables.TOKEN.secret is 4; it must be from 8 to 128"),
        ("{memory_mb: 128, cpus: 0.5}", "{memory_mb: 0}", "x-mde.limits.memory_mb is 0"),
        ("{memory_mb: 128, cpus: 0.5}", "{cpus: many}", "x-mde.limits.cpus must be a number, not text"),
        ("{memory_mb: 128, cpus: 0.5}", "{cpus: 0}", "x-mde.limits.cpus is 0; it must be from 0.01 to 64"),
        ("{memory_mb: 128, cpus: 0.5}", "{memory: 1}", "x-mde.limits.memory is not known here; did you mean"),
        ("db: tcp://db:5432", "db: db:5432", "x-mde.ready.db is 'db:5432', which does not match"),
        ('command: serve --name "the front"', "command: 'it''s'", "has a quotation mark that is not closed"),
        ('"cache:/var/cache"', '"/etc:/var/cache"', "services.front.volumes[0] is '/etc:/var/cache'"),
        ("WORKERS: 2", "WORKERS: true", "services.front.environment.WORKERS must be text, not true or false"),
        ("max_services: 4", "max_services: 0", "x-mde.max_services is 0; it must be from 1 to 24"),
        ("  kind: compose\n", "", "x-mde lacks `kind`"),
        ("x-mde:\n  schema", "x-other:\n  schema", "the document lacks `x-mde`"),
        ("name: lab-02", "version: '3'", "version is not known here"),
    ],
)
def test_an_error_names_file_line_and_key(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(LabInvalidError) as caught:
        read(TEXT.replace(old, new, 1))
    assert told in caught.value.message
    assert caught.value.message.startswith("environment.yaml:")


def test_the_main_service_cannot_be_one_of_the_labs_own() -> None:
    with pytest.raises(LabInvalidError, match="brings itself"):
        read("services: {web: {image: i}}\nx-mde: {kind: dockerfile, main: web}")


HOSTS = """\
services:
  first: {image: i, user: "10001:10001", x-mde: {inspect: true}}
  second: {image: i, user: "10002", x-mde: {inspect: true}}
x-mde: {kind: dockerfile, main: web}
"""


def test_a_service_of_the_lab_that_is_looked_into() -> None:
    assert [service.inspected for service in read(HOSTS).services] == [True, True]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('user: "10002", ', "", "services.second needs a user by number, other than root"),
        ('"10002"', '"0"', "services.second needs a user by number, other than root"),
        ('"10002"', "deploy", "services.second needs a user by number, other than root"),
        ('"10002"', '"10001"', "services.second has the user of 'first'"),
    ],
)
def test_who_is_looked_into_has_a_user_of_its_own(old: str, new: str, told: str) -> None:
    with pytest.raises(LabInvalidError, match=told):
        read(HOSTS.replace(old, new))
