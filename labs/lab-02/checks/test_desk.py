"""What the desk answers, says of itself and writes down."""

import secrets
import zlib
from collections.abc import Callable, Mapping

from graders.containers.answers import fields, number
from mde_grader.checking import eventually, expect, requirement
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack

WEB = "http://web:8080"

Take = Callable[..., dict[str, object]]


@requirement("answers")
def test_parcel(probe: Probe, take: Take) -> None:
    """A parcel that was handed in can be looked up."""
    parcel = take()
    answer = probe.get(f"{WEB}/parcels/{parcel['id']}")
    expect(
        answer.status == 200 and fields(answer) == parcel and parcel.get("price_cents") == 490,
        expected="GET /parcels/<id> gives the parcel back; 750 grams cost 490 cents",
        seen=f"status {answer.status}: {answer.text[:300]}",
        look=f"curl -i localhost:8080/parcels/{parcel['id']}",
    )
    missing = probe.get(f"{WEB}/parcels/987654321").status
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
def test_site_name(probe: Probe, given: Mapping[str, str]) -> None:
    """The home page shows the name that SITE_NAME gives it."""
    page = probe.get(f"{WEB}/")
    expect(
        given["SITE_NAME"] in page.text,
        expected=f"“{given['SITE_NAME']}”, the SITE_NAME of this attempt, on the home page",
        seen=page.text[:300],
        look="SITE_NAME=Harbour docker compose up -d && curl localhost:8080/",
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


@requirement("stdout-logs")
def test_request_is_logged(stack: Stack, probe: Probe, own: tuple[str, ...]) -> None:
    """A request shows up in the container's log with its path."""
    marker = f"lost-{secrets.token_hex(6)}"
    probe.get(f"{WEB}/{marker}")
    for attempt in eventually(seconds=3):
        with attempt:
            logs = {name: stack[name].logs() for name in own}
            expect(
                any(marker in log for log in logs.values()),
                expected=f"a line about GET /{marker} on standard output or standard error within 3 seconds",
                seen="no such line",
                look="curl localhost:8080/something && docker compose logs web | grep something",
                said=logs.get("web", "")[-1500:],
            )


@requirement("jobs")
def test_label_is_printed(probe: Probe, take: Take) -> None:
    """A label that was ordered is printed, with the right text, within 10 seconds."""
    parcel = take()
    ordered = probe.post(f"{WEB}/jobs", json={"parcel_id": parcel["id"]})
    expect(
        number(ordered) is not None,
        expected="202 and JSON with the job's whole-number id from POST /jobs",
        seen=f"status {ordered.status}",
        said=ordered.text,
    )
    label = f"ND{parcel['id']:08d}-{zlib.crc32(str(parcel['recipient']).encode()):08X}"
    for attempt in eventually(seconds=10, interval=0.2):
        with attempt:
            job = probe.get(f"{WEB}/jobs/{number(ordered)}")
            expect(
                (fields(job).get("state"), fields(job).get("label")) == ("done", label),
                expected=f"GET /jobs/<id> says state “done” and label “{label}”",
                seen=f"status {job.status}: {job.text[:300]}",
                look="docker compose ps; docker compose logs worker",
            )
