"""What the desk answers, says of itself and writes down."""

import re
import secrets
import time
import zlib
from collections.abc import Callable, Mapping

from graders.containers.answers import fields, number
from graders.containers.history import needles_told
from mde_grader.checking import eventually, expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import BuiltImage, Stack

PRICES = {
    "parcels": ((500, 390), (501, 490), (1_999, 690), (5_000, 890), (9_001, 1290), (31_500, 1990)),
    "lending": ((1, 120), (14, 120), (15, 165), (21, 165), (22, 210), (84, 570)),
}
"""Grams or days, and cents, on both sides of the tariff's steps."""

PRINTING_SECONDS = 0.5
"""The wait before a label is printed, with a little room for clocks."""

Take = Callable[..., dict[str, object]]
Words = Mapping[str, str]


@requirement("answers")
def test_what_was_taken_in(probe: Probe, take: Take, desk: str, words: Words) -> None:
    """What was taken in at the desk can be looked up, at the tariff's price."""
    measure, cents = secrets.choice(PRICES[words["application"]])
    item = take(measure=measure)
    answer = probe.get(f"{desk}/{words['items']}/{item['id']}")
    expect(
        answer.status == 200 and fields(answer) == item and item.get(words["price"]) == cents,
        expected=f"GET /{words['items']}/<id> gives the {words['item']} back; "
        f"“{words['measure']}”: {measure} costs {cents} cents",
        seen=f"status {answer.status}: {answer.text[:300]}",
        look=f"curl -i localhost:{words['port']}/{words['items']}/{item['id']}",
    )
    nobody = 900_000_000 + secrets.randbelow(99_999_999)
    missing = probe.get(f"{desk}/{words['items']}/{nobody}").status
    expect(
        missing == 404,
        expected=f"404 for a {words['item']} that there is not",
        seen=f"status {missing}",
        look=f"curl -i localhost:{words['port']}/{words['items']}/987654321",
    )


@requirement("answers")
def test_attachment(probe: Probe, take: Take, desk: str, words: Words) -> None:
    """A scan that was attached comes back byte for byte."""
    place = f"{desk}/{words['items']}/{take()['id']}/{words['scan']}"
    scan = secrets.token_bytes(5_000)
    put = probe.post(place, data=scan)
    probe.post(f"{desk}/{words['items']}/{take()['id']}/{words['scan']}", data=secrets.token_bytes(100))
    back = probe.get(place)
    path = f"/{words['items']}/1/{words['scan']}"
    expect(
        put.status == 201 and back.status == 200 and back.body == scan,
        expected=f"201 for POST {path}, and the same bytes on GET",
        seen=f"status {put.status} on POST, {back.status} with {len(back.body)} of {len(scan)} bytes on GET",
        look=f"curl -i --data-binary @scan.png localhost:{words['port']}{path}; docker compose logs {words['web']}",
        said=put.text if put.status != 201 else "",
    )


@requirement("answers")
def test_home(probe: Probe, desk: str, words: Words) -> None:
    """The home page and /healthz are served."""
    for path in ("/", "/healthz"):
        status = probe.get(f"{desk}{path}").status
        expect(
            status == 200,
            expected=f"200 from GET {path}",
            seen=f"status {status}",
            look=f"curl -i localhost:{words['port']}{path}",
        )


@requirement("configured")
def test_site_name(
    probe: Probe, given: Mapping[str, str], distinct: dict[str, BuiltImage], desk: str, words: Words
) -> None:
    """The home page shows the name that the environment gives it, and the image does not know it."""
    page, variable = probe.get(f"{desk}/"), words["site"]
    expect(
        given[variable] in page.text,
        expected=f"“{given[variable]}”, the {variable} of this attempt, on the home page",
        seen=page.text[:300],
        look=f"{variable}=Harbour docker compose up -d && curl localhost:{words['port']}/",
    )
    for name, image in distinct.items():
        told = [where for _, where in needles_told(image, (given[variable],))]
        expect(
            not told,
            expected=f"{variable} reaches the container when it starts, so that one image serves every site",
            seen=f"{name}: its value was built into {', '.join(told)}",
            look=f"docker history --no-trunc $(docker compose images -q {name})",
        )


@requirement("configured")
def test_database_password(stack: Stack, given: Mapping[str, str], words: Words) -> None:
    """The database is protected by the password that DB_PASSWORD gives it."""
    database = stack[words["db"]].spec
    secret = given["DB_PASSWORD"].encode()
    told = [value.encode() for value in database.environment.values()] + list(database.files.values())
    expect(
        secret in [value.strip() for value in told],
        expected=f"the service {words['db']} gets the value of DB_PASSWORD as POSTGRES_PASSWORD "
        "or in POSTGRES_PASSWORD_FILE",
        seen="another password in its environment and its secrets",
        look="DB_PASSWORD=secret docker compose config | grep -n PASSWORD",
    )
    method = database.environment.get("POSTGRES_HOST_AUTH_METHOD", "")
    expect(
        method != "trust",
        expected="nobody gets into the database without the password",
        seen="POSTGRES_HOST_AUTH_METHOD: trust, with which every password is the right one",
        look="docker compose config | grep -n AUTH_METHOD",
    )


@requirement("stdout-logs")
def test_request_is_logged(  # noqa: PLR0913, PLR0917 - one argument a fixture
    stack: Stack, probe: Probe, take: Take, own: tuple[str, ...], desk: str, words: Words
) -> None:
    """A request shows up in the container's log with its path, whether it was answered well or with 404."""
    paths = (f"/{secrets.token_hex(8)}", f"/{words['items']}/{take()['id']}")
    for path in paths:
        probe.get(f"{desk}{path}")
    for attempt in eventually(seconds=3):
        with attempt:
            logs = {name: stack[name].logs() for name in own}
            unseen = [path for path in paths if not any(_names(log, path) for log in logs.values())]
            expect(
                not unseen,
                expected="a line about each request on standard output or standard error within 3 seconds",
                seen=f"no line about GET {', '.join(unseen)}",
                look=f"curl localhost:{words['port']}/something && docker compose logs {words['web']} | grep something",
                said=logs.get(words["web"], "")[-1500:],
            )


def _names(log: str, path: str) -> bool:
    return re.search(rf"{re.escape(path)}(?![\w/])", log) is not None


@requirement("jobs")
def test_label_is_printed(probe: Probe, take: Take, desk: str, words: Words) -> None:
    """What was ordered is printed, with the right text, within 10 seconds."""
    item = take()
    label = _label(item, words)
    job = _order_label(probe, item, desk, words)
    for attempt in eventually(seconds=10, interval=0.2):
        with attempt:
            answer = probe.get(f"{desk}/{words['jobs']}/{job}")
            expect(
                (fields(answer).get("state"), fields(answer).get(words["label"])) == (words["done"], label),
                expected=f"GET /{words['jobs']}/<id> says state “{words['done']}” and {words['label']} “{label}”",
                seen=f"status {answer.status}: {answer.text[:300]}",
                look="docker compose ps; docker compose logs worker",
            )


def _label(item: Mapping[str, object], words: Words) -> str:
    person = str(item[words["person"]]).encode()
    if words["application"] == "parcels":
        return f"ND{item['id']:08d}-{zlib.crc32(person):08X}"
    return f"LE-{zlib.adler32(person):08x}-{item['id']:06d}"


def _order_label(probe: Probe, item: Mapping[str, object], desk: str, words: Words) -> int | None:
    """Order a label and see that it is not done before it can be; where answers take long, that is tried again."""
    job, orders = None, f"/{words['jobs']}"
    for _ in range(5):
        began = time.monotonic()
        ordered = probe.post(f"{desk}{orders}", json={f"{words['item']}_id": item["id"]})
        job = number(ordered)
        expect(
            job is not None,
            expected=f"202 and JSON with a whole-number id from POST {orders}",
            seen=f"status {ordered.status}",
            said=ordered.text,
        )
        done = fields(probe.get(f"{desk}{orders}/{job}")).get("state") == words["done"]
        took = time.monotonic() - began
        expect(
            not done or took >= PRINTING_SECONDS,
            expected=f"the {words['label']} is made by {words['label']}.py, which takes its 0.6 seconds",
            seen=f"it was done {took:.2f} s after it was ordered",
            look=f"time curl localhost:{words['port']}{orders}/1, right after POST {orders}",
        )
        if not done:
            break
    return job
