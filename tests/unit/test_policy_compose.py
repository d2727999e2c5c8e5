from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mde_grader.runtimes.base import Mount, ServiceSpec
from mde_grader.runtimes.policy.values import _MAX_NOTES, Notes
from tests.unit.policying import LAB, compose, compose_refused, planned, refused

WEB = "services:\n  web:\n    build: .\n"


def service(folder: Path, lines: str, top: str = "", **changes: Any) -> ServiceSpec:
    return compose(folder, WEB + indented(lines) + top, **changes).services[0]


def indented(lines: str) -> str:
    return "".join(f"    {line}\n" for line in lines.split("\n"))


def test_a_small_file_becomes_a_plan(tmp_path: Path) -> None:
    done = compose(
        tmp_path, WEB + "  db:\n    image: postgres:15\n    environment: {POSTGRES_PASSWORD: $DB_PASSWORD}\n"
    )
    web, db = done.services
    assert (web.name, web.image, web.candidate, web.read_only, web.tmpfs) == ("web", "build:web", True, True, ("/tmp",))
    assert (web.ready, web.ready_seconds, web.limits.memory_mb) == ("http://web:8080/healthz", 20.0, 200)
    assert (db.name, db.image, db.candidate, db.read_only) == ("db", "mde-grade/postgres:1", False, False)
    assert db.environment == {"POSTGRES_PASSWORD": "s3cret"}
    assert done.compose["services"]["db"]["environment"] == {"POSTGRES_PASSWORD": "s3cret"}  # type: ignore[index]
    assert done.builds["web"].dockerfile == "Dockerfile"


@pytest.mark.parametrize("name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"])
def test_every_name_of_the_file_is_found(tmp_path: Path, name: str) -> None:
    assert planned(tmp_path, {name: WEB, "Dockerfile": "FROM scratch"}).services


def test_files_that_are_not_read_are_told(tmp_path: Path) -> None:
    others = {"docker-compose.yml": "nonsense: [", "compose.override.yaml": "x"}
    notes = compose(tmp_path, WEB, others).notes
    assert notes == (
        "docker-compose.yml: not read; only compose.yaml is",
        "compose.override.yaml: not read; only compose.yaml is",
    )


def test_no_compose_file_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, {"Dockerfile": "FROM scratch"})
    assert (error.rule, error.where) == ("submission.missing", "compose.yaml")


@pytest.mark.parametrize(
    ("lines", "rule", "line"),
    [
        ("privileged: true", "privileged", 4),
        ("volumes: ['/:/host']", "bind", 4),
        ("volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "bind", 4),
        ("volumes: ['./data:/data']", "bind", 4),
        ("volumes: ['~/x:/data']", "bind", 4),
        ("volumes: ['../x:/data']", "bind", 4),
        ("volumes: ['C:\\x:/data']", "bind", 4),
        ("volumes: ['a:/data:ro,shared']", "bind", 4),
        ("volumes:\n  - {type: bind, source: /, target: /host}", "bind", 5),
        ("volumes:\n  - {type: volume, source: /etc, target: /host}", "bind", 5),
        ("volumes:\n  - {type: npipe, source: x, target: /host}", "bind", 5),
        ("volumes:\n  - {type: volume, source: a, target: /x, bind: {}}", "bind", 5),
        ("volumes:\n  - {type: volume, source: a, target: /x, nope: 1}", "unknown-key", 5),
        ("volumes:\n  - {source: a, target: /x, volume: {subpath: ../x}}", "unknown-key", 5),
        ("volumes: [a:/data]", "volume-undeclared", 4),
        ("volumes: ['/']", "target", 4),
        ("volumes: [/proc/x]", "target", 4),
        ("volumes: [data]", "target", 4),
        ("volumes: ['/a/../../x']", "target", 4),
        ("volumes: ['/a,b']", "target", 4),
        ("volumes: [/a, /a/]", "target", 4),
        ("volumes: [[x]]", "type", 4),
        ("tmpfs: [/a, /a]", "target", 4),
        ("tmpfs: /dev", "target", 4),
        ("network_mode: host", "host-namespace", 4),
        ("network_mode: 'service:db'", "host-namespace", 4),
        ("pid: host", "host-namespace", 4),
        ("ipc: host", "host-namespace", 4),
        ("uts: host", "host-namespace", 4),
        ("userns_mode: host", "host-namespace", 4),
        ("cgroup: host", "host-namespace", 4),
        ("cgroup_parent: /", "host-namespace", 4),
        ("devices: ['/dev/sda']", "device", 4),
        ("device_cgroup_rules: ['c 1:3 mr']", "device", 4),
        ("gpus: all", "device", 4),
        ("volumes_from: [db]", "volume", 4),
        ("extends: {file: /etc/x, service: y}", "forbidden", 4),
        ("extra_hosts: ['a:1.2.3.4']", "forbidden", 4),
        ("dns: 8.8.8.8", "forbidden", 4),
        ("sysctls: {net.x: 1}", "forbidden", 4),
        ("runtime: runsc", "forbidden", 4),
        ("group_add: [docker]", "forbidden", 4),
        ("oom_kill_disable: true", "forbidden", 4),
        ("use_api_socket: true", "bind", 4),
        ("security_opt: ['seccomp:unconfined']", "security-opt", 4),
        ("security_opt: ['no-new-privileges:false']", "security-opt", 4),
        ("prots: ['80:80']", "unknown-key", 4),
        ("user: 'a b'", "user", 4),
        ("user: ''", "user", 4),
        ("working_dir: app", "type", 4),
        ("stop_signal: 'KILL; x'", "signal", 4),
        ("stop_grace_period: soon", "duration", 4),
        ("read_only: maybe", "type", 4),
        ('command: "echo \'x"', "command", 4),
        ("command: {a: b}", "type", 4),
        ("command: [[a]]", "type", 4),
        ('command: ["a\\0b"]', "type", 4),
        ("environment: {'A=B': c}", "environment", 4),
        ("environment: ['=x']", "environment", 4),
        ("environment: {A: [b]}", "type", 4),
        ("environment: 3", "type", 4),
        ("environment: {A: $NO_SUCH_${}", "yaml", 4),
        ("environment: {A: '${NO?it must be set}'}", "variable", 4),
        ("environment: {A: 'a$'}", "variable", 4),
        ("env_file: missing.env", "missing", 4),
        ("env_file: /etc/passwd", "outside", 4),
        ("env_file: ../../etc/passwd", "outside", 4),
        ("env_file: [{required: false}]", "type", 4),
        ("networks: [front]", "network-undeclared", 4),
        ("depends_on: [nobody]", "depends-on", 4),
        ("depends_on: [web]", "cycle", 4),
        ("depends_on: {web: {condition: service_gone}}", "depends-on", 4),
        ("depends_on: {web: {condition: x}}", "depends-on", 4),
        ("secrets: [nope]", "secret", 4),
        ("container_name: 'a b'", "alias", 4),
        ("container_name: lab-front", "alias", 2),
        ("links: ['nobody:x']", "depends-on", 2),
        ("cap_add: ['a b']", "type", 4),
        ("a: 1\na: 2", "yaml", 5),
        ("user: !!python/object:x y", "yaml", 4),
    ],
)
def test_what_a_service_may_not_have_is_refused_by_rule_and_line(
    tmp_path: Path, lines: str, rule: str, line: int
) -> None:
    error = compose_refused(tmp_path, WEB + indented(lines))
    assert error.rule.partition(".")[2] == rule
    assert error.where == f"compose.yaml:{line}"


@pytest.mark.parametrize(
    ("top", "rule"),
    [
        ("volumes: {a: {driver: nfs}}", "volume"),
        ("volumes: {a: {driver_opts: {type: none, o: bind, device: /etc}}}", "volume"),
        ("volumes: {a: {external: true}}", "volume"),
        ("volumes: {'a/b': {}}", "volume"),
        ("volumes: {a: {x: 1}}", "unknown-key"),
        ("volumes: [a]", "type"),
        ("networks: {a: {external: true}}", "network"),
        ("networks: {a: {driver: host}}", "network"),
        ("networks: {a: {driver_opts: {x: y}}}", "network"),
        ("networks: {a: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}", "network"),
        ("networks: {'a b': {}}", "network"),
        ("secrets: {a: {external: true}}", "secret"),
        ("secrets: {a: {}}", "secret"),
        ("secrets: {a: {file: a, environment: B}}", "secret"),
        ("secrets: {a: {environment: NOT_GIVEN}}", "secret"),
        ("secrets: {a: {file: /etc/shadow}}", "outside"),
        ("secrets: {a: {file: nowhere}}", "missing"),
        ("secrets: {a: {file: big}}", "text"),
        ("secrets: {'../a': {content: x}}", "secret"),
        ("secrets: {a: {driver: x, content: y}}", "secret"),
        ("include: [other.yaml]", "forbidden"),
        ("service: {}", "unknown-key"),
        ("name: [", "yaml"),
    ],
)
def test_what_the_file_may_not_have_is_refused(tmp_path: Path, top: str, rule: str) -> None:
    error = compose_refused(tmp_path, f"{WEB}{top}\n", {"big": "x" * 300_000})
    assert error.rule.partition(".")[2] == rule
    assert error.where.startswith("compose.yaml:4")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "type"),
        ("- a", "type"),
        ("services: []", "type"),
        ("services: {}", "required"),
        ("services:\n  web:", "type"),
        ("services:\n  web: build", "type"),
        ("services: {web: {}}", "image"),
        ("services: {web: {image: nginx}}", "image"),
        ("services: {web: {image: mde-grade/lab-02-reference}}", "image"),
        ("services: {WEB: {build: .}}", "service-name"),
        ("services: {lab-front: {build: .}}", "service-name"),
        ("services: {web: {build: .}, a/b: {build: .}}", "service-name"),
        ("services: {web: {build: https://github.com/a/b.git}}", "build-context"),
        ("services: {web: {build: 'git@github.com:a/b'}}", "build-context"),
        ("services: {web: {build: nowhere}}", "build-context"),
        ("services: {web: {build: Dockerfile}}", "build-context"),
        ("services: {web: {build: ..}}", "outside"),
        ("services: {web: {build: {context: ., dockerfile: ../x}}}", "outside"),
        ("services: {web: {build: {context: ., dockerfile: x}}}", "missing"),
        ("services: {web: {build: {context: ., target: x}}}", "target"),
        ("services: {web: {build: {context: ., network: host}}}", "build"),
        ("services: {web: {build: {context: ., ssh: [default]}}}", "build"),
        ("services: {web: {build: {context: ., secrets: [a]}}}", "build"),
        ("services: {web: {build: {additional_contexts: {a: /}}}}", "build"),
        ("services: {web: {build: {contxt: .}}}", "unknown-key"),
        ("services: {web: {build: {dockerfile_inline: FROM evil}}}", "base"),
        ("services: {web: {build: ., profiles: [x]}}", "required"),
        ("services: {web: {build: .}, b: {build: ., depends_on: [c]}, c: {build: ., profiles: [x]}}", "depends-on"),
        ("services: {web: {build: ., depends_on: [b]}, b: {build: ., depends_on: [web]}}", "cycle"),
        ("services: {web: {build: ., container_name: b}, b: {build: .}}", "alias"),
        ("services: {web: {build: ., links: ['b:web']}, b: {build: .}}", "alias"),
    ],
)
def test_services_that_cannot_be_started_are_refused(tmp_path: Path, text: str, rule: str) -> None:
    assert compose_refused(tmp_path, text, required=("web",)).rule.partition(".")[2] == rule


def test_missing_and_too_many_services_are_named(tmp_path: Path) -> None:
    error = compose_refused(tmp_path, WEB, required=("web", "db", "cache"))
    assert "db, cache" in error.message
    many = "services:\n" + "".join(f"  s{n}: {{build: .}}\n" for n in range(7))
    assert compose_refused(tmp_path, many).rule == "compose.too-many"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ("command: sh -c evil", "image-override"),
        ("entrypoint: [sh]", "image-override"),
        ("configs: [c]", "image-override"),
        ("environment: {LD_PRELOAD: /run/secrets/x}", "image-environment"),
        ("environment: [path=/x]", "image-environment"),
        ("environment: {GLIBC_TUNABLES: x}", "image-environment"),
        ("environment: {PGPORT: '1'}", "image-environment"),
        ("environment: {PGDATA: /nowhere}", "image-environment"),
        ("environment: {PGDATA: /var/lib/postgresql/data-2}", "image-environment"),
        ("environment: {POSTGRES_PASSWORD_FILE: /dev/zero}", "image-environment"),
        ("secrets: [{source: s, target: /opt/mde/start.sh}]", "image-override"),
        ("secrets: [{source: s, target: /etc/ld.so.preload}]", "image-override"),
        ("volumes: [v:/usr/local/bin]", "target"),
    ],
)
def test_the_lab_s_own_images_run_as_the_lab_built_them(tmp_path: Path, lines: str, rule: str) -> None:
    top = "configs: {c: {content: x}}\nsecrets: {s: {content: x}}\nvolumes: {v: }\n"
    text = f"{WEB}  db:\n    image: postgres:15\n{indented(lines)}{top}"
    assert compose_refused(tmp_path, text).rule == f"compose.{rule}"


@pytest.mark.parametrize("more", ["PGPORT: '5432'", "PGDATA: /var/lib/postgresql/data/pgdata", "PGUSER: me"])
def test_a_lab_image_takes_what_people_give_the_official_one(tmp_path: Path, more: str) -> None:
    lines = f"secrets: [s]\nenvironment: {{POSTGRES_PASSWORD_FILE: /run/secrets/s, {more}}}"
    done = compose(tmp_path, f"{WEB}  db:\n    image: postgres:15\n{indented(lines)}secrets: {{s: {{content: x}}}}\n")
    assert done.services[1].files == {"/run/secrets/s": b"x"}


@pytest.mark.parametrize(("mode", "refusal"), [("", "compose.volume-shared"), (":ro", None)])
def test_nobody_else_writes_to_a_lab_image_s_volume(tmp_path: Path, mode: str, refusal: str | None) -> None:
    text = (
        f"{WEB}{indented(f'volumes: [v:/spy{mode}]')}"
        "  db:\n    image: postgres:15\n    volumes: [v:/var/lib/postgresql/data]\nvolumes: {v: }\n"
    )
    if refusal is None:
        assert compose(tmp_path, text).services[0].mounts[0].read_only
    else:
        assert compose_refused(tmp_path, text).rule == refusal


def test_a_hardened_lab_image_is_accepted_with_notes(tmp_path: Path) -> None:
    lines = "user: postgres\nread_only: true\ntmpfs: [/run]\ncap_add: [CHOWN]\nvolumes: ['v:/var/lib/postgresql/data']"
    done = compose(tmp_path, f"{WEB}  db:\n    image: postgres:15\n{indented(lines)}volumes: {{v: }}\n")
    db = done.services[1]
    assert (db.user, db.read_only, db.tmpfs, db.capabilities) == (None, False, (), ())
    assert db.mounts == (Mount("v", "/var/lib/postgresql/data"),)
    assert sum("lab's own image" in note for note in done.notes) == 4


def test_a_service_says_how_it_runs(tmp_path: Path) -> None:
    lines = """command: gunicorn "my app" --bind :8080
entrypoint: [/bin/tini, --]
user: 1000:1000
working_dir: /srv
stop_signal: SIGINT
stop_grace_period: 1m30s
tmpfs: ["/run:size=64m,mode=1777", /tmp]
container_name: my-web
cap_drop: [ALL]
cap_add: [NET_BIND_SERVICE, cap_sys_admin]
security_opt: ["no-new-privileges:true"]
privileged: false
devices: []
networks: {front: {aliases: [www]}, back: }"""
    text = WEB + indented(lines) + "networks:\n  front:\n  back: {internal: true, driver: bridge}\n"
    done = compose(tmp_path, text, capabilities=("NET_BIND_SERVICE", "CHOWN"))
    (web,) = done.services
    assert web.command == ("gunicorn", "my app", "--bind", ":8080")
    assert web.entrypoint == ("/bin/tini", "--")
    assert (web.user, web.working_dir, web.stop_signal, web.stop_seconds) == ("1000:1000", "/srv", "SIGINT", 10.0)
    assert web.tmpfs == ("/run", "/tmp")
    assert web.aliases == ("my-web", "www")
    assert web.capabilities == ("NET_BIND_SERVICE",)
    assert done.asked_capabilities == {"web": ("NET_BIND_SERVICE", "SYS_ADMIN")}
    assert any("one network" in note for note in done.notes)


@pytest.mark.parametrize(
    ("drop", "kept"), [("", ("CHOWN", "KILL")), ("cap_drop: [CHOWN]", ("KILL",)), ("cap_drop: [all]", ())]
)
def test_capabilities_are_the_lab_s_less_what_is_given_up(tmp_path: Path, drop: str, kept: tuple[str, ...]) -> None:
    assert service(tmp_path, drop, capabilities=("CHOWN", "KILL")).capabilities == kept


def test_a_lab_may_leave_the_root_to_the_candidate(tmp_path: Path) -> None:
    assert not service(tmp_path, "", writable_root=True).read_only
    hardened = service(tmp_path, "read_only: true", writable_root=True)
    assert (hardened.read_only, hardened.tmpfs) == (True, ())
    assert service(tmp_path, "read_only: false").read_only


@pytest.mark.parametrize(
    ("period", "seconds"), [("5s", 5.0), ("1500ms", 1.5), ("1h", 10.0), ("0s", 0.0), ("1.5s", 1.5)]
)
def test_the_grace_is_the_candidate_s_up_to_ten_seconds(tmp_path: Path, period: str, seconds: float) -> None:
    assert service(tmp_path, f"stop_grace_period: {period}").stop_seconds == seconds


def test_variables_come_from_everywhere_in_compose_s_order(tmp_path: Path) -> None:
    lines = """env_file:
  - base.env
  - {path: not-there.env, required: false}
  - {path: more.env, format: raw}
environment:
  SITE_NAME:
  UNKNOWN:
  FROM_DOTENV: ${FROM_DOTENV}
  DB_PASSWORD: ${DB_PASSWORD:?set it}
  NUMBER: 5432
  FLAG: true
  BOTH: compose
  UNSET: ${NOT_THERE}"""
    files = {
        ".env": "FROM_DOTENV=dot\nSITE_NAME=theirs\n",
        "base.env": "A=1\nBOTH=file\nSITE=${SITE_NAME}\n",
        "more.env": "B='x'\n",
    }
    done = compose(tmp_path, WEB + indented(lines), files)
    assert done.services[0].environment == {
        "A": "1",
        "BOTH": "compose",
        "SITE": "acme",
        "B": "'x'",
        "SITE_NAME": "acme",
        "FROM_DOTENV": "dot",
        "DB_PASSWORD": "s3cret",
        "NUMBER": "5432",
        "FLAG": "true",
        "UNSET": "",
    }
    assert [note.split(":")[1] for note in done.notes] == ["16", "10"]


def test_nothing_comes_from_our_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MDE_TEST_SECRET", "ours")
    web = service(tmp_path, "environment: [MDE_TEST_SECRET, 'X=${MDE_TEST_SECRET}']")
    assert web.environment == {"X": ""}


def test_a_required_variable_says_what_the_lab_sets(tmp_path: Path) -> None:
    error = compose_refused(tmp_path, WEB + indented("environment: {A: '${API_KEY:?ask the boss}'}"))
    assert "API_KEY is required and has no value: ask the boss" in error.message
    assert "DB_PASSWORD, SITE_NAME" in error.hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [("${NAME", "both braces"), ("a$", "$$"), ("${-x}", "${NAME}"), ("${NAME!x}", "${NAME:-value}")],
)
def test_a_variable_that_is_written_wrong_says_how_it_is_written(tmp_path: Path, value: str, hint: str) -> None:
    error = compose_refused(tmp_path, WEB + indented(f"environment: {{A: '{value}'}}"))
    assert error.rule == "compose.variable"
    assert hint in error.hint
    assert "this lab sets" not in error.hint


def test_what_is_refused_tells_no_lab_s_story(tmp_path: Path) -> None:
    assert compose_refused(tmp_path, WEB + indented("privileged: true")).hint == (
        "remove it: services get no rights over the machine"
    )


def test_variables_have_a_cap(tmp_path: Path) -> None:
    error = compose_refused(tmp_path, WEB + indented(f"environment: {{A: {'x' * 70_000}}}"))
    assert error.rule == "compose.environment"
    dollars = WEB + indented("environment:\n" + "\n".join(f"  A{n}: '{'$A' * 60}'" for n in range(300)))
    assert compose_refused(tmp_path, dollars, values={"A": "x" * 1000}).rule == "compose.variable"


def test_volumes_are_mounted_short_and_long(tmp_path: Path) -> None:
    lines = """volumes:
  - data:/data
  - data:/again:ro
  - /anonymous
  - {type: volume, source: more, target: /more, read_only: true, volume: {nocopy: true}}
  - {type: tmpfs, target: /scratch, tmpfs: {size: 100}}"""
    top = "volumes:\n  data:\n  more: {driver: local, name: pretty}\n"
    done = compose(tmp_path, WEB + indented(lines) + top)
    assert done.services[0].mounts == (
        Mount("data", "/data"),
        Mount("data", "/again", read_only=True),
        Mount("anonymous-web-2", "/anonymous"),
        Mount("more", "/more", read_only=True),
    )
    assert done.services[0].tmpfs == ("/scratch", "/tmp")
    assert len(done.notes) == 2


def test_secrets_and_configs_become_files(tmp_path: Path) -> None:
    lines = """secrets:
  - from-lab
  - {source: from-file, target: other, mode: 0400}
configs:
  - text
  - {source: text, target: /etc/app/x.ini}"""
    top = """secrets:
  from-lab: {environment: DB_PASSWORD}
  from-file: {file: ./s.txt}
configs:
  text: {content: "site=${SITE_NAME}"}
"""
    assert service(tmp_path, lines, top, files={"s.txt": b"\xff"}).files == {
        "/run/secrets/from-lab": b"s3cret",
        "/run/secrets/other": b"\xff",
        "/text": b"site=acme",
        "/etc/app/x.ini": b"site=acme",
    }


@pytest.mark.parametrize("target", ["/proc/x", "../../x", "/"])
def test_a_secret_s_target_is_checked(tmp_path: Path, target: str) -> None:
    text = WEB + indented(f"secrets: [{{source: a, target: {target}}}]") + "secrets: {a: {content: x}}\n"
    assert compose_refused(tmp_path, text).rule == "compose.target"


def test_files_have_a_cap(tmp_path: Path) -> None:
    targets = ", ".join(f"{{source: a, target: t{n}}}" for n in range(6))
    text = WEB + indented(f"secrets: [{targets}]") + "secrets: {a: {file: a}}\n"
    assert compose_refused(tmp_path, text, {"a": "x" * 200_000}).rule == "compose.files-size"


def test_health_is_waited_for_and_starting_is_not(tmp_path: Path) -> None:
    text = """services:
  web: {build: ., depends_on: {db: {condition: service_healthy}, job: {condition: service_started, restart: true}}}
  job: {build: ., depends_on: [db], links: ["db:database"]}
  db: {image: "postgres:15"}
"""
    web, job, db = compose(tmp_path, text).services
    assert web.requires == ("db",)
    assert job.requires == ()
    assert db.aliases == ("database",)


def test_services_with_the_same_build_share_it(tmp_path: Path) -> None:
    text = """services:
  web: {build: ., image: "acme/app:1"}
  worker: {build: {context: .}, command: work}
  cron: {image: "acme/app:1"}
  other: {build: {context: ., args: {A: b}}}
"""
    done = compose(tmp_path, text)
    assert [spec.image for spec in done.services] == ["build:web", "build:web", "build:web", "build:other"]
    assert list(done.builds) == ["web", "other"]
    assert done.builds["other"].arguments == {"A": "b"}


def test_a_build_says_where_and_what(tmp_path: Path) -> None:
    text = """services:
  web:
    build:
      context: ./app
      dockerfile: ../docker/web.Dockerfile
      target: Final
      args: [V=3.11-slim, SITE_NAME, NOT_SET]
      tags: [x]
"""
    files = {
        "app/.dockerignore": "x\n",
        "docker/web.Dockerfile": "ARG V\nFROM python:$V AS final\nFROM unknown\n",
    }
    done = compose(tmp_path, text, files)
    plan = done.builds["web"]
    assert (plan.context, plan.dockerfile, plan.target) == ("app", "docker/web.Dockerfile", "final")
    assert plan.arguments == {"V": "3.11-slim", "SITE_NAME": "acme"}
    assert plan.excludes == ("x",)
    assert plan.base == "python:3.11-slim"
    assert done.notes == ("compose.yaml:8: `build.tags` has no effect here",)


def test_a_dockerfile_inside_the_compose_file_is_read_with_its_lines(tmp_path: Path) -> None:
    text = "services:\n  web:\n    build:\n      dockerfile_inline: |\n        FROM scratch\n        USER a\n"
    assert "USER a" in compose(tmp_path, text).builds["web"].text
    assert compose_refused(tmp_path, text.replace("USER", "ONBUILD")).where == "compose.yaml:6"


def test_without_effect_is_told_and_the_harmless_is_not(tmp_path: Path) -> None:
    lines = (
        "ports: ['80:80']\nrestart: always\nhealthcheck: {test: x}\nmem_limit: 1g\nexpose: [80]\ninit: true\nx-mine: 1"
    )
    notes = compose(tmp_path, WEB + indented(lines)).notes
    assert [note.split("`")[1] for note in notes] == ["ports", "restart", "healthcheck", "mem_limit"]
    assert notes[0].startswith("compose.yaml:4: `ports` of web has no effect: ")
    assert notes[2].startswith("compose.yaml:6: `healthcheck` of web is not run: the lab looks for itself")


def test_a_typing_error_is_guessed(tmp_path: Path) -> None:
    assert compose_refused(tmp_path, WEB + indented("enviroment: {}")).hint == "did you mean `environment`?"


def test_services_with_profiles_are_left_out_even_when_they_could_not_be_started(tmp_path: Path) -> None:
    done = compose(tmp_path, WEB + "  admin: {image: pgadmin, privileged: true, profiles: [dev]}\n")
    assert [spec.name for spec in done.services] == ["web"]
    assert "profiles" in done.notes[0]


def test_further_keys_of_one_s_own_are_free(tmp_path: Path) -> None:
    text = "x-env: &env {A: '${', B: 1}\nversion: 3.8\nname: $SITE_NAME\n" + WEB
    assert "x-env" not in compose(tmp_path, text).compose
    assert compose(tmp_path, text).compose["name"] == "acme"


def test_the_lab_s_image_volumes_may_be_keyed_by_either_name(tmp_path: Path) -> None:
    text = f"{WEB}  db: {{image: 'postgres:15', volumes: ['v:/d']}}\nvolumes: {{v: }}\n"
    assert compose(tmp_path, text, image_volumes={"postgres:15": ("/d",)}).services[1].mounts == (Mount("v", "/d"),)
    assert LAB.image_volumes != {}


def test_the_name_that_a_link_gives_is_checked(tmp_path: Path) -> None:
    text = "services: {web: {build: ., links: ['b:not a name']}, b: {build: .}}"
    assert compose_refused(tmp_path, text).rule == "compose.alias"


def test_what_is_written_into_the_file_has_a_cap(tmp_path: Path) -> None:
    text = WEB + indented("configs: [a]") + 'configs: {a: {content: "' + "\\L" * 100_000 + '"}}\n'  # three bytes each
    assert compose_refused(tmp_path, text).rule == "compose.files-size"


def test_neither_true_nor_false_is_told(tmp_path: Path) -> None:
    error = compose_refused(tmp_path, WEB + indented("read_only: perhaps"))
    assert (error.rule, "true or false" in error.message) == ("compose.type", True)


def test_notes_are_kept_once_and_so_many_at_the_most() -> None:
    notes = Notes()
    for number in range(1000):
        notes.add(f"line {number % 500}")
    assert notes.lines()[:2] == ("line 0", "line 1")
    assert len(set(notes.lines())) == len(notes.lines()) == _MAX_NOTES


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    os.mkfifo(tmp_path / "x" / "web.env")
    assert compose_refused(tmp_path / "x", WEB + indented("env_file: web.env")).hint


def test_a_variable_s_true_is_true(tmp_path: Path) -> None:
    web = service(tmp_path, 'read_only: "true"', writable_root=True)
    assert web.read_only
    assert not service(tmp_path, 'read_only: "False"', writable_root=True).read_only


def test_a_folder_that_is_not_there_holds_nothing_to_add(tmp_path: Path) -> None:
    build = '{context: nowhere, dockerfile_inline: "FROM scratch\\nADD a /x\\n"}'
    assert compose_refused(tmp_path, f"services: {{web: {{build: {build}}}}}").hint


def test_a_service_that_others_wait_for_to_end_is_awaited(tmp_path: Path) -> None:
    text = WEB + indented("depends_on: {migrate: {condition: service_completed_successfully}}")
    plan = compose(tmp_path, text + "  migrate:\n    build: .\n")
    web = next(service for service in plan.services if service.name == "web")
    assert (web.awaits, web.requires) == (("migrate",), ())
