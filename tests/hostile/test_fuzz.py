"""Odd submissions: whatever is handed in is refused in words or graded; nothing else is ever raised."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mde_grader.errors import SubmissionRefusedError, UsageError
from mde_grader.labs import load_lab
from mde_grader.plans import Plan
from mde_grader.runtimes.policy import plan
from mde_grader.submissions import stage
from tests.hostile.canaries import Canaries
from tests.hostile.cell import EngineUnderTest
from tests.hostile.engine_view import settled, view
from tests.hostile.grading import DEADLINE, LABS, Desk
from tests.hostile.oracle import Case, broken_promises

SEED = 20261123
ROUNDS = 60
"""Mutations of each file from each start; a round takes about a millisecond."""
BASE = "python:3.11-slim-bookworm"

DOCKERFILE = f"""# syntax=docker/dockerfile:1
ARG TAG=3.11-slim-bookworm
FROM python:$TAG AS build
WORKDIR /srv
COPY --chown=10001:10001 app.py ./
RUN --mount=type=cache,target=/root/.cache \\
    echo one && \\
    echo "two three"
FROM {BASE}
ENV A=1 B="two words" C=$A
LABEL org.example="x"
COPY --from=build /srv /srv
RUN <<EOF
echo hello
EOF
USER 10001
EXPOSE 8080/tcp
HEALTHCHECK --interval=5s CMD ["true"]
ENTRYPOINT ["python3", "-u"]
CMD ["/srv/app.py"]
"""
COMPOSE = """x-common: &common
  build:
    context: .
    dockerfile: Dockerfile
    args: {TAG: 3.11-slim-bookworm}
  environment:
    - NAME=${NAME:-nobody}
    - OTHER
services:
  web:
    <<: *common
    read_only: true
    tmpfs: ["/tmp:size=10m"]
    ports: ["8080:8080"]
    volumes:
      - data:/data
      - type: volume
        source: data
        target: /more
    depends_on:
      worker: {condition: service_started}
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    stop_grace_period: 3s
    cap_drop: [ALL]
    secrets: [key]
  worker:
    <<: *common
    command: python3 -c 'import time; time.sleep(9)'
    env_file: .env
volumes: {data: {}}
secrets:
  key: {environment: NAME}
networks:
  default: {}
"""
IGNORE = "**/*.pyc\n!keep.pyc\n/secrets\n[a-z]*\\?\n"
DOTENV = "NAME=value\nexport B='two words'\nC=${NAME}\n# comment\nD=\"a\\nb\"\n"
FILES = {"Dockerfile": DOCKERFILE, "compose.yaml": COMPOSE, ".dockerignore": IGNORE, ".env": DOTENV}

TOKENS = (
    *(
        "${",
        "}",
        "$$",
        "${A:-${B:?c}}",
        "$",
        "&a",
        "*a",
        "<<: *common",
        "!!python/name:os.system",
        "!!binary x",
        "%YAML 9.9",
    ),
    *(
        "- ",
        ": ",
        ":",
        "#",
        "---",
        "...",
        "|",
        ">-",
        "'",
        '"',
        "[",
        "]",
        "{",
        "}",
        "\\",
        "\\\n",
        "`",
        "<<EOF",
        "EOF",
        "<<-'X'",
    ),
    *(
        "FROM ",
        "FROM scratch\n",
        "ONBUILD RUN x\n",
        "ADD http://x y\n",
        "COPY --from=9 / /\n",
        "AS ",
        "--from=",
        "--mount=type=bind",
    ),
    *(
        "null",
        "~",
        "1e999",
        ".inf",
        ".nan",
        "-1",
        "0x10",
        "2026-01-01",
        "yes",
        "1_000",
        "1:30",
        "=",
        "9" * 400,
        "-" * 300,
    ),
    *(
        "\0",
        "\x1b[2J",
        "\u202e",
        "\ufeff",
        "\u2028",
        "\x85",
        "\ud7ff",
        "\t",
        "\r",
        "\n\n",
        " " * 300,
        "é" * 300,
        "😀",
        "../",
        "/",
        "~/",
    ),
)


def mutate(text: str, chance: random.Random) -> bytes:
    """One to four small damages: to bytes, to lines, or by words that mean something to a parser."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(DAMAGES)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.randrange(1, 60) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(TOKENS).encode("utf-8", "surrogatepass") + data[place:]


def _lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == 1:
        lines.insert(one, lines[two])
    elif kind == 2:
        del lines[one]
    else:
        lines[one] = b" " * chance.randrange(9) + lines[one].lstrip()
    return b"\n".join(lines)


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    piece = data[start : start + chance.randrange(1, 40)]
    return data[:start] + piece * chance.choice((2, 50, 3000)) + data[start:]


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _cut, _insert, _insert, _lines, _lines, _repeat)


def look_at(submission: Path, work: Path, lab: str) -> Plan | None:
    """Stage and plan, as an attempt does; None when it was refused in words."""
    environment = load_lab(lab, LABS).environment()
    try:
        staged = stage(submission, work)
        return plan(staged.root, environment, {"CANARY": "tweet"}, {BASE: "mde-grade/from-python:0"}, label=lab)
    except (SubmissionRefusedError, UsageError) as refusal:
        message = refusal.message
    assert message.strip()
    assert "\x1b" not in message
    return None


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, data in {"app.py": b"", **files}.items():
        (folder / name).write_bytes(data)
    return folder


def test_the_seeds_themselves_are_accepted(tmp_path: Path) -> None:
    given = write(tmp_path / "s", {name: text.encode() for name, text in FILES.items()})
    assert look_at(given, tmp_path / "w", "lab-hostile") is not None


@pytest.mark.parametrize("lab", ["lab-hostile", "lab-hostile-bare"])
@pytest.mark.parametrize("victim", FILES)
def test_damaged_files_are_refused_in_words_or_planned(victim: str, lab: str, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED}{victim}{lab}")  # noqa: S311
    ends = []
    for number in range(ROUNDS):
        files = {name: text.encode() for name, text in FILES.items()} | {victim: mutate(FILES[victim], chance)}
        given = write(tmp_path / f"s{number}", files)
        try:
            ends.append(look_at(given, tmp_path / f"w{number}", lab))
        except BaseException:
            print(f"round {number}: {files[victim]!r}")  # noqa: T201
            raise
    assert len(ends) == ROUNDS


APP = (Path(__file__).parent / "cases/P00-honest/submission/app.py").read_text()
HEAD = f"FROM {BASE}\nCOPY app.py /srv/app.py\n"
ODD = {
    "no-command": HEAD + "USER 10001\nENTRYPOINT []\nCMD []\n",
    "entrypoint-is-a-folder": HEAD + 'USER 10001\nENTRYPOINT ["/srv"]\n',
    "nobody-such": HEAD + 'USER nobody-such\nCMD ["python3", "/srv/app.py"]\n',
    "no-such-group": HEAD + 'USER 10001:no-such-group\nCMD ["python3", "/srv/app.py"]\n',
    "workdir-is-a-file": HEAD + 'RUN touch /here\nWORKDIR /here\nCMD ["python3", "/srv/app.py"]\n',
    "expose-nonsense": HEAD + 'EXPOSE 99999/quic\nCMD ["python3", "/srv/app.py"]\n',
    "ends-at-once": HEAD + 'USER 10001\nENTRYPOINT ["true"]\n',
    "ends-badly": HEAD + 'USER 10001\nENTRYPOINT ["sh", "-c", "exit 137"]\n',
    "kills-itself": HEAD + 'USER 10001\nENTRYPOINT ["sh", "-c", "kill -9 $$$$; kill -9 -1; kill -9 1"]\n',
    "kills-all-it-sees": HEAD + 'USER 10001\nENTRYPOINT ["python3", "-c", "import os; os.kill(-1, 9)"]\n',
    "no-shell": HEAD + "RUN rm -f /bin/sh /bin/dash /bin/bash\nUSER 10001\nCMD sleep 60\n",
    "empty-path": HEAD + 'ENV PATH=\nUSER 10001\nCMD ["python3", "/srv/app.py"]\n',
    "not-a-program": HEAD + 'RUN head -c 4096 /dev/urandom > /x && chmod 755 /x\nUSER 10001\nCMD ["/x"]\n',
    "no-interpreter": HEAD + "RUN printf '#!/no/such\\n' > /x && chmod 755 /x\nUSER 10001\nCMD [\"/x\"]\n",
    "volume-over-root": HEAD + 'VOLUME ["/srv", "/tmp", "/etc"]\nUSER 10001\nCMD ["sleep", "60"]\n',
    "stop-signal-nonsense": HEAD + 'STOPSIGNAL SIGNOTHING\nUSER 10001\nCMD ["sleep", "60"]\n',
    "odd-environment": HEAD + 'ENV A="\\x1b[2J" LD_PRELOAD=/x LANG=xx TZ=../../etc\nUSER 10001\nCMD ["sleep", "60"]\n',
    "passwd-says-zero": HEAD + 'RUN echo \'web:x:0:0::/:/bin/sh\' >> /etc/passwd\nUSER web\nCMD ["sleep", "60"]\n',
    "passwd-is-a-pipe": HEAD
    + 'RUN useradd web && rm /etc/passwd && mkfifo /etc/passwd\nUSER web\nCMD ["sleep", "60"]\n',
    "group-is-a-linked-pipe": HEAD + 'RUN mkfifo /p && ln -sf /p /etc/group\nUSER 10001\nCMD ["sleep", "60"]\n',
    "passwd-is-a-device": HEAD + 'RUN ln -sf /dev/full /etc/passwd\nUSER 10001\nCMD ["sleep", "60"]\n',
    "passwd-becomes-a-pipe": HEAD
    + """RUN chmod 777 /etc && cp /srv/app.py /tmp/app.py
CMD ["sh", "-c", "rm -f /etc/passwd; mkfifo /etc/passwd; exec sleep 60"]
""",
    "passwd-is-a-link": HEAD + 'RUN ln -sf /proc/self/environ /etc/passwd\nUSER web\nCMD ["sleep", "60"]\n',
    "app-is-a-pipe": HEAD + 'RUN rm /srv/app.py && mkfifo /srv/app.py\nUSER 10001\nCMD ["sleep", "60"]\n',
    "app-is-a-device-link": HEAD + 'RUN ln -sf /dev/zero /srv/app.py\nUSER 10001\nCMD ["sleep", "60"]\n',
    "proc-name": HEAD
    + """USER 10001
CMD ["python3", "-c", "import time; open('/proc/self/comm', 'w').write(') Z 0 ('); time.sleep(60)"]
""",
}


@pytest.mark.engine
@pytest.mark.parametrize("name", ODD)
def test_odd_submissions_fail_and_never_err(
    name: str, engine: EngineUnderTest, canaries: Canaries, tmp_path: Path
) -> None:
    folder = tmp_path / name
    (folder / "submission").mkdir(parents=True)
    (folder / "submission" / "Dockerfile").write_text(ODD[name])
    (folder / "submission" / "app.py").write_text(APP)
    (folder / "submission" / "compose.yaml").write_text("services:\n  web:\n    build: .\n")
    told = {"lab": "lab-hostile", "exit": 1, "verdict": "failed", "max_score": 25}
    case = Case(name, folder, json.loads(json.dumps(told)))
    desk = Desk(engine, tmp_path / "desk", {})
    before, free = view(engine), engine.free()
    seen = desk.grade(case)
    _, left = settled(engine, before)
    traces = desk.traces(disk_after=free - engine.free(), engine=left, secrets=canaries.secrets())
    wrong = broken_promises(case, seen, traces, deadline=DEADLINE)
    assert not wrong, "\n" + "\n".join(wrong)
