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

WEB = "http://web:8080"
PRICES = ((500, 390), (501, 490), (1_999, 690), (5_000, 890), (9_001, 1290), (31_500, 1990))
"""Grams and cents, on both sides of the tariff's steps."""

PRINTING_SECONDS = 0.5
"""The wait in label.py, with a little room for clocks."""

Take = Callable[..., dict[str, object]]


@requirement("answers")
def test_parcel(probe: Probe, take: Take) -> None:
    """A parcel that was handed in can be looked up, at the tariff's price."""
    weight, cents = secrets.choice(PRICES)
    parcel = take(weight=weight)
    answer = probe.get(f"{WEB}/parcels/{parcel['id']}")
    expect(
        answer.status == 200 and fields(answer) == parcel and parcel.get("price_cents") == cents,
        expected=f"GET /parcels/<id> gives the parcel back; {weight} grams cost {cents} cents",
        seen=f"status {answer.status}: {answer.text[:300]}",
        look=f"curl -i localhost:8080/parcels/{parcel['id']}",
    )
    nobody = 900_000_000 + secrets.randbelow(99_999_999)
    missing = probe.get(f"{WEB}/parcels/{nobody}").status
    expect(
        missing == 404,
        expected="404 for a parcel that nobody handed in",
        seen=f"status {missing}",
        look="curl -i localhost:8080/parcels/987654321",
    )


@requirement("answers")
def test_attachment(probe: Probe, take: Take) -> None:
    """A scan that was attached to a parcel comes back byte for byte."""
    place = f"{WEB}/parcels/{take()['id']}/attachment"
    scan = secrets.token_bytes(5_000)
    put = probe.post(place, data=scan)
    probe.post(f"{WEB}/parcels/{take()['id']}/attachment", data=secrets.token_bytes(100))
    back = probe.get(place)
    expect(
        put.status == 201 and back.status == 200 and back.body == scan,
        expected="201 for POST /parcels/<id>/attachment, and the same bytes on GET",
        seen=f"status {put.status} on POST, {back.status} with {len(back.body)} of {len(scan)} bytes on GET",
        look="curl -i --data-binary @scan.png localhost:8080/parcels/1/attachment; docker compose logs web",
        said=put.text if put.status != 201 else "",
    )


@requirement("answers")
def test_home(probe: Probe) -> None:
    """The home page and /healthz are served."""
    for path in ("/", "/healthz"):
        status = probe.get(f"{WEB}{path}").status
        expect(
            status == 200,
            expected=f"200 from GET {path}",
            seen=f"status {status}",
            look=f"curl -i localhost:8080{path}",
        )


@requirement("configured")
def test_site_name(probe: Probe, given: Mapping[str, str], distinct: dict[str, BuiltImage]) -> None:
    """The home page shows the name that SITE_NAME gives it, and the image does not know it."""
    page = probe.get(f"{WEB}/")
    expect(
        given["SITE_NAME"] in page.text,
        expected=f"“{given['SITE_NAME']}”, the SITE_NAME of this attempt, on the home page",
        seen=page.text[:300],
        look="SITE_NAME=Harbour docker compose up -d && curl localhost:8080/",
    )
    for name, image in distinct.items():
        told = [where for _, where in needles_told(image, (given["SITE_NAME"],))]
        expect(
            not told,
            expected="SITE_NAME reaches the container when it starts, so that one image serves every site",
            seen=f"{name}: its value was built into {', '.join(told)}",
            look=f"docker history --no-trunc $(docker compose images -q {name})",
        )


@requirement("configured")
def test_database_password(stack: Stack, given: Mapping[str, str]) -> None:
    """The database is protected by the password that DB_PASSWORD gives it."""
    database = stack["db"].spec
    secret = given["DB_PASSWORD"].encode()
    told = [value.encode() for value in database.environment.values()] + list(database.files.values())
    expect(
        secret in [value.strip() for value in told],
        expected="the service db gets the value of DB_PASSWORD as POSTGRES_PASSWORD or in POSTGRES_PASSWORD_FILE",
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
def test_request_is_logged(stack: Stack, probe: Probe, take: Take, own: tuple[str, ...]) -> None:
    """A request shows up in the container's log with its path, whether it was answered well or with 404."""
    paths = (f"/{secrets.token_hex(8)}", f"/parcels/{take()['id']}")
    for path in paths:
        probe.get(f"{WEB}{path}")
    for attempt in eventually(seconds=3):
        with attempt:
            logs = {name: stack[name].logs() for name in own}
            unseen = [path for path in paths if not any(_names(log, path) for log in logs.values())]
            expect(
                not unseen,
                expected="a line about each request on standard output or standard error within 3 seconds",
                seen=f"no line about GET {', '.join(unseen)}",
                look="curl localhost:8080/something && docker compose logs web | grep something",
                said=logs.get("web", "")[-1500:],
            )


def _names(log: str, path: str) -> bool:
    return re.search(rf"{re.escape(path)}(?![\w/])", log) is not None


@requirement("jobs")
def test_label_is_printed(probe: Probe, take: Take) -> None:
    """A label that was ordered is printed, with the right text, within 10 seconds."""
    parcel = take()
    label = f"ND{parcel['id']:08d}-{zlib.crc32(str(parcel['recipient']).encode()):08X}"
    job = _order_label(probe, parcel)
    for attempt in eventually(seconds=10, interval=0.2):
        with attempt:
            answer = probe.get(f"{WEB}/jobs/{job}")
            expect(
                (fields(answer).get("state"), fields(answer).get("label")) == ("done", label),
                expected=f"GET /jobs/<id> says state “done” and label “{label}”",
                seen=f"status {answer.status}: {answer.text[:300]}",
                look="docker compose ps; docker compose logs worker",
            )


def _order_label(probe: Probe, parcel: Mapping[str, object]) -> int | None:
    """Order a label and see that it is not done before it can be; where answers take long, that is tried again."""
    job = None
    for _ in range(5):
        began = time.monotonic()
        ordered = probe.post(f"{WEB}/jobs", json={"parcel_id": parcel["id"]})
        job = number(ordered)
        expect(
            job is not None,
            expected="202 and JSON with the job's whole-number id from POST /jobs",
            seen=f"status {ordered.status}",
            said=ordered.text,
        )
        done = fields(probe.get(f"{WEB}/jobs/{job}")).get("state") == "done"
        took = time.monotonic() - began
        expect(
            not done or took >= PRINTING_SECONDS,
            expected="the label is made by label.py, which takes its 0.6 seconds",
            seen=f"it was done {took:.2f} s after it was ordered",
            look="time curl localhost:8080/jobs/1, right after POST /jobs",
        )
        if not done:
            break
    return job
