"""The desk as a bare ASGI application."""

import asyncio
import json
import os
import re

from service import data

STEPS = [(500, 390), (1_000, 490), (2_000, 690), (5_000, 890), (10_000, 1290), (31_500, 1990)]


async def rows(sql, *values):
    return [dict(row) for row in await asyncio.to_thread(data.rows, sql, *values)]


async def home(_):
    return 200, f"<h1>{os.environ['SITE_NAME']}</h1>"


async def healthz(_):
    return 200, {"ok": True}


async def readyz(_):
    try:
        await rows(data.TABLES)
        return 200, {"ok": True}
    except Exception as problem:
        return 503, {"ok": False, "why": str(problem)}


async def new_parcel(body):
    wanted = json.loads(body)
    cents = next((cents for limit, cents in STEPS if wanted["weight_grams"] <= limit), None)
    if cents is None:
        return 400, {"error": "too heavy"}
    made = await rows(
        "INSERT INTO parcels (recipient, weight_grams, price_cents) VALUES (%s, %s, %s)"
        " RETURNING id, recipient, weight_grams, price_cents",
        wanted["recipient"],
        wanted["weight_grams"],
        cents,
    )
    return 201, made[0]


async def parcel(_, number):
    found = await rows("SELECT id, recipient, weight_grams, price_cents FROM parcels WHERE id = %s", number)
    return (200, found[0]) if found else (404, None)


async def new_scan(body, number):
    changed = await rows("UPDATE parcels SET scan = %s WHERE id = %s RETURNING id", body, number)
    return (201, {}) if changed else (404, None)


async def scan(_, number):
    found = await rows("SELECT scan FROM parcels WHERE id = %s AND scan IS NOT NULL", number)
    return (200, bytes(found[0]["scan"])) if found else (404, None)


async def report(_):
    await asyncio.sleep(1.5)
    return 200, {**(await rows("SELECT count(*) AS parcels FROM parcels"))[0], "complete": True}


async def new_job(body):
    made = await rows("INSERT INTO jobs (parcel_id) VALUES (%s) RETURNING id, state", json.loads(body)["parcel_id"])
    return 202, made[0]


async def job(_, number):
    found = await rows("SELECT id, state, label FROM jobs WHERE id = %s", number)
    return (200, found[0]) if found else (404, None)


ROUTES = {
    ("GET", "/"): home,
    ("GET", "/healthz"): healthz,
    ("GET", "/readyz"): readyz,
    ("POST", "/parcels"): new_parcel,
    ("GET", "/parcels/(\\d+)"): parcel,
    ("POST", "/parcels/(\\d+)/attachment"): new_scan,
    ("GET", "/parcels/(\\d+)/attachment"): scan,
    ("GET", "/slow-report"): report,
    ("POST", "/jobs"): new_job,
    ("GET", "/jobs/(\\d+)"): job,
}


async def answer(method, path, body):
    for (wanted, pattern), handler in ROUTES.items():
        match = re.fullmatch(pattern, path)
        if match and method == wanted:
            try:
                return await handler(body, *map(int, match.groups()))
            except (KeyError, ValueError) as problem:
                return 400, {"error": repr(problem)}
    return 404, None


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await asyncio.sleep(0.5)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status, content = await answer(scope["method"], scope["path"], body)
    data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", str(len(data)).encode())]})
    await send({"type": "http.response.body", "body": data})
